package storetest

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// revokeCases are about the DeleteOwned of [store.OwnerIndex].
var revokeCases = []testCase{
	{
		name:        "delete-owned",
		explanation: "DeleteOwned removes all live records of the owner and returns their number; it removes nobody else's",
		needs:       ownerIndex,
		f: func(x *trial) {
			ann, bob := x.creates(20, owned("ann")), x.creates(5, owned("bob"))
			nobody := x.creates(5, owned(""))
			moved, r := x.key(), owned("ann")(0)
			r.Version = x.create(moved, r)
			r.Owner = "bob"
			x.save(moved, r)
			deleted := keysOf(ann)[0]
			x.delete(deleted)

			x.deleteOwned(len(ann)-1, "ann")
			for k, r := range ann {
				x.missing(k)
				x.conflict(k, r)
			}
			for _, others := range []map[store.Key]store.Record{bob, nobody} {
				for k, r := range others {
					x.holds(k, r)
				}
			}
			x.holds(moved, r)
			x.deleteOwned(0, "ann")
			x.owns("bob", append(keysOf(bob), moved)...)

			again := x.key()
			x.create(again, owned("ann")(0))
			x.owns("ann", again)
		},
	},
	{
		name:        "delete-owned-keep",
		explanation: "DeleteOwned spares the records under the keys to keep, and other keys there mean nothing",
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
		name:        "delete-owned-expired",
		explanation: "expired records are in DeleteOwned's way neither before nor after a key is used again",
		needs:       ownerIndex,
		f: func(x *trial) {
			reused, r := x.key(), owned("ann")(0)
			r.Expires = in(brief)
			x.create(reused, r)
			x.create(x.key(), r)
			live := x.key()
			x.create(live, owned("ann")(0))
			x.pass(r.Expires)
			x.create(reused, owned("bob")(0))
			x.owns("ann", live)
			x.owns("bob", reused)
			x.deleteOwned(-1, "ann")
			x.missing(live)
			x.contains(reused, "bob")
		},
	},
	{
		name:        "delete-owned-race-rotate",
		explanation: "when DeleteOwned has returned none of the records is left that were live when it was called, not even one that was rotated meanwhile",
		needs:       both(rotator, ownerIndex),
		f: func(x *trial) {
			const n = 4
			for range x.rounds(100) {
				var last [n]store.Key
				var records [n]store.Record
				for i := range last {
					last[i], records[i] = x.key(), owned("ann")(i)
					records[i].Version = x.create(last[i], records[i])
				}
				var started atomic.Int32
				var done atomic.Bool
				fs := times(n, func(i int) {
					started.Add(1)
					for !done.Load() {
						to := x.key()
						v, err := x.rotate(last[i], to, records[i])
						if !x.won(err) {
							return
						}
						last[i], records[i].Version = to, v
					}
				})
				x.together(append(fs, func() {
					defer done.Store(true)
					for started.Load() < n {
						time.Sleep(10 * time.Microsecond)
					}
					if _, err := x.s.(store.OwnerIndex).DeleteOwned(x.ctx, "ann"); err != nil {
						x.fatalf("DeleteOwned: %v", err)
					}
				})...)
				for _, k := range last {
					x.missing(k)
				}
			}
		},
	},
	{
		name:        "delete-owned-race-save",
		explanation: "when DeleteOwned has returned none of the records is left that were live when it was called, not even one that was saved or touched meanwhile",
		needs:       ownerIndex,
		f: func(x *trial) {
			const n = 4
			for range x.rounds(100) {
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
		explanation: "DeleteOwned for one owner while records change hands removes none that it was not to",
		needs:       ownerIndex,
		f: func(x *trial) {
			for i := range x.rounds(100) {
				k, r := x.key(), owned("ann")(i)
				r.Version = x.create(k, r)
				r.Owner = "bob"
				saved := false
				x.together(
					func() {
						_, err := x.s.Save(x.ctx, k, r)
						saved = x.won(err)
					},
					func() {
						if _, err := x.s.(store.OwnerIndex).DeleteOwned(x.ctx, "ann"); err != nil {
							x.fatalf("DeleteOwned: %v", err)
						}
					},
				)
				// If the Save came first the record is bob's; otherwise it had
				// been deleted.
				if _, ok := x.exists(k); ok != saved {
					x.fatalf("the record changed hands: %t, but after DeleteOwned for the old owner it exists: %t", saved, ok)
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
