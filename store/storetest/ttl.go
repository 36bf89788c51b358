package storetest

import (
	"time"

	"github.com/sesame-go/sesame/store"
)

// ttlCases are about engines that let records expire by themselves: what their
// time to live is set to, in all the places that have one, and what they do
// once it is over.
var ttlCases = []testCase{
	{
		name:        "ttl-save",
		explanation: "a record lives as long as the last Save says, be it longer than the Save or Touch before or shorter",
		f: func(x *trial) {
			var longer, shorter, untouched store.Key
			soon := x.alive(func(expires time.Time) {
				brief, hour := store.Record{Expires: expires}, record("data")
				longer, shorter, untouched = x.key(), x.key(), x.key()
				hour.Version = x.create(longer, brief)
				x.savedInTime(longer, hour, expires)
				brief.Version = x.create(shorter, hour)
				x.save(shorter, brief)
				x.create(untouched, hour)
				x.touch(untouched, in(2*time.Hour))
				brief.Version = x.load(untouched).Version
				x.save(untouched, brief)
			})
			x.pass(soon)
			x.contains(longer, "data")
			x.missing(shorter)
			x.missing(untouched)
		},
	},
	{
		name:        "ttl-successor",
		explanation: "a key that is free again, because its record was deleted or has expired, may be used anew: the new record has a version of its own and lives by its own Expires",
		f: func(x *trial) {
			var deleted, expired store.Key
			var version uint64
			soon := x.alive(func(expires time.Time) {
				deleted, expired = x.key(), x.key()
				x.create(deleted, store.Record{Expires: expires, Owner: "ann"})
				x.delete(deleted)
				x.create(deleted, record("new"))
				version = x.create(expired, store.Record{Expires: expires, Owner: "ann"})
			})
			x.pass(soon)
			x.contains(deleted, "new")
			if v := x.create(expired, record("new")); v == version {
				x.fatalf("the new record has version %d, as the one had that has expired", v)
			}
			x.pass(time.Now())
			x.contains(expired, "new")
		},
	},
	{
		name:        "ttl-all",
		explanation: "All yields no record that has expired, and each that was extended in time",
		needs:       lister,
		f: func(x *trial) {
			var live map[store.Key]store.Record
			soon := x.alive(func(expires time.Time) {
				for k := range live {
					x.delete(k)
				}
				x.creates(20, func(int) store.Record { return store.Record{Expires: expires} })
				touched, saved, r := x.key(), x.key(), record("data")
				x.create(touched, store.Record{Expires: expires, Data: r.Data})
				x.touch(touched, r.Expires)
				r.Version = x.create(saved, store.Record{Expires: expires})
				r.Version = x.savedInTime(saved, r, expires)
				live = map[store.Key]store.Record{saved: r, touched: r}
			})
			x.pass(soon)
			got := x.all()
			for k, r := range live {
				if _, ok := got[k]; !ok {
					x.fatalf("All did not yield a record that was extended")
				}
				x.same(got[k], r)
			}
			if len(got) != len(live) {
				x.fatalf("All yielded %d records, want the %d that have not expired", len(got), len(live))
			}
		},
	},
	{
		name:        "ttl-owned",
		explanation: "the index keeps the records of an owner as long as each lives, whichever was saved, touched or has expired first, and DeleteOwned counts none that has expired",
		needs:       ownerIndex,
		f: func(x *trial) {
			var touched, saved, long store.Key
			soon := x.alive(func(expires time.Time) {
				brief, hour := store.Record{Expires: expires, Owner: "ann"}, owned("ann")(0)
				x.deleteOwned(-1, "ann")
				touched, saved, long = x.key(), x.key(), x.key()
				x.create(touched, brief)
				x.touch(touched, in(time.Hour))
				hour.Version = x.create(saved, brief)
				x.savedInTime(saved, hour, expires)
				x.create(long, hour)
				// A time to live that is the index's own must not follow these.
				shortened := x.key()
				brief.Version = x.create(shortened, hour)
				x.save(shortened, brief)
				x.create(x.key(), brief)
			})
			x.pass(soon)
			x.owns("ann", touched, saved, long)
			x.deleteOwned(2, "ann", touched)
			x.missing(saved)
			x.missing(long)
			x.owns("ann", touched)
			x.deleteOwned(1, "ann")
			x.missing(touched)
			x.deleteOwned(0, "ann")
		},
	},
	{
		name:        "ttl-owner-changed",
		explanation: "a Save that changes a record's owner or takes it away also does so in the index, for as long as the record then lives",
		needs:       ownerIndex,
		f: func(x *trial) {
			var given, freed store.Key
			soon := x.alive(func(expires time.Time) {
				x.deleteOwned(-1, "ann")
				x.deleteOwned(-1, "bob")
				given, freed = x.key(), x.key()
				x.create(x.key(), store.Record{Expires: expires, Owner: "bob"})
				r := store.Record{Expires: expires, Owner: "ann"}
				bobs, nobodys := owned("bob")(0), owned("")(0)
				bobs.Version = x.create(given, r)
				x.savedInTime(given, bobs, expires)
				nobodys.Version = x.create(freed, r)
				x.savedInTime(freed, nobodys, expires)
				x.owns("ann")
			})
			x.pass(soon)
			x.owns("ann")
			x.owns("bob", given)
			x.deleteOwned(0, "ann")
			x.contains(given, "bob")
			x.contains(freed, "")
			x.deleteOwned(1, "bob")
			x.missing(given)
			x.contains(freed, "")
		},
	},
}
