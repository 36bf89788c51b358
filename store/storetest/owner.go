package storetest

import (
	"strconv"
	"time"

	"github.com/sesame-go/sesame/store"
)

// ownerCases are about the method Owned of [store.OwnerIndex].
var ownerCases = []testCase{
	{
		name:        "owned",
		explanation: "Owned yields every live record of the owner with its key and all of its fields, and no others",
		needs:       ownerIndex,
		f: func(x *trial) {
			x.owns("ann")
			expired := x.creates(3, func(int) store.Record { return store.Record{Expires: in(brief), Owner: "ann", Data: []byte("expired")} })
			various := func(owner string) func(int) store.Record {
				return func(i int) store.Record {
					return store.Record{
						Expires: in(time.Duration(i+1) * time.Hour), Owner: owner,
						Data: []byte(strconv.Itoa(i)), Durable: i%2 == 0,
					}
				}
			}
			ann, bob := x.creates(30, various("ann")), x.creates(300, various("bob"))
			x.creates(30, various(""))
			for _, r := range expired {
				x.pass(r.Expires)
			}
			x.ownsAll("ann", ann)
			x.ownsAll("bob", bob)
		},
	},
	{
		name:        "owned-in-step",
		explanation: "the index follows the record when its owner, data or expiry changes, and when it is created again after Delete",
		needs:       ownerIndex,
		f: func(x *trial) {
			k, r := x.key(), owned("ann")(0)
			r.Version = x.create(k, r)
			x.remains(k, r)

			r.Data = []byte("changed")
			r.Version = x.save(k, r)
			x.remains(k, r)
			r.Expires = r.Expires.Add(time.Hour)
			x.touch(k, r.Expires)
			r.Version = x.load(k).Version
			x.remains(k, r)

			for _, owner := range []string{"bob", "", "bob", "ann", "", "ann"} {
				r.Owner = owner
				r.Version = x.save(k, r)
				x.remains(k, r)
			}
			x.delete(k)
			x.owns("ann")
			r = owned("bob")(0)
			r.Version = x.create(k, r)
			x.remains(k, r)
		},
	},
	{
		name:        "owned-touched",
		explanation: "the index keeps a record as long as the record lives, even if a Touch has extended it beyond its first expiry",
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
		name:        "owned-ownerless",
		explanation: "records without an owner do not belong to an owner \"\": for it, Owned yields nothing and DeleteOwned removes nothing",
		needs:       ownerIndex,
		f: func(x *trial) {
			k := x.key()
			x.create(k, owned("")(0))
			x.create(x.key(), owned("ann")(0))
			x.owns("")
			x.deleteOwned(0, "")
			x.contains(k, "")
			x.owns("carol")
			x.deleteOwned(0, "carol")
		},
	},
	{
		name:        "owned-race-index",
		explanation: "after concurrent Saves, Touches and Deletes of one key, record and index agree: the index must change in the same step as the record, or in the same order",
		needs:       ownerIndex,
		f: func(x *trial) {
			var keys []store.Key
			x.forAWhile(time.Second, 20, 1000, func(i int) {
				k := x.key()
				keys = append(keys, k)
				x.unaudited().contended(k, i)
			})
			held := make(map[string]map[store.Key]store.Record)
			for _, owner := range rivals {
				held[owner] = make(map[store.Key]store.Record)
			}
			for _, k := range keys {
				if r, ok := x.exists(k); ok {
					held[r.Owner][k] = r
				}
			}
			for _, owner := range rivals {
				if owner != "" {
					x.ownsAll(owner, held[owner])
				}
			}
		},
	},
}

// rivals are owners that compete for the same record.
var rivals = []string{"ann", "bob", "carol", ""}

// contended lets the rivals save the record under k concurrently, each with itself
// as the owner, so that an index that is updated separately may get the changes in
// a different order. In some rounds the record is touched or deleted too.
func (x *trial) contended(k store.Key, round int) {
	x.Helper()
	fs := times(len(rivals), func(i int) {
		r := owned(rivals[i])(0)
		for range 100 { // each conflict means that another Save succeeded
			old, _ := x.exists(k)
			r.Version = old.Version
			if x.won(failure(x.s.Save(x.ctx, k, r))) {
				return
			}
		}
	})
	if round%2 == 1 {
		fs = append(fs, func() { x.delete(k) })
	}
	if round%4 > 1 {
		fs = append(fs, func() { x.touch(k, in(2*time.Hour)) })
	}
	for range round % 5 { // so that each call is the first in some rounds
		fs = append(fs[1:], fs[0])
	}
	x.together(fs...)
}

// owned returns a function that makes records of an owner.
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

// owned returns the records that Owned yields, by their keys.
func (x *trial) owned(owner string) map[store.Key]store.Record {
	x.Helper()
	got := make(map[store.Key]store.Record)
	for e, err := range x.s.(store.OwnerIndex).Owned(x.ctx, owner) {
		if err != nil {
			x.fatalf("Owned(%.40q): %v", owner, err)
		}
		if e.Version == 0 {
			x.fatalf("Owned(%.40q) yielded version 0", owner)
		}
		if e.Owner != owner {
			x.fatalf("Owned(%.40q) yielded a record of the owner %.40q", owner, e.Owner)
		}
		got[e.Key] = e.Record
	}
	return got
}

// owns expects Owned to yield the records under keys and no others.
func (x *trial) owns(owner string, keys ...store.Key) {
	x.Helper()
	got := x.owned(owner)
	for _, k := range keys {
		if _, ok := got[k]; !ok {
			x.fatalf("Owned(%.40q) yielded %d records; one of the %d live ones is missing", owner, len(got), len(keys))
		}
	}
	if len(got) != len(keys) {
		x.fatalf("Owned(%.40q) yielded %d records, want %d", owner, len(got), len(keys))
	}
}

// ownsAll expects Owned to yield want, with all fields, and nothing else.
func (x *trial) ownsAll(owner string, want map[store.Key]store.Record) {
	x.Helper()
	x.compare("Owned", x.owned(owner), want)
}
