package storetest

import (
	"bytes"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// raceCases are about concurrent calls.
var raceCases = []testCase{
	{
		name:        "race-create",
		explanation: "of concurrent Saves that create the same key exactly one succeeds; the others return ErrConflict",
		f: func(x *trial) {
			for range x.rounds() {
				k, r := x.key(), record("")
				x.oneWinner(k, r)
			}
		},
	},
	{
		name:        "race-save",
		explanation: "of concurrent Saves with the same version exactly one succeeds; the others return ErrConflict",
		f: func(x *trial) {
			for range x.rounds() {
				k, r := x.key(), record("start")
				r.Version = x.create(k, r)
				x.oneWinner(k, r)
			}
		},
	},
	{
		name:        "race-count",
		explanation: "a counter loses no increment if several callers do Load and Save, and repeat both on ErrConflict",
		f: func(x *trial) {
			const workers, each = 4, 10
			k := x.key()
			x.create(k, record("0"))
			x.together(times(workers, func(int) {
				for range each {
					done := false
					for try := 0; !done; try++ {
						if try == 1000 {
							x.fatalf("%d Saves in a row returned ErrConflict, each with the version that Load had just returned", try)
						}
						r := x.load(k)
						n, err := strconv.Atoi(string(r.Data))
						if err != nil {
							x.fatalf("the counter is %q", r.Data)
						}
						r.Data = strconv.AppendInt(nil, int64(n+1), 10)
						_, err = x.s.Save(x.ctx, k, r)
						done = x.won(err)
					}
				}
			})...)
			if r := x.load(k); string(r.Data) != strconv.Itoa(workers*each) {
				x.Errorf("after %d increments the counter is %s", workers*each, r.Data)
			}
		},
	},
	{
		name:        "race-torn",
		explanation: "Load returns a record as one Save wrote it, never parts of two",
		f: func(x *trial) {
			patterns := [2]store.Record{
				{Expires: in(time.Hour), Owner: "ann", Data: bytes.Repeat([]byte("a"), 5000)},
				{Expires: in(2 * time.Hour), Owner: "bob", Data: bytes.Repeat([]byte("bb"), 4000)},
			}
			k := x.key()
			v := x.create(k, patterns[0])
			var done atomic.Bool
			x.together(
				func() {
					defer done.Store(true)
					for i := range x.rounds() {
						r := patterns[(i+1)%2]
						r.Version = v
						v = x.save(k, r)
					}
				},
				func() {
					for !done.Load() {
						r := x.load(k)
						if r.Owner == "ann" {
							x.same(r, patterns[0])
						} else {
							x.same(r, patterns[1])
						}
					}
				},
			)
		},
	},
	{
		name:        "race-save-delete",
		explanation: "once Delete has returned, no Load finds the record, even if a Save was running at the same time",
		f: func(x *trial) {
			for i := range x.rounds() {
				k, r := x.key(), record("data")
				r.Version = x.create(k, r)
				var deleted atomic.Bool
				x.together(
					func() {
						r := r
						for !deleted.Load() {
							v, err := x.s.Save(x.ctx, k, r)
							if !x.won(err) {
								return
							}
							r.Version = v
						}
					},
					func() {
						defer deleted.Store(true)
						stagger(i)
						x.delete(k)
						x.missing(k)
					},
				)
				x.missing(k)
			}
		},
	},
	{
		name:        "race-touch-delete",
		explanation: "once Delete has returned, no Load finds the record, even if a Touch was running at the same time",
		f: func(x *trial) {
			for i := range x.rounds() {
				k, r := x.key(), record("data")
				x.create(k, r)
				x.together(
					func() {
						for i := range 5 {
							x.touch(k, in(time.Duration(i+2)*time.Hour))
						}
					},
					func() {
						stagger(i)
						x.delete(k)
						x.missing(k)
					},
				)
				x.missing(k)
			}
		},
	},
	{
		name:        "race-touch-save",
		explanation: "a concurrent Touch undoes nothing of a Save; if the Touch comes last Expires is the later of the two times, and otherwise that of the Save",
		f: func(x *trial) {
			for i := range x.rounds() {
				k, old := x.key(), record("old")
				r := old
				r.Version = x.create(k, r)
				r.Data, r.Owner = []byte("new"), "ann"
				touched := in(2 * time.Hour)
				saved := false
				x.together(
					func() { x.touch(k, touched) },
					func() {
						stagger(i)
						_, err := x.s.Save(x.ctx, k, r)
						saved = x.won(err)
					},
				)
				got := x.load(k)
				want := r
				if !saved { // the Touch came first and changed the version
					want = old
					want.Expires = touched
				} else if got.Expires.After(r.Expires.Add(time.Minute)) {
					want.Expires = touched
				}
				x.same(got, want)
			}
		},
	},
	{
		name:        "race-touch-touch",
		explanation: "after concurrent Touches Expires is the latest of their times",
		f: func(x *trial) {
			for range x.rounds() {
				const n = 4
				k, r := x.key(), record("data")
				x.create(k, r)
				x.together(times(n, func(i int) {
					x.touch(k, r.Expires.Add(time.Duration(i+1)*time.Hour))
				})...)
				x.expires(x.load(k), r.Expires.Add(n*time.Hour))
			}
		},
	},
	{
		name:        "race-create-delete",
		explanation: "concurrent creations, changes and deletions of different records do not affect each other",
		f: func(x *trial) {
			x.together(times(8, func(i int) {
				for range x.rounds() {
					k, r := x.key(), record(strconv.Itoa(i))
					r.Version = x.create(k, r)
					r.Data = []byte(strconv.Itoa(i) + " changed")
					x.save(k, r)
					x.holds(k, r)
					x.delete(k)
					x.missing(k)
				}
			})...)
		},
	},
}

// oneWinner makes concurrent Saves of different data under k, all with r's version,
// and expects exactly one to succeed. If r has Durable set, half of them have it.
func (x *trial) oneWinner(k store.Key, r store.Record) {
	x.Helper()
	const n = 6
	var won [n]bool
	var versions [n]uint64
	x.together(times(n, func(i int) {
		mine := r
		mine.Data = []byte(strconv.Itoa(i))
		mine.Durable = r.Durable && i%2 == 0
		v, err := x.s.Save(x.ctx, k, mine)
		won[i], versions[i] = x.won(err), v
	})...)
	winner, winners := 0, 0
	for i := range n {
		if won[i] {
			winner = i
			winners++
		}
	}
	if winners != 1 {
		x.fatalf("%d of %d Saves with one version succeeded, want exactly one", winners, n)
	}
	r.Data = []byte(strconv.Itoa(winner))
	if v := x.holds(k, r); v != versions[winner] {
		x.fatalf("Load returned version %d, but the Save that succeeded returned %d", v, versions[winner])
	}
}
