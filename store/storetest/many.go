package storetest

import (
	"context"
	"slices"
	"strconv"

	"github.com/sesame-go/sesame/store"
)

// manyCases are about more records than fit in one page. They take the longest.
var manyCases = []testCase{
	{
		name:        "all-many",
		explanation: "All yields every record, however many pages it takes",
		needs:       lister,
		f: func(x *trial) {
			x.listed(x.creates(1000, func(i int) store.Record { return record(strconv.Itoa(i)) }))
		},
	},
	{
		name:        "all-cancel",
		explanation: "a walk whose context is cancelled ends with the context's error, unless it yields all records",
		needs:       lister,
		f: func(x *trial) {
			const n = 1000
			x.creates(n, func(i int) store.Record { return record("data") })
			ctx, cancel := context.WithCancel(x.ctx)
			defer cancel()
			seen, failed := 0, false
			for _, err := range x.s.(store.Lister).All(ctx) {
				if failed {
					x.fatalf("All went on after an error")
				}
				if err != nil {
					x.wants(context.Canceled, "All")(err)
					failed = true
					continue
				}
				seen++
				cancel()
			}
			if !failed && seen < n {
				x.fatalf("All ended after %d of %d records without an error", seen, n)
			}
		},
	},
	{
		name:        "owned-thousand",
		explanation: "Owned yields all of a thousand records of one owner among those of others, and DeleteOwned removes all but those to keep, at the first call",
		needs:       ownerIndex,
		f: func(x *trial) {
			const n, kept = 1000, 10
			made := x.creates(n+50, func(i int) store.Record {
				if i < n {
					return owned("ann")(i)
				}
				return owned([]string{"bob", "an", "anna", ""}[i%4])(i)
			})
			var anns, others []store.Key
			for k, r := range made {
				if r.Owner == "ann" {
					anns = append(anns, k)
				} else {
					others = append(others, k)
				}
			}
			x.owns("ann", anns...)

			keep := anns[:kept]
			x.deleteOwned(n-kept, "ann", keep...)
			x.deleteOwned(0, "ann", keep...)
			x.owns("ann", keep...)
			x.each(anns, func(k store.Key) {
				if slices.Contains(keep, k) {
					x.holds(k, made[k])
				} else {
					x.missing(k)
				}
			})
			x.each(others, func(k store.Key) { x.holds(k, made[k]) })
		},
	},
}

// each calls f for all keys, several at a time.
func (x *trial) each(keys []store.Key, f func(k store.Key)) {
	const workers = 16
	x.together(times(workers, func(w int) {
		for i := w; i < len(keys); i += workers {
			f(keys[i])
		}
	})...)
	if x.Failed() {
		panic(stop{})
	}
}
