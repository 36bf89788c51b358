package storetest

import (
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// sweepCases are about [store.Sweeper].
var sweepCases = []testCase{
	{
		name:        "sweep",
		explanation: "Sweep removes what has expired, at most limit records a call, returns how many, and removes nothing that lives",
		needs:       sweeper,
		f: func(x *trial) {
			const n = 25
			live := x.creates(10, func(int) store.Record { return record("live") })
			made := 0 // those that were not in time may have been stored or not
			x.pass(x.alive(func(expires time.Time) {
				made += n
				x.creates(n, func(int) store.Record {
					return store.Record{Expires: expires, Data: []byte("expired")}
				})
			}))
			if removed := x.sweep(0); removed != 0 {
				x.fatalf("Sweep(0) removed %d records", removed)
			}
			total := 0
			for limit := 1; total <= made; limit++ {
				removed := x.sweep(limit)
				if removed > limit || removed < 0 {
					x.fatalf("Sweep(%d) returned %d", limit, removed)
				}
				if removed == 0 {
					break
				}
				total += removed
			}
			if total < n || total > made {
				x.fatalf("Sweep removed %d records, want the %d that have expired", total, made)
			}
			for k, r := range live {
				x.holds(k, r)
			}
		},
	},
	{
		name:        "sweep-empty",
		explanation: "Sweep of a store where nothing has expired removes nothing",
		needs:       sweeper,
		f: func(x *trial) {
			if n := x.sweep(1000); n != 0 {
				x.fatalf("Sweep of an empty store returned %d", n)
			}
			k := x.key()
			x.create(k, record("data"))
			if n := x.sweep(1000); n != 0 {
				x.fatalf("Sweep returned %d, but nothing has expired", n)
			}
			x.contains(k, "data")
		},
	},
	{
		name:        "sweep-extended",
		explanation: "a record that Touch or Save extended stays, also after the time at which it first was to expire",
		needs:       sweeper,
		f: func(x *trial) {
			var touched, saved store.Key
			var r store.Record
			soon := x.alive(func(expires time.Time) {
				touched, saved, r = x.key(), x.key(), record("data")
				dying := r
				dying.Expires = expires
				x.create(touched, dying)
				dying.Version = x.create(saved, dying)
				x.touch(touched, r.Expires)
				r.Version = dying.Version
				x.savedInTime(saved, r, expires)
			})
			x.pass(soon)
			x.sweep(1000)
			x.holds(touched, r)
			x.holds(saved, r)
		},
	},
	{
		name:        "sweep-race",
		explanation: "Sweep judges a record at the moment of its removal: one that Touch or Save has just extended is not removed",
		needs:       sweeper,
		f: func(x *trial) {
			const n = 40
			later := in(time.Hour)
			soon := in(brief)
			made := x.creates(n, func(i int) store.Record {
				// They expire one after the other while they are extended.
				return store.Record{Expires: soon.Add(time.Duration(i) * time.Millisecond), Data: []byte("data")}
			})
			time.Sleep(time.Until(soon))
			var done atomic.Bool
			extended := make(map[store.Key]bool)
			x.together(
				func() {
					for !done.Load() {
						x.sweep(1000)
					}
				},
				func() {
					defer done.Store(true)
					i := 0
					for k, r := range made {
						if i++; i%2 == 0 {
							x.touch(k, later)
							got, ok := x.exists(k)
							extended[k] = ok && got.Expires.After(soon.Add(time.Minute))
						} else {
							r.Expires = later
							_, err := x.s.Save(x.ctx, k, r)
							extended[k] = x.won(err)
						}
					}
				},
			)
			x.pass(soon.Add(n * time.Millisecond))
			x.sweep(1000)
			for k := range made {
				if _, ok := x.exists(k); ok != extended[k] {
					x.fatalf("the record was extended: %t, but after Sweep it exists: %t", extended[k], ok)
				}
			}
		},
	},
}

func (x *trial) sweep(limit int) int {
	x.Helper()
	n, err := x.s.(store.Sweeper).Sweep(x.ctx, limit)
	if err != nil {
		x.fatalf("Sweep(%d): %v", limit, err)
	}
	return n
}
