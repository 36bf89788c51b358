package storetest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/sesame-go/sesame/store"
)

// manyCases are about more records than fit in a page, even a page of five
// thousand. They take the longest.
var manyCases = slices.Concat(
	forWalks("many", "WALK yields every record, across any number of pages, even if the caller saves or touches each one as it is yielded",
		func(x *trial, w walk) {
			// Some have the same expiry, so a page cannot be bounded by expiry alone.
			expires := in(2 * time.Hour)
			want := x.many(func(i int) store.Record {
				r := owned("ann")(i)
				r.Expires = expires.Add(time.Duration(i/64) * time.Millisecond)
				return r
			})
			x.walks(w, want)

			seen := x.changing(w, want, func(i int, e store.Entry) {
				if i%2 == 0 {
					x.touch(e.Key, e.Expires.Add(time.Hour))
					return
				}
				e.Data, e.Expires, e.Durable = []byte("renewed"), in(3*time.Hour), true
				x.save(e.Key, e.Record)
			})
			if len(seen) < len(want) {
				x.fatalf("%s yielded %d of %d records while the caller saved or touched each one as it was yielded", w.method, len(seen), len(want))
			}
			keys := keysOf(want)
			seen = x.changing(w, want, func(i int, _ store.Entry) {
				if i == 0 {
					x.each(len(keys), func(i int) { x.renew(keys[i], i) })
				}
			})
			if len(seen) < len(want) {
				x.fatalf("%s yielded %d of %d records, all of which were saved or touched after it had yielded the first, and live through the walk", w.method, len(seen), len(want))
			}
		}),
	forWalks("deleted", "if the caller deletes each record that WALK yields, no record is left at the end: a deletion must not make the next page skip records",
		func(x *trial, w walk) {
			want := x.many(owned("ann"))
			x.changing(w, want, func(_ int, e store.Entry) { x.delete(e.Key) })
			if left := x.collect(w); len(left) > 0 {
				x.fatalf("%s did not yield %d of %d records while the caller deleted each one as it was yielded", w.method, len(left), len(want))
			}
		}),
	forWalks("others-deleted", "WALK yields every record that lives through the walk, even if thousands of others are deleted during it",
		func(x *trial, w walk) {
			made := x.many(func(i int) store.Record { return owned([]string{"ann", "bob"}[i%2])(i) })
			var bobs []store.Key
			for k, r := range made {
				if r.Owner == "bob" {
					bobs = append(bobs, k)
				}
			}
			seen := x.changing(w, made, func(i int, _ store.Entry) {
				if i == 0 {
					x.each(len(bobs), func(i int) { x.delete(bobs[i]) })
				}
			})
			missed := 0
			for k, r := range made {
				if r.Owner == "ann" && !seen[k] {
					missed++
				}
			}
			if missed > 0 {
				x.fatalf("%s did not yield %d of %d records that lived through the walk, while others were deleted", w.method, missed, len(made)-len(bobs))
			}
		}),
	forWalks("cancel", "if its context is cancelled, WALK yields the context's error and ends, unless it yields all records",
		func(x *trial, w walk) {
			n := len(x.creates(1500, owned("ann")))
			ctx, cancel := context.WithCancel(x.ctx)
			defer cancel()
			seen, failed := 0, false
			for _, err := range w.over(ctx, x.s) {
				if failed {
					x.fatalf("%s went on after an error", w.method)
				}
				if err != nil {
					x.wants(context.Canceled, w.method)(err)
					failed = true
					continue
				}
				seen++
				cancel()
			}
			if !failed && seen < n {
				x.fatalf("%s ended after %d of %d records without an error", w.method, seen, n)
			}
		}),
	forWalks("expired", "WALK yields all live records, even if thousands of expired ones lie before or after them: a page without a live record is not the end",
		func(x *trial, w walk) {
			// This takes long. If the store has both walks, each case tests both of
			// them with one order of the records.
			if !x.has[lister] || !x.has[ownerIndex] || w.needs == lister {
				x.amongExpired(true)
			}
			if !x.has[lister] || !x.has[ownerIndex] || w.needs == ownerIndex {
				x.amongExpired(false)
			}
		}),
	[]testCase{{
		name:        "delete-owned-many",
		explanation: "one call of DeleteOwned removes thousands of an owner's records, except those to keep, and returns how many were live",
		needs:       ownerIndex,
		f: func(x *trial) {
			others := x.creates(50, func(i int) store.Record { return owned([]string{"bob", "an", "anna", ""}[i%4])(i) })
			made := x.many(owned("ann"))
			keys := keysOf(made)
			keep := keys[:1100] // more than some engines allow as parameters of a statement
			x.deleteOwned(len(keys)-len(keep), "ann", keep...)
			x.owns("ann", keep...)
			x.deleteOwned(0, "ann", keep...)
			x.each(len(keys), func(i int) {
				if i < len(keep) {
					x.holds(keys[i], made[keys[i]])
				} else {
					x.missing(keys[i])
				}
			})
			x.deleteOwned(len(keep), "ann")
			x.owns("ann")
			for k, r := range others {
				x.holds(k, r)
			}
		},
	}},
	hugeCases,
)

