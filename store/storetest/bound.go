package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// boundCases are about stores with room for few records, and which records they
// drop to make room for others.
var boundCases = []testCase{
	{
		name:        "bounded-account",
		explanation: "an owner with very many records does not shut out others: each Save succeeds, and the store drops the oldest records of the owner that has the most. A store that returns ErrFull instead, or always drops the oldest record of all, lets one account log out all others",
		f: func(x *trial) {
			n := x.room()
			bob := x.inOrder(5, bounded("bob"))
			ann := x.inOrder(2*n, bounded("ann"))
			carol := x.inOrder(5, bounded("carol"))
			x.kept("bob's, who has five records, while ann has very many", bob)
			x.kept("carol's, who came last and has five records, while ann has very many", carol)
			x.droppedFirst("the oldest of ann's, who has the most", ann, 2*n+10, n)
			x.agreed(n, bob, ann, carol)
		},
	},
	{
		name:        "bounded-visitors",
		explanation: "records without an owner are dropped before records with one, the nearest to expiry first: a flood of visitors logs no user out",
		f: func(x *trial) {
			n := x.room()
			user := func(owner string) func(int) store.Record {
				return func(i int) store.Record {
					r := bounded(owner)(i)
					r.Expires = in(30 * time.Minute) // before any visitor's
					return r
				}
			}
			ann, bob := x.inOrder(n/4, user("ann")), x.inOrder(3, user("bob"))
			minutes := rand.Perm(2 * n)
			visitors := x.inOrder(2*n, func(i int) store.Record {
				r := bounded("")(i)
				r.Expires = in(time.Hour + time.Duration(minutes[i])*time.Minute)
				return r
			})
			x.kept("ann's, when visitors came", ann)
			x.kept("bob's, when visitors came", bob)
			last := len(visitors) - 1
			x.kept("the one that came last", visitors[last:])
			byExpiry := slices.Clone(visitors[:last])
			slices.SortFunc(byExpiry, func(a, b store.Entry) int { return a.Expires.Compare(b.Expires) })
			users := len(ann) + len(bob)
			x.droppedFirst("those without an owner that are nearest to their expiry", byExpiry, 2*n+users, n)
			x.agreed(n, ann, bob, visitors)
		},
	},
	{
		name:        "bounded-expired",
		explanation: "expired records are dropped before live ones",
		f: func(x *trial) {
			n := x.room()
			visitors, ann := x.inOrder(n/3, bounded("")), x.inOrder(n/3, bounded("ann"))
			expires := in(brief)
			dying := x.inOrder(n-len(visitors)-len(ann), func(i int) store.Record {
				r := bounded([]string{"", "bob", "dave"}[i%3])(i)
				r.Expires = expires
				return r
			})
			x.pass(expires)
			fresh := x.inOrder(len(dying), func(i int) store.Record { return bounded([]string{"", "ann", "carol"}[i%3])(i) })
			for what, live := range map[string][]store.Entry{"without an owner": visitors, "ann's": ann, "new": fresh} {
				x.kept(what+", while others had expired", live)
			}
			x.agreed(n, dying, visitors, ann, fresh)
		},
	},
	{
		name:        "bounded-oldest",
		explanation: "of the owner that has the most records, the store drops the record whose creation or last Save with Durable set is the oldest: a session that has just logged in is young, one that is only in use is not",
		f: func(x *trial) {
			n := x.room()
			ann, bob := x.inOrder(n/2, bounded("ann")), x.inOrder(n/4, bounded("bob"))
			const some = 5
			for i := range 3 * some {
				k, r := ann[i].Key, ann[i].Record
				switch i / some {
				case 0:
					r.Durable = true
					r.Version = x.save(k, r)
				case 1:
					r.Data = slices.Clone(r.Data)
					r.Data[0]++
					r.Version = x.save(k, r)
				case 2:
					r.Expires = in(50 * time.Hour)
					x.touch(k, r.Expires)
				}
			}
			renewed := ann[:some]
			byAge := append(slices.Clone(ann[some:]), renewed...)
			free := n - len(ann) - len(bob)
			carol := x.inOrder(free+4*some, func(i int) store.Record { return bounded([]string{"carol", "dave", "eve"}[i%3])(i) })
			x.droppedFirst("the oldest of ann's, by creation or renewal", byAge, len(ann)+len(bob)+len(carol), n)
			x.kept("bob's, who has fewer than ann", bob)
			x.kept("new", carol)
		},
	},
	{
		name:        "bounded-most",
		explanation: "the owner with the most records is determined by the live records: those that were deleted, revoked, have expired or now have another owner do not count",
		f: func(x *trial) {
			n := x.room()
			expires := in(brief)
			x.inOrder(n/3, func(i int) store.Record {
				r := bounded("eve")(i)
				r.Expires = expires
				return r
			})
			ann, bob := x.inOrder(3*n/10, bounded("ann")), x.inOrder(n/5, bounded("bob"))
			const few = 5
			for i, e := range ann[:len(ann)-few] {
				switch {
				case i < few:
					e.Owner, e.Durable = "bob", true
					x.save(e.Key, e.Record)
					bob = append(bob, e)
				case i%2 == 0 || !x.has[ownerIndex]:
					x.delete(e.Key)
				}
			}
			ann = ann[len(ann)-few:]
			if x.has[ownerIndex] {
				x.deleteOwned(-1, "ann", keysIn(ann)...)
			}
			x.pass(expires)
			others := x.inOrder(n-len(ann)-len(bob)+2*few, func(i int) store.Record { return bounded(fmt.Sprint("no. ", i%40))(i) })
			x.kept("ann's, who had the most before and has five now", ann)
			x.droppedFirst("the oldest of bob's, who has the most", bob, len(ann)+len(bob)+len(others), n)
			x.agreed(n, ann, bob, others)
		},
	},
	{
		name:        "bounded-save",
		explanation: "in a full store, a Touch, a Save that fails and a Save that does not make an existing record larger drop nothing; a Save that makes a record larger does not drop the record itself",
		f: func(x *trial) {
			n := x.room()
			made := append(x.inOrder(n/2, bounded("ann")), x.inOrder(n-n/2, bounded(""))...)
			for i := range made {
				k, r := made[i].Key, &made[i].Record
				r.Durable = i%4 == 0
				r.Version = x.save(k, *r)
				r.Expires = r.Expires.Add(time.Hour)
				x.touch(k, r.Expires)
				r.Version = x.load(k).Version
			}
			x.kept("saved or touched in a full store, although no new record came", made)
			for _, e := range made[:5] {
				stale := bounded("bob")(0)
				stale.Version = e.Version + 1
				x.conflict(e.Key, stale)
				x.conflict(x.key(), stale)
				stale.Version = 0
				x.conflict(e.Key, stale)
				long := bounded(strings.Repeat("o", store.MaxOwner+1))(0)
				if _, err := x.s.Save(x.ctx, x.key(), long); err == nil {
					x.fatalf("Save with an owner of %d bytes succeeded", len(long.Owner))
				}
			}
			x.kept("stored, although each Save was refused", made)
			for _, i := range []int{n / 2, 0} { // the one that would go first, and one of ann's
				k, r := made[i].Key, made[i].Record
				r.Data = pattern(8*boundedBytes, i)
				r.Version = x.save(k, r)
				x.holds(k, r)
				made[i].Record = r
			}
			x.agreed(n, made)
		},
	},
	{
		name:        "bounded-gone",
		explanation: "a record that was dropped to make room is gone as if it had been deleted: a Save with its version returns ErrConflict, its key may be used again, and Watch reports it",
		f: func(x *trial) {
			n := x.room()
			ann := x.inOrder(n, bounded("ann"))
			var w *watching
			if x.has[watcher] {
				w = x.watch()
				defer w.stop(x)
			}
			const more = 10
			x.inOrder(more, bounded("bob"))
			gone := slices.DeleteFunc(ann, func(e store.Entry) bool {
				_, ok := x.exists(e.Key)
				return ok
			})
			if len(gone) < more {
				x.fatalf("the store dropped %d records to make room for %d", len(gone), more)
			}
			for _, e := range gone {
				if w != nil {
					w.told(x, e.Key, 1, "was dropped to make room")
				}
				x.conflict(e.Key, e.Record)
				x.touch(e.Key, in(90*time.Hour))
				x.missing(e.Key)
			}
			k, again := gone[0].Key, bounded("carol")(0)
			x.create(k, again)
			x.holds(k, again)
			x.conflict(k, gone[0].Record)
		},
	},
	{
		name:        "bounded-large",
		explanation: "a record that is larger than the store's bound is refused with ErrFull, and nothing is dropped for it; a store that bounds only the number of records may store it",
		f: func(x *trial) {
			n := x.room()
			made := append(x.inOrder(n/2, bounded("ann")), x.inOrder(n-n/2, bounded(""))...)
			k, large := x.key(), bounded("bob")(0)
			large.Data = pattern(4*n*boundedBytes, 1)
			_, err := x.s.Save(x.ctx, k, large)
			if err == nil {
				x.holds(k, large)
				return
			}
			if !errors.Is(err, store.ErrFull) {
				x.fatalf("Save of %d bytes: got %v, want ErrFull", len(large.Data), err)
			}
			x.missing(k)
			grown := large
			grown.Version, grown.Owner = made[0].Version, "ann"
			if _, err := x.s.Save(x.ctx, made[0].Key, grown); !errors.Is(err, store.ErrFull) {
				x.fatalf("Save that makes a record %d bytes long: got %v, want ErrFull", len(grown.Data), err)
			}
			x.kept("stored, although the Save was refused as too large", made)
			x.agreed(n, made)
		},
	},
	{
		name:        "bounded-race",
		explanation: "with many concurrent Saves the bound still holds and each Save succeeds; afterwards Load, Owned, All and Count agree",
		f: func(x *trial) {
			n := x.room()
			const workers = 8
			made := make([][]store.Entry, workers)
			var done atomic.Int64
			x.together(times(workers, func(i int) {
				for done.Add(1) < int64(30*n) {
					k, r := x.key(), bounded([]string{"ann", "bob", "", "carol"}[i%4])(i)
					r.Version = x.create(k, r)
					made[i] = append(made[i], store.Entry{Key: k, Record: r})
					if i >= workers/2 {
						r.Durable = true
						x.won(failure(x.s.Save(x.ctx, k, r))) // the record may have been dropped
					}
				}
			})...)
			x.agreed(n, made...)
		},
	},
}

// The bounded stores have room for boundedRoom records of boundedBytes bytes.
const boundedRoom, boundedBytes = 100, 1000
