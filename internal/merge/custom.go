package merge

import "reflect"

// hasOwn reports whether values of type t settle their own conflicts: by a
// method Merge(base, theirs *T) on *T. One on T would change a copy.
func hasOwn(t reflect.Type) bool {
	method, ok := reflect.PointerTo(t).MethodByName("Merge")
	if !ok || !isOwn(method, t) {
		return false
	}
	_, onValue := t.MethodByName("Merge")
	return !onValue
}

// isOwn reports whether a method of *T is a func(base, theirs *T).
func isOwn(method reflect.Method, t reflect.Type) bool {
	p, f := reflect.PointerTo(t), method.Type
	return f.NumIn() == 3 && f.NumOut() == 0 && !f.IsVariadic() && f.In(1) == p && f.In(2) == p
}

// callOwn lets mine settle the conflict.
func callOwn(v versions) {
	v.mine.Addr().MethodByName("Merge").Call([]reflect.Value{v.base.Addr(), v.theirs.Addr()})
}

// adopt sets, in live, what a value's own method has changed: mine was before, and is
// after now. Fields that are never stored are zero in both.
func adopt(live, before, after reflect.Value) {
	t := shapeOf(live.Type())
	if len(t.fields) == 0 || !t.sameHidden(before, after) {
		live.Set(after)
		return
	}
	for _, f := range t.fields {
		was, is, now := f.of(before), f.of(after), f.of(live)
		switch {
		case was.IsZero() && is.IsZero():
		case dissolves(f.StructField):
			adopt(now, was, is)
		case !equal(now, is):
			now.Set(is)
		}
	}
}
