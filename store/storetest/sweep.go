package storetest

import (
	"maps"
	"math"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// sweepCases are about [store.Sweeper].
var sweepCases = []testCase{
	{
		name:        "sweep",
		explanation: "Sweep removes expired records, at most limit per call, returns how many, and removes no live record. A store that leaves records for some time after their expiry needs the option SweepGrace",
		needs:       sweeper,
		f: func(x *trial) {
			const n = 25
			live := x.creates(10, func(int) store.Record { return record("live") })
			made := 0 // records of attempts that took too long may exist or not
			x.pass(x.alive(func(expires time.Time) {
				made += n
				x.creates(n, func(i int) store.Record {
					return store.Record{
						Expires: expires, Owner: []string{"", "ann"}[i%2], Data: [][]byte{nil, []byte("data"), []byte("expired")}[i%3],
					}
				})
			}))
			for _, limit := range []int{0, -1, math.MinInt} {
				if removed := x.sweep(limit); removed != 0 {
					x.fatalf("Sweep(%d) removed %d records", limit, removed)
				}
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
			switch {
			case x.grace > 0 && total > 0:
				x.fatalf("Sweep removed %d records that had just expired, want none that expired less than %v ago", total, x.grace)
			case x.grace == 0 && (total < n || total > made):
				x.fatalf("Sweep removed %d records, want the %d that have expired; if it leaves them for some time, give Run the option SweepGrace", total, made)
			}
			for k, r := range live {
				x.holds(k, r)
			}
			if x.has[ownerIndex] {
				x.owns("ann")
			}
		},
	},
	{
		name:        "sweep-early",
		explanation: "Sweep removes no record before its Expires, however near that is, with or without an owner and with or without data",
		needs:       sweeper,
		f: func(x *trial) {
			rounds := 0
			x.until(func(life time.Duration) bool {
				soon := in(life)
				made := make(map[store.Key]store.Record)
				for _, end := range []time.Duration{0, 50 * time.Millisecond, 200 * time.Millisecond, 800 * time.Millisecond,
					2 * time.Second, 10 * time.Second, 10 * time.Minute, 24 * time.Hour} {
					maps.Copy(made, x.ending(soon.Add(end)))
				}
				sure := soon.Add(-rounding - x.error)
				swept := false
				for limit := 1; time.Now().Before(sure); limit = min(2*limit, 1000) {
					removed := x.sweep(limit)
					if left := time.Until(sure); left > 0 {
						swept = true
						if removed > 0 {
							x.fatalf("Sweep removed %d records %v before the first of them expires", removed, left)
						}
					}
				}
				keys := keysOf(made)
				x.each(len(keys), func(i int) {
					k, r := keys[i], made[keys[i]]
					if _, ok := x.exists(k); !ok && time.Until(r.Expires) > rounding+x.error {
						x.fatalf("Sweep removed a record (owner %q, %d bytes of data) %v before its Expires", r.Owner, len(r.Data), time.Until(r.Expires))
					}
					x.delete(k)
				})
				if swept {
					rounds++
				}
				return rounds == 3 || swept && life > 2*time.Second // then the store is slow
			})
		},
	},
	{
		name:        "sweep-again",
		explanation: "Sweep goes by the current Expires of the record under the key: it leaves a record that was created in the place of an expired or deleted one, and removes one whose Expires a Save has moved nearer",
		needs:       sweeper,
		f: func(x *trial) {
			var expired, deleted, shortened store.Key
			r, fresh := stored(), owned("bob")(0)
			x.pass(x.alive(func(soon time.Time) {
				for _, k := range []store.Key{expired, deleted, shortened} {
					x.delete(k)
				}
				expired, deleted, shortened = x.key(), x.key(), x.key()
				dying := store.Record{Expires: soon, Owner: "ann"}
				x.create(expired, dying)
				x.create(deleted, dying)
				x.delete(deleted)
				x.create(deleted, fresh)
				r = stored()
				r.Version = x.create(shortened, r)
				r.Expires = soon
				x.save(shortened, r)
			}))
			x.create(expired, fresh)
			if n := x.sweep(1000); n > 1 || n == 0 && x.grace == 0 {
				x.fatalf("Sweep removed %d records, want the one that has expired", n)
			}
			x.holds(expired, fresh)
			x.holds(deleted, fresh)
			x.missing(shortened)
			if x.has[ownerIndex] {
				x.owns("bob", expired, deleted)
			}
		},
	},
	{
		name:        "sweep-empty",
		explanation: "Sweep of a store without expired records removes nothing",
		needs:       sweeper,
		f: func(x *trial) {
			if n := x.sweep(math.MaxInt); n != 0 {
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
		explanation: "Sweep does not remove a record that Touch or Save has extended, even after its first Expires",
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
		explanation: "Sweep judges a record at the moment of removal: it does not remove one that Touch or Save has just extended",
		needs:       sweeper,
		f: func(x *trial) {
			const n = 40
			x.until(func(life time.Duration) bool {
				later, soon := in(time.Hour), in(life)
				expires := func(i int) time.Time { return soon.Add(time.Duration(i) * time.Millisecond) }
				var keys [n]store.Key
				var records [n]store.Record
				x.each(n, func(i int) {
					keys[i], records[i] = x.key(), store.Record{Expires: expires(i), Data: []byte("data")}
					records[i].Version = x.create(keys[i], records[i])
				})
				var extended [n]bool
				extend := func(i int) {
					k, r := keys[i], records[i]
					if i%2 == 0 {
						x.touch(k, later)
						got, ok := x.exists(k)
						extended[i] = ok && got.Expires.After(soon.Add(time.Minute))
					} else {
						r.Expires = later
						extended[i] = x.won(failure(x.s.Save(x.ctx, k, r)))
					}
				}
				var done atomic.Bool
				x.together(
					func() {
						for !done.Load() {
							x.sweep(1000)
						}
					},
					func() { // half of them right away, half at the last moment
						defer done.Store(true)
						x.each(n/2, extend)
						for i := n / 2; i < n; i++ {
							time.Sleep(time.Until(expires(i).Add(-time.Duration(i%8) * 100 * time.Microsecond)))
							extend(i)
						}
					},
				)
				x.pass(expires(n))
				x.sweep(1000)
				inTime := 0
				for i, k := range keys {
					if _, ok := x.exists(k); ok != extended[i] {
						x.fatalf("the record was extended: %t; after Sweep it exists: %t", extended[i], ok)
					}
					if extended[i] {
						inTime++
					}
				}
				return inTime >= n/4
			})
		},
	},
}

// ending creates records of all kinds that expire at the given time.
func (x *trial) ending(expires time.Time) map[store.Key]store.Record {
	x.Helper()
	var kinds []store.Record
	for _, owner := range []string{"", "ann"} {
		for _, data := range [][]byte{nil, {}, []byte("data")} {
			for _, durable := range []bool{false, true} {
				kinds = append(kinds, store.Record{Expires: expires, Owner: owner, Data: data, Durable: durable})
			}
		}
	}
	const ways = 3 // in which a record gets that expiry
	made := x.creates(ways*len(kinds), func(i int) store.Record { return kinds[i/ways] })
	keys := keysOf(made)
	x.each(len(keys), func(i int) {
		switch k := keys[i]; i % ways {
		case 1:
			x.touch(k, expires.Add(time.Millisecond))
		case 2:
			x.savedInTime(k, made[k], expires)
		}
	})
	return made
}

func (x *trial) sweep(limit int) int {
	x.Helper()
	n, err := x.s.(store.Sweeper).Sweep(x.ctx, limit)
	if err != nil {
		x.fatalf("Sweep(%d): %v", limit, err)
	}
	return n
}
