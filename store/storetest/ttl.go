package storetest

import (
	"time"

	"github.com/sesame-go/sesame/store"
)

// ttlCases are about engines that expire records by themselves: every time to live
// that they keep must be right, and records that have expired must stay so.
var ttlCases = []testCase{
	{
		name:        "ttl-save",
		explanation: "a record lives as long as the last Save says, whether that is longer or shorter than what the Save or Touch before it said",
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
		explanation: "the key of a deleted or expired record may be used again: the new record has a new version and lives until its own Expires",
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
				x.fatalf("the new record has version %d, the same as the expired one", v)
			}
			x.pass(time.Now())
			x.contains(expired, "new")
		},
	},
	{
		name:        "ttl-all",
		explanation: "All yields no expired record, and every record that was extended in time",
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
		explanation: "the index keeps each record of an owner as long as that record lives, in whatever order they were saved, touched or have expired, and DeleteOwned does not count expired ones",
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
				// If the index has its own time to live, these must not shorten it.
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
		explanation: "a Save that changes or removes a record's owner does so in the index as well, for as long as the record then lives",
		needs:       ownerIndex,
		f: func(x *trial) {
			var given, freed store.Key
			soon := x.alive(func(expires time.Time) {
				x.deleteOwned(-1, "ann")
				x.deleteOwned(-1, "bob")
				given, freed = x.key(), x.key()
				x.create(x.key(), store.Record{Expires: expires, Owner: "bob"})
				r := store.Record{Expires: expires, Owner: "ann"}
				bobs, ownerless := owned("bob")(0), owned("")(0)
				bobs.Version = x.create(given, r)
				x.savedInTime(given, bobs, expires)
				ownerless.Version = x.create(freed, r)
				x.savedInTime(freed, ownerless, expires)
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
	{
		name:        "ttl-race-create",
		explanation: "of concurrent Saves that create a record in the place of an expired one exactly one succeeds",
		f: func(x *trial) {
			soon := in(brief)
			keys := keysOf(x.creates(50, func(int) store.Record { return store.Record{Expires: soon} }))
			x.pass(soon)
			for _, k := range keys {
				x.oneWinner(k, record(""))
			}
		},
	},
	{
		name:        "ttl-race-remove",
		explanation: "a record that was created in the place of an expired one stays, whatever other calls do about the expired one at the same time: checking for expiry and removing the record must be one step",
		f: func(x *trial) {
			each := func(f func(k store.Key, r store.Record)) others {
				return func(keys []store.Key, made map[store.Key]store.Record) []func() {
					return times(len(keys), func(i int) { f(keys[i], made[keys[i]]) })
				}
			}
			twice := func(f func()) others {
				return func([]store.Key, map[store.Key]store.Record) []func() { return []func(){f, f} }
			}
			x.overtaken(each(func(k store.Key, _ store.Record) { x.exists(k) }))
			x.overtaken(each(func(k store.Key, _ store.Record) { x.touch(k, in(-time.Minute)) }))
			x.overtaken(each(func(k store.Key, r store.Record) {
				r.Expires = in(time.Hour)
				x.conflict(k, r)
			}))
			if x.has[sweeper] {
				x.overtaken(twice(func() { x.sweep(1000) }))
			}
			if x.has[ownerIndex] {
				x.overtaken(twice(func() { x.deleteOwned(-1, "ann") }))
				x.overtaken(twice(func() { x.owned("ann") }))
			}
			if x.has[lister] {
				x.overtaken(twice(func() { x.all() }))
			}
			if x.has[counter] {
				x.overtaken(twice(func() { x.count() }))
			}
		},
	},
}

// others returns calls that meet expired records of ann's.
type others func(keys []store.Key, expired map[store.Key]store.Record) []func()

// overtaken creates records in the place of expired ones while other calls find
// that those have expired. It does so with many records at a time, so that some
// are replaced between the check for expiry and the removal in another call.
func (x *trial) overtaken(calls others) {
	x.Helper()
	const n = 32
	s := x.unaudited().s // for speed
	life := 20 * time.Millisecond
	x.forAWhile(4*brief, 1, 12, func(round int) {
		begun := time.Now()
		soon := in(life)
		made := x.creates(n, func(int) store.Record { return store.Record{Expires: soon, Owner: "ann", Data: []byte("ann")} })
		life = max(life, 2*time.Since(begun))
		keys := keysOf(made)
		time.Sleep(time.Until(soon.Add(rounding + x.error)))

		const replacers = 8
		replacing := times(replacers, func(i int) {
			for _, k := range keys[i*n/replacers : (i+1)*n/replacers] {
				for !x.won(failure(s.Save(x.ctx, k, owned("bob")(0)))) {
					if time.Since(soon) > x.hangs/3 {
						x.fatalf("Save with version 0 returns ErrConflict %v after the record expired", time.Since(soon))
					}
					time.Sleep(time.Millisecond)
				}
			}
		})
		fs := calls(keys, made)
		if round%3 == 1 {
			fs = append(replacing, fs...)
		} else { // with one thread the other calls must begin
			fs = append(fs, replacing...)
		}
		x.together(fs...)
		x.each(n, func(i int) { x.contains(keys[i], "bob") })
		x.each(n, func(i int) { x.delete(keys[i]) })
	})
}
