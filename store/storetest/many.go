package storetest

import (
	"slices"

	"github.com/sesame-go/sesame/store"
)

// manyCases are about an owner with more sessions than fit in one page.
var manyCases = []testCase{
	{
		name:        "owned-thousand",
		explanation: "Owned yields all of a thousand records of one owner among those of others, and DeleteOwned removes all but those to keep, at the first call",
		needs:       ownerIndex,
		f: func(x *trial) {
			const n, kept = 1000, 10
			made := x.creates(n+200, func(i int) store.Record {
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
