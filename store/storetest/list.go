package storetest

import (
	"strconv"
	"time"

	"github.com/sesame-go/sesame/store"
)

// listCases are about what All yields.
var listCases = []testCase{
	{
		name:        "all",
		explanation: "All yields every live record once or more with its key and all of its fields, and nothing else; it yields nothing from an empty store",
		needs:       lister,
		f: func(x *trial) {
			if got := x.all(); len(got) != 0 {
				x.fatalf("All yielded %d records of an empty store", len(got))
			}
			want := x.creates(30, func(i int) store.Record {
				return store.Record{
					Expires: in(time.Duration(i+1) * time.Hour),
					Owner:   []string{"", "ann", "bob\x00"}[i%3],
					Data:    []byte(strconv.Itoa(i)),
					Durable: i%4 == 0,
				}
			})
			x.listed(want)
		},
	},
	{
		name:        "all-in-step",
		explanation: "All reflects every call that returned before it: it yields changed records in their new state, and neither deleted nor expired ones",
		needs:       lister,
		f: func(x *trial) {
			gone := record("gone")
			gone.Expires = in(brief)
			x.create(x.key(), gone)
			past := record("past")
			past.Expires = time.Now().Add(-time.Second)
			x.create(x.key(), past)
			want := x.creates(100, func(i int) store.Record { return record("data") })
			n := 0
			for k, r := range want {
				switch n++; n % 4 {
				case 0:
					x.delete(k)
					delete(want, k)
				case 1:
					r.Data, r.Owner = []byte("changed"), "ann"
					r.Version = x.save(k, r)
					want[k] = r
				case 2:
					r.Expires = r.Expires.Add(time.Hour)
					x.touch(k, r.Expires)
					r.Version = x.load(k).Version
					want[k] = r
				}
			}
			x.pass(gone.Expires)
			x.listed(want)
		},
	},
}

// all returns the records that All yields, by their keys.
func (x *trial) all() map[store.Key]store.Record {
	x.Helper()
	return x.collect(walks[0])
}

// listed expects All to yield want and nothing else.
func (x *trial) listed(want map[store.Key]store.Record) {
	x.Helper()
	x.walks(walks[0], want)
}
