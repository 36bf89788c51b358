package storetest

import (
	"github.com/sesame-go/sesame/store"
)

// hugeCases are about tens of thousands of records. They run only on stores that
// are fast enough to create so many quickly.
var hugeCases = []testCase{
	{
		name:        "all-huge",
		explanation: "All yields every one of tens of thousands of records, even if the caller deletes each one as it is yielded: neither the end of a page nor 65,536 entries end the walk",
		needs:       lister,
		f: func(x *trial) {
			made := x.huge()
			if made == nil {
				return
			}
			if got := x.all(); len(got) != len(made) {
				x.fatalf("All yielded %d of %d records", len(got), len(made))
			}
			x.changing(walks[0], made, func(_ int, e store.Entry) { x.delete(e.Key) })
			if left := x.all(); len(left) > 0 {
				x.fatalf("All did not yield %d of %d records while the caller deleted each one as it was yielded", len(left), len(made))
			}
		},
	},
	{
		name:        "owned-huge",
		explanation: "Owned yields every one of tens of thousands of an owner's records, and one call of DeleteOwned removes them all: neither the end of a page nor 65,536 entries end the walk",
		needs:       ownerIndex,
		f: func(x *trial) {
			made := x.huge()
			if made == nil {
				return
			}
			if got := x.owned("ann"); len(got) != len(made) {
				x.fatalf("Owned yielded %d of %d records", len(got), len(made))
			}
			var keep []store.Key
			for k := range made {
				keep = append(keep, k)
				break
			}
			if x.has[counter] {
				x.counts(len(made))
			}
			x.deleteOwned(len(made)-1, "ann", keep...)
			x.owns("ann", keep...)
			if x.has[lister] && len(x.all()) != 1 {
				x.fatalf("DeleteOwned removed all but one of %d records from the index, but All yields %d", len(made), len(x.all()))
			}
		},
	},
}

// huge creates 66,000 records of ann's if the store is fast, and otherwise returns
// nil.
func (x *trial) huge() map[store.Key]store.Record {
	x.Helper()
	const all = 66_000
	if !x.quick {
		x.Logf("the store is slow: it was not tried with more than %d records", most)
		return nil
	}
	return x.unaudited().creates(all, owned("ann"))
}
