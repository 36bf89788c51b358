package storetest

import (
	"time"

	"github.com/sesame-go/sesame/store"
)

// edgeCases look closely at the moment of expiry, through each method that may
// see it.
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

// A look calls one method and tells whether that takes the record under k, the
// only one in the store, for live.
type look func(x *trial, k store.Key, r store.Record) bool

// edge returns a case that looks at records just before their expiry and just
// after it. If looking changes nothing it looks again and again.
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
					x.Logf("store or machine are too slow to tell to the millisecond when a record dies")
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

// Times that stores keep are rounded.
const rounding = 2 * time.Millisecond

// before looks at a record before its expiry, not later than lead before. It
// reports whether an answer came so late that a few milliseconds less of life
// would have shown.
func (x *trial) before(write func(*trial, store.Key, store.Record) uint64, live look, life time.Duration, again bool, lead time.Duration) bool {
	x.Helper()
	k, r := x.key(), stored()
	defer x.delete(k)
	r.Expires = in(life)
	r.Version = write(x, k, r)
	if time.Until(r.Expires) < 15*time.Millisecond {
		return false // it may have expired before it was touched
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
			x.fatalf("the record was taken for expired %v before its Expires", r.Expires.Sub(ended))
		}
		late = late || earliest.Sub(ended) < rounding
		if !again {
			return late
		}
	}
}

// after looks at a record after its expiry. It reports whether it did so early
// enough that some milliseconds more of life would have shown.
func (x *trial) after(write func(*trial, store.Key, store.Record) uint64, live look, life time.Duration) bool {
	x.Helper()
	k, r := x.key(), stored()
	defer x.delete(k)
	begun := time.Now()
	r.Expires = in(life)
	r.Version = write(x, k, r)
	if r.Version == 0 {
		return false // it has expired before it was touched
	}
	// An engine that is told a time to live may count it from its arrival.
	latest := r.Expires.Add(rounding + x.error + time.Since(begun))
	time.Sleep(time.Until(latest.Add(time.Millisecond)))
	began := time.Now()
	if live(x, k, r) {
		x.fatalf("the record was taken for live %v after its Expires", began.Sub(r.Expires))
	}
	return began.Sub(latest) < 10*time.Millisecond
}
