package storetest

import (
	"slices"
	"sync/atomic"

	"github.com/sesame-go/sesame/store"
)

// revokeCases are about the method DeleteOwned of [store.OwnerIndex].
var revokeCases = []testCase{
	{
		name:        "delete-owned",
		explanation: "DeleteOwned removes all live records of the owner and returns how many; it removes no other owner's records",
		needs:       ownerIndex,
		f: func(x *trial) {
			ann, bob := x.creates(20, owned("ann")), x.creates(5, owned("bob"))
			ownerless := x.creates(5, owned(""))
			given, r := x.key(), owned("ann")(0)
			r.Version = x.create(given, r)
			r.Owner = "bob"
			x.save(given, r)
			deleted := keysOf(ann)[0]
			x.delete(deleted)
			for k, r := range ann { // so that they are in a cache
				if k != deleted {
					x.holds(k, r)
				}
			}

			x.deleteOwned(len(ann)-1, "ann")
			for k, r := range ann {
				x.missing(k)
				x.conflict(k, r)
			}
			for _, others := range []map[store.Key]store.Record{bob, ownerless} {
				for k, r := range others {
					x.holds(k, r)
				}
			}
			x.holds(given, r)
			x.deleteOwned(0, "ann")
			x.owns("bob", append(keysOf(bob), given)...)

			again := x.key()
			x.create(again, owned("ann")(0))
			x.owns("ann", again)
		},
	},
	{
		name:        "delete-owned-keep",
		explanation: "DeleteOwned keeps the records under the keys it was given, and ignores keys of other records",
		needs:       ownerIndex,
		f: func(x *trial) {
			ann, bob := x.creates(5, owned("ann")), x.creates(1, owned("bob"))
			keep := keysOf(ann)[:2]
			x.deleteOwned(3, "ann", append([]store.Key{x.key(), keysOf(bob)[0]}, keep...)...)
			for k, r := range ann {
				if slices.Contains(keep, k) {
					x.holds(k, r)
				} else {
					x.missing(k)
				}
			}
			x.owns("ann", keep...)
			x.contains(keysOf(bob)[0], "bob")
			x.deleteOwned(2, "ann")
		},
	},
	{
		name:        "delete-owned-keep-many",
		explanation: "DeleteOwned accepts a list that keeps all of the owner's records, and one with a key twice",
		needs:       ownerIndex,
		f: func(x *trial) {
			ann := x.creates(5, owned("ann"))
			x.deleteOwned(0, "ann", append(keysOf(ann), keysOf(ann)...)...)
			x.ownsAll("ann", ann)
			one := keysOf(ann)[0]
			x.deleteOwned(4, "ann", one, one, one)
			x.owns("ann", one)
			x.holds(one, ann[one])
		},
	},
	{
		name:        "delete-owned-expired",
		explanation: "DeleteOwned also removes the owner's expired records, so that Sweep finds none of them, and does not count them; it leaves a record alone that another owner has since created under the same key",
		needs:       ownerIndex,
		f: func(x *trial) {
			reused, r := x.key(), owned("ann")(0)
			r.Expires = in(brief)
			x.create(reused, r)
			for range 20 {
				x.create(x.key(), r)
			}
			x.pass(r.Expires)
			live := x.creates(2, owned("ann"))
			bobs, expired := owned("bob")(0), r
			bobs.Version = x.create(reused, bobs)
			expired.Owner, expired.Expires = "bob", in(brief)
			x.create(x.key(), expired)
			x.pass(expired.Expires)

			x.ownsAll("ann", live)
			x.owns("bob", reused)
			x.deleteOwned(len(live), "ann")
			for k := range live {
				x.missing(k)
			}
			x.remains(reused, bobs)
			if x.has[sweeper] {
				if n := x.sweep(1000); n > 1 {
					x.fatalf("Sweep removed %d records after DeleteOwned, want at most 1, another owner's: DeleteOwned has left expired records of its owner", n)
				}
			}
			x.remains(reused, bobs)
		},
	},
	{
		name:        "delete-owned-race-save",
		explanation: "once DeleteOwned has returned, none of the records that were live when it was called is left, not even one that was saved during the call",
		needs:       ownerIndex,
		f: func(x *trial) {
			const n = 4
			for round := range x.rounds() {
				var keys [n]store.Key
				var records [n]store.Record
				for i := range keys {
					keys[i], records[i] = x.key(), owned("ann")(i)
					records[i].Version = x.create(keys[i], records[i])
				}
				var done atomic.Bool
				fs := times(n, func(i int) {
					r := records[i]
					for !done.Load() {
						v, err := x.s.Save(x.ctx, keys[i], r)
						if !x.won(err) {
							return
						}
						r.Version = v
					}
				})
				x.together(append(fs, func() {
					defer done.Store(true)
					stagger(round)
					if _, err := x.s.(store.OwnerIndex).DeleteOwned(x.ctx, "ann"); err != nil {
						x.fatalf("DeleteOwned: %v", err)
					}
					for _, k := range keys {
						x.missing(k)
					}
				})...)
			}
		},
	},
	{
		name:        "delete-owned-race-others",
		explanation: "DeleteOwned removes no other owner's records, even if records change their owner during the call",
		needs:       ownerIndex,
		f: func(x *trial) {
			for i := range x.rounds() {
				k, r := x.key(), owned("ann")(i)
				r.Version = x.create(k, r)
				r.Owner = "bob"
				saved := false
				x.together(
					func() {
						stagger(i)
						_, err := x.s.Save(x.ctx, k, r)
						saved = x.won(err)
					},
					func() {
						if _, err := x.s.(store.OwnerIndex).DeleteOwned(x.ctx, "ann"); err != nil {
							x.fatalf("DeleteOwned: %v", err)
						}
					},
				)
				// If the Save came first the record belongs to bob; otherwise it was
				// deleted.
				if _, ok := x.exists(k); ok != saved {
					x.fatalf("the record has a new owner: %t, but after DeleteOwned for the old owner it exists: %t", saved, ok)
				}
				if saved {
					x.owns("bob", k)
					x.delete(k)
				}
			}
		},
	},
}

// deleteOwned expects DeleteOwned to remove want records; -1 is any number.
func (x *trial) deleteOwned(want int, owner string, keep ...store.Key) {
	x.Helper()
	n, err := x.s.(store.OwnerIndex).DeleteOwned(x.ctx, owner, keep...)
	if err != nil {
		x.fatalf("DeleteOwned(%.40q): %v", owner, err)
	}
	if want >= 0 && n != want {
		x.fatalf("DeleteOwned(%.40q) returned %d, want %d", owner, n, want)
	}
}
