package storetest

import (
	"time"

	"github.com/sesame-go/sesame/store"
)

// countCases are about [store.Counter].
var countCases = []testCase{
	{
		name:        "count",
		explanation: "Count returns how many records are live; it changes when a record is created, deleted, removed by DeleteOwned or expires, and at no other time",
		needs:       counter,
		f: func(x *trial) {
			x.counts(0)
			made := x.creates(20, func(i int) store.Record { return owned([]string{"", "ann", "bob"}[i%3])(i) })
			n := len(made)
			x.counts(n)
			for k, r := range made {
				r.Data, r.Owner = []byte("changed"), "carol"
				r.Version = x.save(k, r)
				r.Version, r.Durable = x.save(k, r), true
				x.save(k, r)
				x.conflict(k, r)
				x.touch(k, in(2*time.Hour))
				x.counts(n)
				x.delete(k)
				n--
				x.counts(n)
				x.delete(k)
				x.conflict(k, r)
				x.touch(k, in(3*time.Hour))
				x.counts(n)
				if n%2 == 0 {
					x.create(k, owned("")(0))
					x.counts(n + 1)
					x.delete(k)
				}
			}
			x.counts(0)
			if x.has[ownerIndex] {
				ann := keysOf(x.creates(10, owned("ann")))
				x.creates(5, owned("bob"))
				x.deleteOwned(7, "ann", ann[:3]...)
				x.counts(8)
				x.deleteOwned(0, "ann", ann[:3]...)
				x.counts(8)
				x.deleteOwned(3, "ann")
				x.deleteOwned(0, "ann")
				x.counts(5)
			}
		},
	},
	{
		name:        "count-expired",
		explanation: "Count does not count an expired record, swept or not, and counts a record that was created in its place once",
		needs:       counter,
		f: func(x *trial) {
			live := x.creates(5, owned("ann"))
			var again, extended store.Key
			extra := 0 // records of attempts that took too long
			x.pass(x.alive(func(expires time.Time) {
				dying := store.Record{Expires: expires, Owner: "ann"}
				x.creates(10, func(int) store.Record { return dying })
				again, extended = x.key(), x.key()
				x.create(again, dying)
				x.create(extended, dying)
				x.touch(extended, in(time.Hour))
				if _, ok := x.exists(extended); ok {
					extra++
				}
				shortened, r := x.key(), owned("ann")(0)
				r.Version = x.create(shortened, r)
				r.Expires = expires
				x.save(shortened, r)
			}))
			n := len(live) + extra
			x.counts(n)
			past := record("past")
			past.Expires = in(-time.Minute)
			x.create(x.key(), past)
			x.counts(n)
			x.create(again, owned("bob")(0))
			x.counts(n + 1)
			if x.has[sweeper] {
				x.sweep(1000)
				x.counts(n + 1)
			}
			if x.has[ownerIndex] {
				x.deleteOwned(n, "ann")
				x.counts(1)
			}
		},
	},
	{
		name:        "count-race",
		explanation: "Count is still right after concurrent calls: the number does not drift",
		needs:       counter,
		f: func(x *trial) {
			keys := []store.Key{x.key(), x.key(), x.key()}
			end := time.Now().Add(300 * time.Millisecond)
			work := func(f func(k store.Key)) func() {
				return func() {
					for i := 0; i < 3 || time.Now().Before(end) && !x.Failed(); i++ {
						f(keys[i%len(keys)])
					}
				}
			}
			create := work(func(k store.Key) { x.won(failure(x.s.Save(x.ctx, k, owned("ann")(0)))) })
			remove := work(func(k store.Key) { x.delete(k) })
			revoke := work(func(store.Key) {
				if x.has[ownerIndex] {
					x.deleteOwned(-1, "ann")
				}
				x.count()
			})
			x.together(create, create, create, remove, remove, revoke)
			n := 0
			for _, k := range keys {
				if _, ok := x.exists(k); ok {
					n++
				}
			}
			x.counts(n)
			for _, k := range keys {
				x.delete(k)
			}
			x.counts(0)
		},
	},
}

func (x *trial) count() int {
	x.Helper()
	n, err := x.s.(store.Counter).Count(x.ctx)
	if err != nil {
		x.fatalf("Count: %v", err)
	}
	return n
}

// counts expects Count to return want.
func (x *trial) counts(want int) {
	x.Helper()
	if n := x.count(); n != want {
		x.fatalf("Count returned %d, want %d", n, want)
	}
}
