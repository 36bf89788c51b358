package storetest

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// A walk is All, or Owned of the owner ann. The contract is the same for both, and
// so are the cases. Their records all belong to ann, except those that Owned must
// not yield.
type walk struct {
	method string
	needs  *iface
	over   func(ctx context.Context, s store.Store) iter.Seq2[store.Entry, error]
}

var walks = []walk{
	{"All", lister, func(ctx context.Context, s store.Store) iter.Seq2[store.Entry, error] {
		return s.(store.Lister).All(ctx)
	}},
	{"Owned", ownerIndex, func(ctx context.Context, s store.Store) iter.Seq2[store.Entry, error] {
		return s.(store.OwnerIndex).Owned(ctx, "ann")
	}},
}

// forWalks returns a case for each walk.
func forWalks(name, explanation string, f func(x *trial, w walk)) (both []testCase) {
	for _, w := range walks {
		both = append(both, testCase{
			name:        strings.ToLower(w.method) + "-" + name,
			explanation: strings.ReplaceAll(explanation, "WALK", w.method),
			needs:       w.needs,
			f:           func(x *trial) { f(x, w) },
		})
	}
	return both
}

var walkCases = slices.Concat(
	forWalks("context", "if the context is done before the walk, WALK yields the context's error and nothing else",
		func(x *trial, w walk) {
			x.create(x.key(), stored())
			x.done(func(ctx context.Context, want error) {
				n := 0
				for _, err := range w.over(ctx, x.s) {
					x.wants(want, w.method)(err)
					n++
				}
				if n != 1 {
					x.Errorf("%s yielded %d times, want once", w.method, n)
				}
			})
		}),
	forWalks("break", "the caller may end WALK at any time, which leaves no resource in use, and may range over the same iterator again",
		func(x *trial, w walk) {
			want := x.creates(10, owned("ann"))
			for stop := range 100 { // more than a store has connections, locks or buffers
				n := 0
				for _, err := range w.over(x.ctx, x.s) {
					if err != nil {
						x.fatalf("%s: %v", w.method, err)
					}
					if n++; n > stop%len(want) {
						break
					}
				}
			}
			seq := w.over(x.ctx, x.s)
			for range 2 {
				got := make(map[store.Key]bool)
				for e, err := range seq {
					if err != nil {
						x.fatalf("%s: %v", w.method, err)
					}
					got[e.Key] = true
				}
				if len(got) != len(want) {
					x.fatalf("%s yielded %d of %d records when its iterator was used a second time", w.method, len(got), len(want))
				}
			}
			x.walks(w, want)
		}),
	forWalks("no-lock", "WALK holds no lock and no connection while the caller consumes: during the walk, the caller and others may call every method of the store",
		func(x *trial, w walk) {
			made := x.creates(20, owned("ann"))
			for e, err := range w.over(x.ctx, x.s) {
				if err != nil {
					x.fatalf("%s: %v", w.method, err)
				}
				if _, ok := made[e.Key]; !ok {
					continue
				}
				delete(made, e.Key) // a walk may yield a record twice
				use := func() {
					k, r := x.key(), owned("ann")(0)
					r.Data = []byte("new")
					r.Version = x.create(k, r)
					r = x.load(k)
					r.Owner = "bob"
					x.save(k, r)
					x.touch(k, in(2*time.Hour))
					x.delete(k)
					for _, inner := range walks {
						if x.has[inner.needs] {
							for range inner.over(x.ctx, x.s) {
								break
							}
						}
					}
					if x.has[ownerIndex] {
						x.deleteOwned(-1, "bob")
					}
					if x.has[sweeper] {
						x.sweep(10)
					}
					if x.has[counter] {
						x.count()
					}
				}
				use()
				x.together(use, use)
				r := x.load(e.Key)
				r.Data = []byte("seen")
				x.save(e.Key, r)
				x.delete(e.Key)
			}
		}),
	forWalks("race", "WALK yields every record that lives, and has this owner, during the whole walk, whatever happens to other records at the same time, and each as one Save wrote it",
		func(x *trial, w walk) {
			stable := x.creates(300, owned("ann"))
			var done atomic.Bool
			churn := func(int) {
				for !done.Load() && !x.Failed() {
					k, r := x.key(), store.Record{Expires: in(time.Hour)}
					end := time.Now().Add(20 * time.Millisecond)
					for n := 0; n < 2 || time.Now().Before(end) && !done.Load(); n++ {
						r.Owner = []string{"ann", "bob"}[n%2]
						r.Data = []byte(r.Owner + " for a while")
						r.Version = x.save(k, r)
						stagger(n)
					}
					x.delete(k)
				}
			}
			look := func() {
				defer done.Store(true)
				for range x.rounds() {
					got := make(map[store.Key]store.Record)
					x.consume(w, w.over(x.ctx, x.s), func(e store.Entry) {
						if !strings.HasPrefix(string(e.Data), e.Owner) {
							x.fatalf("a record is torn: owner %q, data %q", e.Owner, e.Data)
						}
						if w.method == "Owned" && e.Owner != "ann" {
							x.fatalf("Owned of ann yielded a record whose owner is %q", e.Owner)
						}
						got[e.Key] = e.Record
						if len(got)%100 == 1 {
							time.Sleep(time.Millisecond) // for the others to change something
						}
					})
					for k, r := range stable {
						g, ok := got[k]
						if !ok {
							x.fatalf("%s did not yield one of %d records that lived through the walk", w.method, len(stable))
						}
						x.same(g, r)
					}
				}
			}
			x.together(append(times(3, churn), look)...)
		}),
)

// collect returns the records that the walk yields.
func (x *trial) collect(w walk) map[store.Key]store.Record {
	x.Helper()
	got := make(map[store.Key]store.Record)
	x.consume(w, w.over(x.ctx, x.s), func(e store.Entry) { got[e.Key] = e.Record })
	return got
}

// consume calls f for each entry that a walk yields.
func (x *trial) consume(w walk, seq iter.Seq2[store.Entry, error], f func(e store.Entry)) {
	x.Helper()
	for e, err := range seq {
		if err != nil {
			x.fatalf("%s: %v", w.method, err)
		}
		if e.Version == 0 {
			x.fatalf("%s yielded version 0", w.method)
		}
		f(e)
	}
}

// walks expects the walk to yield want, with all fields, and nothing else.
func (x *trial) walks(w walk, want map[store.Key]store.Record) {
	x.Helper()
	x.compare(w.method, x.collect(w), want)
}

// compare expects a method to have yielded want.
func (x *trial) compare(method string, got, want map[store.Key]store.Record) {
	x.Helper()
	for k, r := range want {
		g, ok := got[k]
		if !ok {
			x.fatalf("%s yielded %d records, want %d; a live one is missing", method, len(got), len(want))
		}
		x.same(g, r)
		if g.Version != r.Version {
			x.fatalf("%s yielded version %d of a record, want %d", method, g.Version, r.Version)
		}
	}
	if len(got) != len(want) {
		for k, r := range got {
			if _, ok := want[k]; !ok {
				x.fatalf("%s yielded %d records, want %d; too many is one of %q that expires %v", method, len(got), len(want), r.Owner, r.Expires)
			}
		}
	}
}
