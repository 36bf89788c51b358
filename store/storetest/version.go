package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/sesame-go/sesame/store"
)

// versionCases are about the versions that Save chooses. The [audit] checks in all
// cases that none repeats; these make repetition likely.
var versionCases = []testCase{
	{
		name:        "version-changes",
		explanation: "a version is never zero, and each Save changes it, even if nothing else changes",
		f: func(x *trial) {
			k, r := x.key(), record("data")
			r.Version = x.create(k, r)
			for range 20 {
				v := x.save(k, r)
				if v == r.Version {
					x.fatalf("two Saves returned the version %d", v)
				}
				r.Version = v
			}
		},
	},
	{
		name:        "version-content",
		explanation: "a record that is changed and changed back has a new version: a version identifies a Save, not the content",
		f: func(x *trial) {
			k := x.key()
			states := []store.Record{stored(), record("other"), {Expires: in(time.Hour), Owner: "ann"}}
			r := states[0]
			r.Version = x.create(k, r)
			first := r
			for i := range 9 {
				next := states[(i+1)%len(states)]
				next.Version = r.Version
				next.Version = x.save(k, next)
				r = next
			}
			r.Version = x.load(k).Version
			if r.Version == first.Version {
				x.fatalf("version %d stands for two Saves of the same record", r.Version)
			}
			x.conflict(k, first)
			x.remains(k, r)
		},
	},
	{
		name:        "version-many",
		explanation: "versions do not repeat after many Saves, be it 255 or 65,535: such a small counter is not enough",
		f: func(x *trial) {
			k, r := x.key(), record("data")
			first := r
			first.Version = x.create(k, r)
			r.Version = first.Version
			n, most := x.forAWhile(5*time.Second, 300, 66_000, func(int) { r.Version = x.save(k, r) })
			if n < most {
				x.Logf("the store is slow: it was tried with %d Saves instead of %d", n, most)
			}
			x.conflict(k, first)
		},
	},
	{
		name:        "version-not-reused",
		explanation: "a record that is created again after its deletion never gets an earlier version, however often this happens, however much time passes and however many other records are saved between, so that a Save with a stale version is refused",
		f: func(x *trial) {
			k, r := x.key(), record("data")
			var old []store.Record
			x.forAWhile(time.Second, 20, 1000, func(int) {
				r.Version = x.create(k, r)
				old = append(old, r)
				r.Version = x.save(k, r)
				old = append(old, r)
				x.delete(k)
			})
			quick := x.unaudited()
			x.forAWhile(time.Second, 100, 20_000, func(int) {
				other := x.key()
				quick.create(other, r)
				quick.delete(other)
			})
			time.Sleep(3 * time.Second / 2) // for stores that remember versions for a second
			r.Version = x.create(k, r)
			for _, stale := range old[:min(len(old), 300)] {
				x.conflict(k, stale)
			}
			x.remains(k, r)
		},
	},
	{
		name:        "version-not-reused-expired",
		explanation: "a record that is created again after it expired, was saved with an Expires in the past or was swept never gets an earlier version",
		f: func(x *trial) {
			keys := []store.Key{x.key(), x.key(), x.key()}
			stale := make([][]store.Record, len(keys))
			for round := range 4 {
				soon := in(brief)
				for i, k := range keys {
					r := record(fmt.Sprint("round ", round))
					if i == 0 {
						r.Expires = soon
					}
					r.Version = x.create(k, r)
					stale[i] = append(stale[i], r)
					if i > 0 {
						r.Expires = []time.Time{soon, in(-time.Minute)}[i-1]
						r.Version = x.save(k, r)
						stale[i] = append(stale[i], r)
					}
				}
				x.pass(soon)
				if x.has[sweeper] && round%2 == 1 {
					x.sweep(1000)
				}
			}
			for i, k := range keys {
				r := record("new")
				r.Version = x.create(k, r)
				for _, old := range stale[i] {
					old.Expires = in(time.Hour)
					x.conflict(k, old)
				}
				x.remains(k, r)
			}
		},
	},
	{
		name:        "version-not-reused-owned",
		explanation: "a record that is created again after DeleteOwned removed it never gets an earlier version",
		needs:       ownerIndex,
		f: func(x *trial) {
			k, r := x.key(), stored()
			var stale []store.Record
			for range 20 {
				r.Version = x.create(k, r)
				stale = append(stale, r)
				x.deleteOwned(1, "ann")
			}
			r.Version = x.create(k, r)
			for _, old := range stale {
				x.conflict(k, old)
			}
			x.remains(k, r)
		},
	},
	{
		name:        "version-own",
		explanation: "Save returns the version of its own record, not one that a concurrent Save, Touch or Delete has set since. Reading the version after the lock was released, or by a second call to the engine, is too late",
		f: func(x *trial) {
			// None of these calls needs a version, so they interfere as often as
			// possible.
			s, k := x.unaudited().s, x.key()
			expires := in(time.Hour)
			end := time.Now().Add(time.Second)
			work := func(f func()) func() {
				return func() {
					for i := 0; i < 10 || time.Now().Before(end) && !x.Failed(); i++ {
						f()
					}
				}
			}
			const savers = 8
			var returned [savers][]uint64
			fs := times(savers, func(i int) {
				work(func() {
					r := store.Record{Expires: expires, Durable: i%2 == 0}
					for range 2 {
						v, err := s.Save(x.ctx, k, r)
						if !x.won(err) {
							return
						}
						returned[i] = append(returned[i], v)
						r.Version = v
					}
				})()
			})
			for range 4 {
				fs = append(fs, work(func() {
					if err := s.Delete(x.ctx, k); err != nil {
						x.fatalf("Delete: %v", err)
					}
				}))
			}
			x.together(fs...)
			seen := make(map[uint64]bool)
			for _, v := range slices.Concat(returned[:]...) {
				if v == 0 || seen[v] {
					x.fatalf("of %d concurrent Saves of one key two returned version %d, or one returned 0", len(seen)+1, v)
				}
				seen[v] = true
			}
		},
	},
}

// forAWhile calls f with 0, 1 and so on, at most most times. After least calls it
// also ends when d is over, see [patience]. It returns the number of calls, and
// most.
func (x *trial) forAWhile(d time.Duration, least, most int, f func(i int)) (int, int) {
	x.Helper()
	end := time.Now().Add(x.long(d))
	for i := range most {
		if i >= least && (time.Now().After(end) || x.Failed()) {
			return i, most
		}
		f(i)
	}
	return most, most
}
