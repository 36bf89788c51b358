package storetest

import (
	"time"

	"github.com/sesame-go/sesame/store"
)

// edgeCases test the exact moment of expiry, with each method that depends on it.
var edgeCases = []testCase{
	edge("load", nil, true, func(x *trial, k store.Key, r store.Record) bool {
		_, ok := x.exists(k)
		return ok
	}),
	edge("save", nil, false, func(x *trial, k store.Key, r store.Record) bool {
		r.Expires = in(time.Hour)
		_, err := x.s.Save(x.ctx, k, r)
		return x.won(err)
	}),
	edge("create", nil, true, func(x *trial, k store.Key, r store.Record) bool {
		_, err := x.s.Save(x.ctx, k, record("successor"))
		return !x.won(err)
	}),
	edge("touch", nil, false, func(x *trial, k store.Key, r store.Record) bool {
		x.touch(k, in(time.Hour))
		got, ok := x.exists(k)
		return ok && got.Expires.After(r.Expires)
	}),
	edge("all", lister, true, func(x *trial, k store.Key, r store.Record) bool {
		_, ok := x.all()[k]
		return ok
	}),
	edge("owned", ownerIndex, true, func(x *trial, k store.Key, r store.Record) bool {
		_, ok := x.owned("ann")[k]
		return ok
	}),
	edge("delete-owned", ownerIndex, false, func(x *trial, k store.Key, r store.Record) bool {
		n, err := x.s.(store.OwnerIndex).DeleteOwned(x.ctx, "ann")
		if err != nil {
			x.fatalf("DeleteOwned: %v", err)
		}
		return n > 0
	}),
	edge("count", counter, true, func(x *trial, k store.Key, r store.Record) bool {
		return x.count() > 0
	}),
}

// A look calls one method and reports whether the record under k, the only one in
// the store, is live for it.
type look func(x *trial, k store.Key, r store.Record) bool

// edge returns a case that looks at records just before and just after their
// expiry. If again is set, a look changes nothing and is repeated.
func edge(method string, needs *iface, again bool, live look) testCase {
	return testCase{
		name:        "edge-" + method,
		explanation: "a record is live until its Expires and not after it, to the millisecond, for " + method + " as for all other methods",
		needs:       needs,
		f: func(x *trial) {
			tries, end := 12, time.Now().Add(x.long(4*time.Second))
			if x.quick {
				tries *= patience
			}
			for _, write := range writes {
				life, before, after := 50*time.Millisecond, false, false
				for try := 0; (!before || !after) && try < tries && time.Now().Before(end); try++ {
					begun := time.Now()
					before = x.before(write, live, life, again, time.Millisecond<<(try%5)) || before
					after = x.after(write, live, life) || after
					life = min(max(life, 2*time.Since(begun)), time.Second/2)
				}
				if !before || !after {
					x.Logf("the store or the machine is too slow to test the moment of expiry to the millisecond")
				}
			}
		},
	}
}

// writes are the ways in which a record gets its final expiry.
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

// rounding allows for stores that round times.
const rounding = 2 * time.Millisecond

// before looks at a record from lead before its expiry on. It reports whether an
// answer came so late that an expiry a few milliseconds too early would have been
// seen.
func (x *trial) before(write func(*trial, store.Key, store.Record) uint64, live look, life time.Duration, again bool, lead time.Duration) bool {
	x.Helper()
	k, r := x.key(), stored()
	defer x.delete(k)
	r.Expires = in(life)
	r.Version = write(x, k, r)
	if time.Until(r.Expires) < 15*time.Millisecond {
		return false // the record may have expired before it was touched
	}
	earliest := r.Expires.Add(-rounding - x.error)
	if again {
		lead = 8 * time.Millisecond
	}
	time.Sleep(time.Until(earliest.Add(-lead)))
	late := false
	for {
		alive := live(x, k, r)
		ended := time.Now()
		if !ended.Before(earliest) {
			return late
		}
		if !alive {
			x.fatalf("the record expired %v before its Expires", r.Expires.Sub(ended))
		}
		late = late || earliest.Sub(ended) < rounding
		if !again {
			return late
		}
	}
}

// after looks at a record after its expiry. It reports whether it did so early
// enough that an expiry a few milliseconds too late would have been seen.
func (x *trial) after(write func(*trial, store.Key, store.Record) uint64, live look, life time.Duration) bool {
	x.Helper()
	k, r := x.key(), stored()
	defer x.delete(k)
	begun := time.Now()
	r.Expires = in(life)
	r.Version = write(x, k, r)
	if r.Version == 0 {
		return false // the record has expired before it was touched
	}
	// An engine that is given a time to live may count from the arrival of the call.
	latest := r.Expires.Add(rounding + x.error + time.Since(begun))
	time.Sleep(time.Until(latest.Add(time.Millisecond)))
	began := time.Now()
	if live(x, k, r) {
		x.fatalf("the record is still live %v after its Expires", began.Sub(r.Expires))
	}
	return began.Sub(latest) < 10*time.Millisecond
}
