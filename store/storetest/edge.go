package storetest

import (
	"time"

	"github.com/sesame-go/sesame/store"
)

// edgeCases look closely at the moment of expiry, through each method that may
// see it.
var edgeCases = []testCase{
	edge("load", nil, func(x *trial, k store.Key, r store.Record) bool {
		_, ok := x.exists(k)
		return ok
	}),
	edge("save", nil, func(x *trial, k store.Key, r store.Record) bool {
		r.Expires = in(time.Hour)
		_, err := x.s.Save(x.ctx, k, r)
		return x.won(err)
	}),
	edge("create", nil, func(x *trial, k store.Key, r store.Record) bool {
		_, err := x.s.Save(x.ctx, k, record("successor"))
		return !x.won(err)
	}),
	edge("touch", nil, func(x *trial, k store.Key, r store.Record) bool {
		x.touch(k, in(time.Hour))
		got, ok := x.exists(k)
		return ok && got.Expires.After(r.Expires)
	}),
	edge("all", lister, func(x *trial, k store.Key, r store.Record) bool {
		_, ok := x.all()[k]
		return ok
	}),
	edge("owned", ownerIndex, func(x *trial, k store.Key, r store.Record) bool {
		_, ok := x.owned("ann")[k]
		return ok
	}),
	edge("delete-owned", ownerIndex, func(x *trial, k store.Key, r store.Record) bool {
		n, err := x.s.(store.OwnerIndex).DeleteOwned(x.ctx, "ann")
		if err != nil {
			x.fatalf("DeleteOwned: %v", err)
		}
		return n > 0
	}),
	edge("count", counter, func(x *trial, k store.Key, r store.Record) bool {
		return x.count() > 0
	}),
}

// edge returns a case in which live calls one method and tells whether that
// takes the record under k, the only one in the store, for live.
func edge(method string, needs *iface, live func(x *trial, k store.Key, r store.Record) bool) testCase {
	return testCase{
		name:        "edge-" + method,
		explanation: "a record is live until its Expires and not after it, to the millisecond, for " + method + " as for all other methods",
		needs:       needs,
		f: func(x *trial) {
			for _, write := range writes {
				life, lead, judged := 50*time.Millisecond, time.Millisecond, false
				for try := 0; !judged && try < 5; try++ {
					begun := time.Now()
					before := x.edge(write, live, life, -lead)
					after := x.edge(write, live, life, time.Millisecond)
					judged = before && after
					life, lead = min(max(2*life, time.Since(begun)), time.Second/2), 2*lead
				}
				if !judged {
					x.Logf("store or machine are too slow to tell when a record dies")
				}
			}
		},
	}
}

// writes are the ways in which a record gets the expiry that it dies by.
var writes = []func(x *trial, k store.Key, r store.Record) (version uint64){
	func(x *trial, k store.Key, r store.Record) uint64 { return x.create(k, r) },
	func(x *trial, k store.Key, r store.Record) uint64 {
		longer := r
		longer.Expires = in(time.Hour)
		r.Version = x.create(k, longer)
		return x.save(k, r)
	},
	func(x *trial, k store.Key, r store.Record) uint64 {
		shorter := r
		shorter.Expires = r.Expires.Add(-10 * time.Millisecond)
		x.create(k, shorter)
		x.touch(k, r.Expires)
		got, _ := x.exists(k)
		return got.Version
	},
}

// edge calls live for a record at some time from its expiry, or from when the
// expiry has certainly come if that is positive. The answer is wrong if no
// instant between the beginning and the end of the call justifies it. It
// reports whether the call came in time to prove something.
func (x *trial) edge(write func(*trial, store.Key, store.Record) uint64,
	live func(*trial, store.Key, store.Record) bool, life, at time.Duration) bool {
	x.Helper()
	const rounding = 2 * time.Millisecond // of the times that stores keep
	k, r := x.key(), stored()
	defer x.delete(k)
	begun := time.Now()
	r.Expires = in(life)
	r.Version = write(x, k, r)
	written := time.Now()
	if r.Version == 0 { // it had expired before the touch
		return false
	}

	// An engine that is told a time to live may count it from its arrival.
	earliest := r.Expires.Add(-rounding - x.error)
	latest := r.Expires.Add(rounding + x.error + written.Sub(begun))
	call := earliest.Add(at)
	if at > 0 {
		call = latest.Add(at)
	} else if call.Before(written) || written.Add(15*time.Millisecond).After(r.Expires) {
		return false
	}
	time.Sleep(time.Until(call))

	began := time.Now()
	alive := live(x, k, r)
	ended := time.Now()
	if !alive && ended.Before(earliest) {
		x.fatalf("the record was taken for expired %v before its Expires", r.Expires.Sub(ended))
	}
	if alive && began.After(latest) {
		x.fatalf("the record was taken for live %v after its Expires", began.Sub(r.Expires))
	}
	if at < 0 {
		return ended.Before(earliest)
	}
	return began.Sub(latest) < 10*time.Millisecond
}