// renew saves or touches the record under k; way selects how.
func (x *trial) renew(k store.Key, way int) {
	x.Helper()
	if way%4 == 3 {
		x.touch(k, in(9*time.Hour))
		return
	}
	r := x.load(k)
	r.Data, r.Expires, r.Durable = []byte("others"), in([]time.Duration{time.Hour / 2, 3 * time.Hour, 8 * time.Hour}[way%4]), way%8 < 4
	x.save(k, r)
}

// most is more than any page holds. It is a multiple of many page sizes, though not
// of all, which finds more faults.
const most = 5120

// many creates most records or, if the store is slow, as many as it can in four
// seconds, but at least 1,280.
func (x *trial) many(r func(i int) store.Record) map[store.Key]store.Record {
	x.Helper()
	const batch, least = 256, 1280
	budget := x.long(4 * time.Second)
	made := make(map[store.Key]store.Record, most)
	for begun := time.Now(); len(made) < most; {
		if len(made) >= least && time.Since(begun) > budget {
			x.Logf("the store is slow: it was tested with %d records instead of %d", len(made), most)
			break
		}
		n := len(made)
		maps.Copy(made, x.creates(batch, func(i int) store.Record { return r(n + i) }))
	}
	return made
}

// changing walks and calls change once for each record of the given ones that the
// walk yields, with its number. It returns the keys of these records.
func (x *trial) changing(w walk, of map[store.Key]store.Record, change func(i int, e store.Entry)) map[store.Key]bool {
	x.Helper()
	begun, budget := time.Now(), x.long(3*time.Second) // after that, changes are made several at a time
	seen := make(map[store.Key]bool, len(of))
	var batch []store.Entry
	flush := func() {
		if len(batch) == 1 {
			change(len(seen)-1, batch[0])
		} else {
			x.each(len(batch), func(i int) { change(len(seen)-len(batch)+i, batch[i]) })
		}
		batch = nil
	}
	yielded := 0
	x.consume(w, w.over(x.ctx, x.s), func(e store.Entry) {
		if yielded++; yielded > 3*len(of)+1000 {
			x.fatalf("%s has yielded %d entries of %d records and does not end", w.method, yielded, len(of))
		}
		if _, ok := of[e.Key]; !ok || seen[e.Key] {
			return
		}
		seen[e.Key] = true
		if batch = append(batch, e); len(batch) == 16 || time.Since(begun) < budget {
			flush()
		}
	})
	flush()
	return seen
}

// amongExpired walks over three live records of ann's and thousands of expired
// ones, which come before the live ones, by key and by time of creation, or after.
func (x *trial) amongExpired(before bool) {
	x.Helper()
	begun := time.Now()
	for k := range x.creates(100, owned("ann")) {
		x.delete(k)
	}
	each, n := time.Since(begun)/100, most
	if most*each > 4*time.Second {
		n = max(1280, int(4*time.Second/each))
		x.Logf("the store is slow: it was tested with %d records instead of %d", n, most)
	}

	var live map[store.Key]store.Record
	if !before {
		live = x.createsUnder(x.keys(3, 0x00), owned("ann"))
	}
	expires := in(brief + time.Duration(n)*each*3/2)
	x.createsUnder(x.keys(n, 0x80), func(int) store.Record {
		return store.Record{Expires: expires, Owner: "ann", Data: []byte("expired")}
	})
	if before {
		live = x.createsUnder(x.keys(3, 0xff), owned("ann"))
	}
	x.pass(expires)

	for _, w := range walks {
		if x.has[w.needs] {
			x.walks(w, live)
		}
	}
	if x.has[counter] {
		x.counts(len(live))
	}
	if x.has[ownerIndex] {
		x.deleteOwned(len(live), "ann")
		if x.has[sweeper] {
			if n := x.sweep(most); n != 0 {
				x.fatalf("Sweep removed %d expired records, want none: DeleteOwned removes all of the owner's, expired or not", n)
			}
		}
	}
	for k := range live {
		x.delete(k)
	}
	for _, w := range walks {
		if x.has[w.needs] {
			x.walks(w, nil)
		}
	}
}

// keys returns n keys that begin with the given byte.
func (x *trial) keys(n int, begin byte) []store.Key {
	keys := make([]store.Key, n)
	for i := range keys {
		keys[i] = x.key()
		keys[i][0] = begin
	}
	return keys
}
