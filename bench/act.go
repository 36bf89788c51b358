package bench

// act returns what op does to a session that is a map, and the answer. It is
// nil if op leaves the session alone.
func act(op Op, v values, held *gate) func(Values) []byte {
	if i, yes := op.mark(); yes {
		return func(s Values) []byte {
			_ = s.Get(markKeys[i])
			held.wait()
			s.Set(markKeys[i], true)
			return ok
		}
	}
	does := func(f func(Values)) func(Values) []byte {
		return func(s Values) []byte {
			f(s)
			return ok
		}
	}
	switch op {
	case Read:
		return does(v.read)
	case Change, Renew:
		return does(v.change)
	case Create:
		return does(v.put)
	case opDump:
		return v.dump
	default:
		return nil
	}
}

// saves says whether op changes the session, for libraries that must be told.
func (o Op) saves() bool {
	_, marks := o.mark()
	return marks || o == Change || o == Create || o == Renew
}
