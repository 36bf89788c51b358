package main

import (
	"math"
	"time"
)

// session is what the engine has of one, as far as it matters.
type session struct {
	key     uint64
	version int
	written time.Duration // when its expiry was written
	phase   float64       // where in a slot of the expiry index that was
	owned   bool
	gone    bool // logged out
}

// request is one on its way through the middleware.
type request struct {
	*simulation
	kind    kind
	session *session
	version int           // as loaded
	expires time.Duration // when that was written
	began   time.Duration
	thought time.Duration // time spent in the handler
	tries   int
	failed  bool
}

// maxAttempts is internal/lifecycle's bound on the retries of a commit.
const maxAttempts = 100

// begin is what happens to a request before its handler runs.
func (s *simulation) begin(page *session) {
	r := &request{simulation: s, kind: s.mix.draw(s.rand), session: page, began: s.now}
	switch r.kind {
	case untouched:
		r.think(r.answer)
	case creates:
		s.fresh++
		r.session = &session{key: s.fresh, owned: s.rand.Float64() < s.owned, written: s.now}
		r.think(r.create)
	default:
		r.load(func() { r.think(r.commit) })
	}
}

// think is the handler at work.
func (r *request) think(then func()) {
	r.thought += r.handler
	r.after(r.handler, then)
}

func (r *request) load(then func()) {
	var gone bool
	r.command(load, r.session.key, func() {
		r.version, r.expires, gone = r.session.version, r.session.written, r.session.gone
	}, func() {
		if gone { // an anonymous request
			r.result.Gone++
			r.answer()
			return
		}
		then()
	})
}

// commit does what the table of units of work in the design says.
func (r *request) commit() {
	switch r.kind {
	case changes:
		r.swap(save, r.write(save), r.answer)
	case renews:
		r.renew()
	case logsOut:
		r.command(remove, r.session.key, func() {
			r.result.Logged += r.engine.logged(remove, r.size, true)
			r.session.gone = true
		}, r.answer)
	default:
		r.touch()
	}
}

func (r *request) touch() {
	if r.now-r.expires < r.idle/10 {
		r.answer()
		return
	}
	if r.engine.touchLoads { // the data has to be sent again
		r.command(load, r.session.key, nil, func() { r.command(save, r.session.key, r.write(save), r.answer) })
		return
	}
	r.command(touch, r.session.key, r.write(touch), r.answer)
}

// write is the effect of an update on the row and its expiry.
func (r *request) write(o op) func() {
	return func() {
		x := r.session
		if x.gone {
			return
		}
		warm := r.sameSlot(x)
		r.result.Updates++
		if warm {
			r.result.Warm++
		}
		r.result.Logged += r.engine.logged(o, r.size, warm)
		x.written = r.now
		if o == save {
			x.version++
		}
	}
}

// sameSlot reports whether an update leaves the expiry in the slot where it
// is, so that no index changes.
func (r *request) sameSlot(x *session) bool {
	if !r.engine.wal {
		return false
	}
	slot := r.engine.get("slot") * 60
	at := x.phase + (r.now-x.written).Seconds()/slot
	x.phase = at - math.Floor(at)
	return at < 1
}

// swap is a compare-and-swap, tried until it succeeds or the session is gone.
func (r *request) swap(o op, effect, then func()) {
	var conflict bool
	r.tries++
	r.result.Swaps++
	r.command(o, r.session.key, func() {
		conflict = r.session.gone || r.session.version != r.version
		if !conflict {
			effect()
		}
	}, func() {
		if !conflict {
			then()
			return
		}
		r.result.Conflicts++
		r.result.MostTries = max(r.result.MostTries, r.tries)
		if r.tries == maxAttempts {
			r.failed = true
			r.answer()
			return
		}
		r.after(r.pause(), func() { r.load(func() { r.swap(o, effect, then) }) })
	})
}

// pause is that of internal/lifecycle: none at first, then up to 32 ms.
func (r *request) pause() time.Duration {
	if r.tries == 1 {
		return 0
	}
	return time.Duration(r.rand.Int64N(int64(time.Millisecond << min(r.tries-1, 5))))
}

// create stores a new session: first in the owner's list, then itself.
func (r *request) create() {
	r.list(func() {
		r.command(create, r.session.key, func() {
			r.result.Logged += r.engine.logged(create, r.size, false)
		}, r.answer)
	})
}

// renew gives the session another secret, in one compare-and-swap. Its owner may
// change with it, which goes into the owner's list first.
func (r *request) renew() {
	r.list(func() {
		r.swap(save, func() {
			r.result.Logged += r.engine.logged(save, r.size, false)
			r.session.version++
		}, r.answer)
	})
}

func (r *request) list(then func()) {
	if !r.session.owned || r.service[index] == 0 {
		then()
		return
	}
	r.command(index, r.session.key|1<<63, nil, then)
}

// command calls the engine, and ends the request with 503 if that is down.
func (r *request) command(o op, key uint64, effect func(), then func()) {
	r.result.Trips++
	r.call(o, key, r, effect, func(ok bool) {
		if !ok {
			r.failed = true
			r.answer()
			return
		}
		then()
	})
}

func (r *request) answer() {
	s := r.simulation
	if r.failed {
		s.result.Failed++
		if r.began > s.crashAt {
			s.result.FailedDown++
		}
	} else {
		s.result.Answered[r.kind]++
	}
	if r.began > s.crashAt {
		s.result.InDown++
	}
	if r.kind != untouched && !r.failed && r.began > s.window()/5 {
		s.result.latency = append(s.result.latency, r.now-r.began-r.thought)
	}
}
