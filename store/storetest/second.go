package storetest

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// secondCases are about two stores on one engine, as in two processes: each sees
// every change that the other has acknowledged.
var secondCases = []testCase{
	{
		name:        "second-load",
		explanation: "after one store has saved or touched a record, the other loads its new state, even if it had loaded the record before",
		f: func(x *trial) {
			x.bothWays(func(a, b *trial) {
				k, r := x.key(), record("0")
				b.missing(k)
				r.Version = a.create(k, r)
				for i := range x.rounds() {
					if v := b.holds(k, r); v != r.Version {
						x.fatalf("one store saved version %d, the other loads %d", r.Version, v)
					}
					r.Owner = []string{"ann", "bob", ""}[i%3]
					r.Data = []byte{byte('0' + i%10)}
					r.Version = a.save(k, r)
				}
				r.Expires = in(2 * time.Hour)
				a.touch(k, r.Expires)
				b.holds(k, r)
			})
		},
	},
	{
		name:        "second-delete",
		explanation: "after one store has deleted a record, the other no longer finds it, then or later, even if it had just loaded the record",
		f: func(x *trial) {
			var keys []store.Key
			x.bothWays(func(a, b *trial) {
				for range x.rounds() {
					k, r := x.key(), record("data")
					r.Version = a.create(k, r)
					b.holds(k, r)
					a.delete(k)
					b.missing(k)
					b.conflict(k, r)
					b.missing(k)
					keys = append(keys, k)
				}
			})
			x.pass(time.Now())
			x.bothWays(func(_, b *trial) {
				for _, k := range keys {
					b.missing(k)
				}
			})
		},
	},
	{
		name:        "second-stale",
		explanation: "a version is valid in both stores, and stale in both after a Save through either",
		f: func(x *trial) {
			x.bothWays(func(a, b *trial) {
				for range x.rounds() {
					k, stale := x.key(), record("first")
					stale.Version = a.create(k, stale)
					next := record("second")
					next.Version = stale.Version
					next.Version = b.save(k, next)
					stale.Data = []byte("stale")
					a.conflict(k, stale)
					b.conflict(k, stale)
					a.holds(k, next)
					a.save(k, next)
					b.conflict(k, next)
				}
			})
		},
	},
	{
		name:        "second-versions",
		explanation: "the versions that two stores choose for one key never repeat: otherwise a stale version from one of them would match a record that the other has saved since",
		f: func(x *trial) {
			x.bothWays(func(a, b *trial) {
				k := x.key()
				seen := make(map[uint64]bool)
				stores := []*trial{a, b, b, a, b}
				for range 5 {
					old := record("old")
					for i, y := range stores {
						old.Version = y.save(k, old)
						if seen[old.Version] {
							x.fatalf("version %d is used a second time", old.Version)
						}
						seen[old.Version] = true
						stores[(i+1)%len(stores)].holds(k, old)
					}
					slices.Reverse(stores)
					stores[1].delete(k)
				}
				for v := range seen {
					r := record("stale")
					r.Version = v
					a.conflict(k, r)
				}
			})
		},
	},
	{
		name:        "second-touch",
		explanation: "a Touch by one store never restores a record that the other has deleted, and extends one that the other has saved",
		f: func(x *trial) {
			x.bothWays(func(a, b *trial) {
				for range x.rounds() {
					k, r := x.key(), record("data")
					a.create(k, r)
					b.holds(k, r)
					b.touch(k, in(2*time.Hour))
					a.delete(k)
					b.touch(k, in(3*time.Hour))
					b.missing(k)
					a.missing(k)
				}
			})
			var k store.Key
			b := x.on(x.second)
			x.pass(x.alive(func(expires time.Time) {
				k = x.key()
				x.create(k, store.Record{Expires: expires, Data: []byte("data")})
				b.touch(k, in(time.Hour))
			}))
			x.contains(k, "data")
			b.contains(k, "data")
		},
	},
	{
		name:        "second-owned",
		explanation: "both stores share one index: each finds and removes the owner's records that the other has created, changed or given to another owner",
		needs:       ownerIndex,
		f: func(x *trial) {
			x.bothWays(func(a, b *trial) {
				made := a.creates(5, owned("ann"))
				mine := x.key()
				b.create(mine, owned("ann")(0))
				b.owns("ann", append(keysOf(made), mine)...)
				a.owns("ann", append(keysOf(made), mine)...)
				for _, k := range keysOf(made) {
					r := made[k]
					r.Data = []byte("changed")
					r.Version = a.save(k, r)
					made[k] = r
					b.remains(k, r)
				}

				given := keysOf(made)[0]
				r := made[given]
				r.Owner = "bob"
				r.Version = b.save(given, r)
				a.owns("bob", given)
				a.deleteOwned(1, "ann", keysOf(made)...)
				b.missing(mine)
				b.deleteOwned(len(made)-1, "ann")
				for k := range made {
					if k != given {
						a.missing(k)
					}
				}
				a.holds(given, r)
				a.deleteOwned(1, "bob")
				b.missing(given)
			})
		},
	},
	{
		name:        "second-owned-race",
		explanation: "DeleteOwned by one store removes every record of the owner that the other had created before the call, even while the other creates more",
		needs:       ownerIndex,
		f: func(x *trial) {
			x.bothWays(func(a, b *trial) {
				for range x.rounds() {
					before := a.creates(3, owned("ann"))
					begun := make(chan struct{})
					begin := sync.OnceFunc(func() { close(begun) })
					var done atomic.Bool
					x.together(
						func() {
							defer begin()
							// The number is limited: DeleteOwned need not outrun an endless stream.
							for i := 0; i < 50 && !done.Load(); i++ {
								a.create(x.key(), owned("ann")(i))
								begin()
							}
						},
						func() {
							defer done.Store(true)
							<-begun
							b.deleteOwned(-1, "ann")
							for k := range before {
								b.missing(k)
								a.missing(k)
							}
						},
					)
				}
			})
		},
	},
	{
		name:        "second-race",
		explanation: "of two concurrent Saves through two stores, both with the same version or both creating, exactly one succeeds, and both stores then load its record",
		f: func(x *trial) {
			b := x.on(x.second)
			both := x.on(InTurn(x.s, b.s))
			for range x.rounds() {
				k, r := x.key(), record("start")
				both.oneWinner(k, r)
				r = x.load(k)
				b.same(b.load(k), r)
				both.oneWinner(k, r)
				b.same(b.load(k), x.load(k))
			}
		},
	},
	{
		name:        "second-all",
		explanation: "All of one store yields what the other has saved, and nothing that the other has deleted",
		needs:       lister,
		f: func(x *trial) {
			x.bothWays(func(a, b *trial) {
				want := a.creates(20, func(int) store.Record { return record("data") })
				b.listed(want)
				for k := range want {
					a.delete(k)
				}
				b.listed(nil)
			})
		},
	},
	{
		name:        "second-count",
		explanation: "Count of one store counts what the other has created, and not what the other has deleted",
		needs:       counter,
		f: func(x *trial) {
			x.bothWays(func(a, b *trial) {
				b.counts(0)
				made := keysOf(a.creates(10, owned("ann")))
				b.counts(10)
				b.delete(made[0])
				a.counts(9)
				a.each(9, func(i int) { a.delete(made[i+1]) })
				b.counts(0)
			})
		},
	},
	{
		name:        "second-watch",
		explanation: "Watch of one store reports what ends or is renewed through the other, even if the first has never loaded the record",
		needs:       watcher,
		f: func(x *trial) {
			x.bothWays(func(a, b *trial) {
				w := b.watch()
				k, r := x.key(), stored()
				r.Version = a.create(k, r)
				for i := range 3 {
					r.Durable = true
					r.Version = a.save(k, r)
					w.told(x, k, i+1, "was saved with Durable set through another store")
				}
				a.delete(k)
				w.told(x, k, 4, "was deleted through another store")
				if x.has[ownerIndex] {
					made := a.creates(5, owned("ann"))
					a.deleteOwned(5, "ann")
					for k := range made {
						w.told(x, k, 1, "was removed by DeleteOwned of another store")
					}
				}
				w.stop(x)
			})
		},
	},
}

// bothWays calls f with the two stores, then again with their roles reversed.
func (x *trial) bothWays(f func(a, b *trial)) {
	b := x.on(x.second)
	f(x, b)
	f(b, x)
}
