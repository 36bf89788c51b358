package storetest

import (
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// skewCases are about two stores on one engine whose clocks differ. They may
// disagree about when a record expires by as much as their clocks differ.
var skewCases = []testCase{
	{
		name:        "skew-expiry",
		explanation: "if clocks are wrong by d, a record expires at most d too early or too late, whichever store saved it and whichever loads it",
		f: func(x *trial) {
			x.apart(func(life, by time.Duration) bool {
				ahead, behind := x.on(x.skewed(by)), x.on(x.skewed(-by))
				pairs := [][2]*trial{{x, ahead}, {x, behind}, {ahead, x}, {behind, x}, {ahead, ahead}, {behind, behind}}
				return x.inTime(len(pairs), func(i int) bool {
					writer, reader := pairs[i][0], pairs[i][1]
					k, expires := x.key(), in(life+2*by)
					writer.create(k, store.Record{Expires: expires})
					// If the clock's error counted twice, the record would have expired here.
					x.pass(expires.Add(-2 * by))
					early := reader.dies(k, expires.Add(-by), expires.Add(by))
					x.pass(expires.Add(by))
					writer.missing(k)
					reader.missing(k)
					return early
				})
			})
		},
	},
	{
		name:        "skew-touch",
		explanation: "a Touch by a store whose clock is wrong never moves Expires nearer, and the Expires it sets is off by no more than the clock",
		f: func(x *trial) {
			for _, by := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
				y := x.on(x.skewed(by))
				k, r := x.key(), record("data")
				x.create(k, r)
				for _, expires := range append(pastTimes(), in(0), in(time.Minute),
					r.Expires.Add(-by.Abs()), r.Expires.Add(-time.Minute), r.Expires, r.Expires.Add(time.Minute)) {
					before := x.load(k).Expires
					y.touch(k, expires)
					if after := x.load(k).Expires; after.Before(before.Add(-margin)) {
						x.fatalf("Touch by a store whose clock is wrong by %v moved Expires nearer, by %v", by, before.Sub(after))
					}
				}
				later := r.Expires.Add(time.Hour)
				y.touch(k, later)
				if d := x.load(k).Expires.Sub(later); d.Abs() > by.Abs()+margin {
					x.fatalf("Touch by a store whose clock is wrong by %v set an Expires that is off by %v", by, d)
				}
			}
		},
	},
	{
		name:        "skew-touch-lives",
		explanation: "a record that was touched by a store whose clock is wrong lives at least as long as without the Touch",
		f: func(x *trial) {
			x.apart(func(life, by time.Duration) bool {
				touchers := []*trial{x.on(x.skewed(by)), x.on(x.skewed(-by))}
				return x.inTime(len(touchers), func(i int) bool {
					k, expires := x.key(), in(life+by)
					x.create(k, store.Record{Expires: expires})
					touched := expires.Add(by / 4)
					touchers[i].touch(k, touched)
					// If the store trusted the other's clock, the record would have expired here.
					x.pass(touched.Add(-by))
					return x.dies(k, expires, touched.Add(by))
				})
			})
		},
	},
	{
		name:        "skew-past",
		explanation: "an Expires that has passed by the clock of the store that saves is accepted and never means \"no expiry\": the record expires by the other clock at the latest",
		f: func(x *trial) {
			ahead := x.on(x.skewed(time.Hour))
			var keys []store.Key
			soon := x.alive(func(soon time.Time) {
				past := store.Record{Expires: soon, Data: []byte("past")}

				created := x.key()
				ahead.create(created, past)
				ahead.missing(created)

				saved := x.key()
				r := past
				r.Version = x.create(saved, store.Record{Expires: in(3 * time.Hour)})
				ahead.save(saved, r)
				ahead.missing(saved)

				touched := x.key()
				x.create(touched, past)
				ahead.touch(touched, soon.Add(brief))

				keys = []store.Key{created, saved, touched}
			})
			x.pass(soon.Add(brief))
			for _, k := range keys {
				x.missing(k)
				ahead.missing(k)
			}
		},
	},
	{
		name:        "skew-sweep",
		explanation: "Sweep by a store whose clock is ahead removes only what has expired by its clock; with SweepGrace(d) it removes every record that expired more than d ago, and none that expired less than d ago. Sweep by a store whose clock is behind removes no live record",
		needs:       sweeper,
		f: func(x *trial) {
			ahead, behind := x.on(x.skewed(10*time.Minute)), x.on(x.skewed(-10*time.Minute))
			near := x.creates(20, func(int) store.Record { return store.Record{Expires: in(5 * time.Minute)} })
			far := x.creates(20, func(int) store.Record { return store.Record{Expires: in(15 * time.Minute)} })
			behind.sweep(1000)
			for k := range near {
				x.load(k)
			}
			n := ahead.sweep(7)
			if n > 7 {
				x.fatalf("Sweep(7) removed %d records", n)
			}
			if n += ahead.sweep(1000); n > len(near) {
				x.fatalf("Sweep removed %d records, but only %d have expired by the clock that is ahead", n, len(near))
			}
			for k, r := range far {
				x.holds(k, r)
			}
			if x.grace == 0 {
				return
			}
			if x.grace > 6*time.Minute {
				if n > 0 {
					x.fatalf("Sweep removed %d records that expired 5 minutes ago by the clock that is ahead, want none that expired less than %v ago", n, x.grace)
				}
				for k, r := range near {
					x.holds(k, r)
				}
			}
			wayAhead := x.on(x.skewed(x.grace + 10*time.Minute))
			for k := range near {
				if _, ok := wayAhead.exists(k); ok {
					x.Logf("the store ignores its clock: whether Sweep removes records after the grace cannot be tested")
					return
				}
			}
			if n += wayAhead.sweep(1000); n != len(near) {
				x.fatalf("Sweep removed %d records, want the %d that expired %v ago by its clock", n, len(near), x.grace+5*time.Minute)
			}
		},
	},
	{
		name:        "skew-delete-owned",
		explanation: "DeleteOwned by a store whose clock is ahead removes all of the owner's records, including those that have expired only by its own clock",
		needs:       ownerIndex,
		f: func(x *trial) {
			ahead := x.on(x.skewed(10 * time.Minute))
			made := x.creates(20, func(i int) store.Record {
				return store.Record{Expires: in(time.Duration(5+i) * time.Minute), Owner: "ann"}
			})
			ahead.deleteOwned(-1, "ann")
			for k := range made {
				x.missing(k)
			}
			x.owns("ann")
		},
	},
}

// apart calls f until it reports that the calls were fast enough to judge the
// store, each time with clocks that differ more and records that live longer.
func (x *trial) apart(f func(life, by time.Duration) bool) {
	x.Helper()
	by := x.enough()
	x.until(func(life time.Duration) bool {
		ok := f(life, by)
		by *= 4
		return ok
	})
}

// inTime makes n concurrent calls of f with 0 to n-1, and reports whether all of
// them were fast enough to judge the store, or the trial has failed.
func (x *trial) inTime(n int, f func(i int) bool) bool {
	var late atomic.Bool
	x.together(times(n, func(i int) {
		if !f(i) {
			late.Store(true)
		}
	})...)
	return x.Failed() || !late.Load()
}

// enough returns by how much clocks must differ so that calls fit between the
// expiry by one clock and by another: half a second, or more if calls are slow.
func (x *trial) enough() time.Duration {
	x.Helper()
	begun, k := time.Now(), x.key()
	x.create(k, record("data"))
	x.load(k)
	return min(500*time.Millisecond+10*time.Since(begun), 3*time.Second)
}
