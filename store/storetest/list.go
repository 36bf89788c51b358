package storetest

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// listCases are about [store.Lister].
var listCases = []testCase{
	{
		name:        "all",
		explanation: "All yields each live record with its key, all of its fields and nothing else, and nothing from an empty store",
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
				}
			})
			x.listed(want)
		},
	},
	{
		name:        "all-in-step",
		explanation: "All shows what the calls before it have done: records changed are yielded as they are now, those deleted or expired not at all",
		needs:       lister,
		f: func(x *trial) {
			gone := record("gone")
			gone.Expires = in(brief)
			x.create(x.key(), gone)
			past := record("past")
			past.Expires = time.Now().Add(-time.Second)
			x.create(x.key(), past)
			want := x.creates(5, func(i int) store.Record { return record("data") })
			for _, k := range hostileKeys() {
				r := record("hostile")
				r.Version = x.create(k, r)
				want[k] = r
			}
			n := 0
			for k, r := range want {
				switch n++; n % 4 {
				case 0:
					x.delete(k)
					delete(want, k)
				case 1:
					r.Data = []byte("changed")
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
	{
		name:        "all-alias",
		explanation: "what All yields belongs to the caller",
		needs:       lister,
		f: func(x *trial) {
			want := x.creates(20, func(i int) store.Record { return record("record " + strconv.Itoa(i)) })
			kept := x.all()
			for _, e := range x.all() {
				clear(e.Data)
				_ = append(e.Data, "and more"...)
			}
			for k, e := range kept {
				x.same(e, want[k])
			}
			x.listed(want)
		},
	},
	{
		name:        "all-break",
		explanation: "a walk may be ended at any time, and the next one begins anew",
		needs:       lister,
		f: func(x *trial) {
			want := x.creates(10, func(i int) store.Record { return record("data") })
			for stop := 1; stop <= len(want); stop++ {
				n := 0
				for _, err := range x.s.(store.Lister).All(x.ctx) {
					if err != nil {
						x.fatalf("All: %v", err)
					}
					if n++; n == stop {
						break
					}
				}
			}
			seq := x.s.(store.Lister).All(x.ctx)
			for range 2 {
				n := 0
				for range seq {
					n++
				}
				if n < len(want) {
					x.fatalf("the sequence yielded %d of %d records when it was used again", n, len(want))
				}
			}
			x.listed(want)
		},
	},
	{
		name:        "all-no-lock",
		explanation: "the store may be used in the midst of a walk",
		needs:       lister,
		f: func(x *trial) {
			x.creates(50, func(i int) store.Record { return record("data") })
			x.progresses(func(step func()) {
				for e, err := range x.s.(store.Lister).All(x.ctx) {
					if err != nil {
						x.fatalf("All: %v", err)
					}
					if string(e.Data) != "data" {
						continue
					}
					r := x.load(e.Key)
					r.Data = []byte("seen")
					x.save(e.Key, r)
					x.touch(e.Key, in(2*time.Hour))
					x.delete(e.Key)
					x.create(x.key(), record("new"))
					step()
				}
			})
		},
	},
	{
		name:        "all-race",
		explanation: "a record that lives through the walk is yielded, whatever happens to others meanwhile, and none is torn",
		needs:       lister,
		f: func(x *trial) {
			stable := x.creates(300, func(i int) store.Record { return record("stable") })
			var done atomic.Bool
			churn := func(i int) {
				for n := 0; !done.Load(); n++ {
					k := x.key()
					data := fmt.Sprintf("%d/%d", i, n)
					r := store.Record{Expires: in(time.Hour), Owner: data, Data: []byte(data)}
					r.Version = x.create(k, r)
					r.Owner += " changed"
					r.Data = append(r.Data, " changed"...)
					x.save(k, r)
					x.delete(k)
				}
			}
			walk := func() {
				defer done.Store(true)
				for range 3 {
					seen := 0
					for k, r := range x.all() {
						if _, ok := stable[k]; ok {
							seen++
							x.same(r, stable[k])
						} else if r.Owner != string(r.Data) {
							x.fatalf("a record is torn: owner %q, data %q", r.Owner, r.Data)
						}
					}
					if seen != len(stable) {
						x.fatalf("All yielded %d of %d records that lived through the walk", seen, len(stable))
					}
				}
			}
			x.together(append(times(3, churn), walk)...)
		},
	},
}

// all collects what All yields.
func (x *trial) all() map[store.Key]store.Record {
	x.Helper()
	got := make(map[store.Key]store.Record)
	for e, err := range x.s.(store.Lister).All(x.ctx) {
		if err != nil {
			x.fatalf("All: %v", err)
		}
		if e.Version == 0 {
			x.fatalf("All yielded version 0")
		}
		got[e.Key] = e.Record
	}
	return got
}

// listed expects All to yield want and nothing else.
func (x *trial) listed(want map[store.Key]store.Record) {
	x.Helper()
	got := x.all()
	for k, w := range want {
		g, ok := got[k]
		if !ok {
			x.fatalf("All yielded %d records, want %d; a live one is missing", len(got), len(want))
		}
		x.same(g, w)
		if g.Version != w.Version {
			x.fatalf("All yielded version %d, want %d", g.Version, w.Version)
		}
	}
	if len(got) != len(want) {
		x.fatalf("All yielded %d records, want %d", len(got), len(want))
	}
}
