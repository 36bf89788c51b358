package storetest

import (
	"time"

	"github.com/sesame-go/sesame/store"
)

// ownerCases are about the Owned of [store.OwnerIndex].
var ownerCases = []testCase{
	{
		name:        "owned",
		explanation: "Owned yields the keys of all live records of the owner, however many they are",
		needs:       ownerIndex,
		f: func(x *trial) {
			ann := x.creates(3, owned("ann"))
			bob := x.creates(300, owned("bob"))
			x.creates(3, owned(""))
			x.owns("ann", keysOf(ann)...)
			x.owns("bob", keysOf(bob)...)
			for range x.s.(store.OwnerIndex).Owned(x.ctx, "bob") {
				break // a walk may be ended at any time
			}
			x.owns("bob", keysOf(bob)...)
		},
	},
	{
		name:        "owned-in-step",
		explanation: "the index follows the record: through a change of its owner, of its data and expiry, and through its return after Delete",
		needs:       ownerIndex,
		f: func(x *trial) {
			k, r := x.key(), owned("ann")(0)
			r.Version = x.create(k, r)
			x.owns("ann", k)

			r.Data = []byte("changed")
			r.Version = x.save(k, r)
			x.owns("ann", k)
			x.touch(k, in(2*time.Hour))
			x.owns("ann", k)

			r.Version = x.load(k).Version
			r.Owner = "bob"
			r.Version = x.save(k, r)
			x.owns("bob", k)
			r.Owner = ""
			r.Version = x.save(k, r)
			r.Owner = "ann"
			r.Version = x.save(k, r)
			x.owns("ann", k)

			x.delete(k)
			x.create(k, owned("bob")(0))
			x.owns("bob", k)
		},
	},
	{
		name:        "owned-touched",
		explanation: "the index keeps a record as long as it lives, also if a Touch has extended it beyond the expiry it was saved with",
		needs:       ownerIndex,
		f: func(x *trial) {
			var k store.Key
			x.pass(x.alive(func(expires time.Time) {
				x.deleteOwned(-1, "ann")
				k = x.key()
				x.create(k, store.Record{Expires: expires, Owner: "ann"})
				x.touch(k, in(time.Hour))
			}))
			x.owns("ann", k)
			x.deleteOwned(1, "ann")
			x.missing(k)
		},
	},
	{
		name:        "owned-rotated",
		explanation: "the index follows Rotate to the new key, also if the owner changes on the way",
		needs:       both(rotator, ownerIndex),
		f: func(x *trial) {
			from, to, r := x.key(), x.key(), owned("ann")(0)
			r.Version = x.create(from, r)
			r.Version, _ = x.rotate(from, to, r)
			x.owns("ann", to)
			last := x.key()
			r.Owner = "bob"
			r.Version, _ = x.rotate(to, last, r)
			x.owns("bob", last)
			x.deleteOwned(0, "ann")
			x.holds(last, r)
			x.deleteOwned(1, "bob")
			x.missing(last)
		},
	},
	{
		name:        "owned-nobody",
		explanation: `the owner "" is nobody: Owned yields nothing for it and DeleteOwned removes nothing`,
		needs:       ownerIndex,
		f: func(x *trial) {
			k := x.key()
			x.create(k, owned("")(0))
			x.create(x.key(), owned("ann")(0))
			if keys := x.owned(""); len(keys) != 0 {
				x.fatalf("Owned yielded %d keys for nobody", len(keys))
			}
			x.deleteOwned(0, "")
			x.contains(k, "")
			x.owns("carol")
			x.deleteOwned(0, "carol")
		},
	},
	{
		name:        "owned-bytes",
		explanation: "owners are bytes: those that merely look alike are different",
		needs:       ownerIndex,
		f: func(x *trial) {
			keys := make(map[string]store.Key)
			for _, owner := range hostileOwners() {
				keys[owner] = x.key()
				x.create(keys[owner], owned(owner)(0))
			}
			for _, owner := range hostileOwners() {
				x.owns(owner, keys[owner])
			}
			for owner, k := range keys {
				x.deleteOwned(1, owner)
				x.missing(k)
				delete(keys, owner)
				for _, other := range keys {
					x.load(other)
				}
			}
		},
	},
}

// both returns the optional interfaces a and b as one.
func both(a, b *iface) *iface {
	return &iface{a.name + " and " + b.name, func(s store.Store) bool {
		return a.implementedBy(s) && b.implementedBy(s)
	}}
}

// owned returns a maker of records for an owner.
func owned(owner string) func(int) store.Record {
	return func(i int) store.Record {
		return store.Record{Expires: in(time.Hour), Owner: owner, Data: []byte(owner)}
	}
}

func keysOf(records map[store.Key]store.Record) []store.Key {
	keys := make([]store.Key, 0, len(records))
	for k := range records {
		keys = append(keys, k)
	}
	return keys
}

// owned collects what Owned yields.
func (x *trial) owned(owner string) map[store.Key]bool {
	x.Helper()
	keys := make(map[store.Key]bool)
	for k, err := range x.s.(store.OwnerIndex).Owned(x.ctx, owner) {
		if err != nil {
			x.fatalf("Owned(%.40q): %v", owner, err)
		}
		keys[k] = true
	}
	return keys
}

// owns expects Owned to yield all of keys, and of others only such as are not
// live records of owner.
func (x *trial) owns(owner string, keys ...store.Key) {
	x.Helper()
	got := x.owned(owner)
	for _, k := range keys {
		if !got[k] {
			x.fatalf("Owned(%.40q) yielded %d keys; one of the %d live ones is missing", owner, len(got), len(keys))
		}
		delete(got, k)
	}
	for k := range got {
		if r, ok := x.exists(k); ok && r.Owner == owner {
			x.fatalf("Owned(%.40q) yielded a live record that it should not have: %q", owner, r.Data)
		}
	}
}
