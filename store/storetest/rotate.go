package storetest

import (
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// rotateCases are about [store.Rotator].
var rotateCases = []testCase{
	{
		name:        "rotate",
		explanation: "Rotate stores the record under the new key, with a new content if it has one, and removes the old key for good",
		needs:       rotator,
		f: func(x *trial) {
			from, to, r := x.key(), x.key(), record("before")
			r.Version = x.create(from, r)
			old := r
			r.Expires, r.Owner, r.Data = in(2*time.Hour), "ann", []byte("after")
			v, err := x.rotate(from, to, r)
			if err != nil {
				x.fatalf("Rotate: %v", err)
			}
			if got := x.holds(to, r); got != v || v == 0 {
				x.Errorf("Load returned version %d, Rotate had returned %d", got, v)
			}
			x.missing(from)
			x.conflict(from, old)
			x.touch(from, in(3*time.Hour))
			x.missing(from)

			r.Version = v
			x.save(to, r)
			x.create(from, record("another"))
			x.conflict(from, old)
		},
	},
	{
		name:        "rotate-alias",
		explanation: "Rotate keeps its own copy of Data",
		needs:       rotator,
		f: func(x *trial) {
			from, to, r := x.key(), x.key(), record("original")
			r.Version = x.create(from, r)
			x.rotate(from, to, r)
			clear(r.Data)
			x.contains(to, "original")
		},
	},
	{
		name:        "rotate-conflict",
		explanation: "Rotate returns ErrConflict and changes nothing if the version is another, the old key is gone or expired, or the new key exists",
		needs:       rotator,
		f: func(x *trial) {
			refused := func(from, to store.Key, r store.Record) {
				x.Helper()
				if v, err := x.rotate(from, to, r); !errors.Is(err, store.ErrConflict) {
					x.fatalf("Rotate with version %d: got (%d, %v), want ErrConflict", r.Version, v, err)
				}
			}
			from, to, r := x.key(), x.key(), record("data")
			v := x.create(from, r)
			for _, stale := range []uint64{0, v + 1, ^v} {
				r.Version = stale
				refused(from, to, r)
				x.missing(to)
				x.holds(from, r)
			}
			r.Version = v

			taken, other := x.key(), record("other")
			x.create(taken, other)
			refused(from, taken, r)
			refused(from, from, r)
			x.holds(taken, other)
			if got := x.holds(from, r); got != v {
				x.Errorf("a refused Rotate changed the version")
			}

			for _, version := range []uint64{0, 1, v} {
				r.Version = version
				refused(x.key(), to, r)
				x.missing(to)
			}
			r.Version = v
			x.delete(from)
			refused(from, to, r)
			x.missing(from)
			x.missing(to)
		},
	},
	{
		name:        "rotate-owner-too-long",
		explanation: "Rotate refuses an owner of more than 255 bytes and changes nothing",
		needs:       rotator,
		f: func(x *trial) {
			from, to, r := x.key(), x.key(), record("data")
			long := r
			long.Version = x.create(from, r)
			long.Owner = strings.Repeat("o", store.MaxOwner+1)
			if _, err := x.rotate(from, to, long); err == nil || errors.Is(err, store.ErrConflict) {
				x.fatalf("Rotate with an owner of %d bytes: got %v, want an error that says so", len(long.Owner), err)
			}
			x.holds(from, r)
			x.missing(to)
		},
	},
	{
		name:        "rotate-race-rotate",
		explanation: "of several Rotates at once of one record, or to one key, exactly one wins; nothing else changes",
		needs:       rotator,
		f: func(x *trial) {
			const n = 4
			for range x.rounds(100) {
				from, r := x.key(), record("data")
				r.Version = x.create(from, r)
				var to [n]store.Key
				var won [n]bool
				x.together(times(n, func(i int) {
					to[i] = x.key()
					_, err := x.rotate(from, to[i], r)
					won[i] = x.won(err)
				})...)
				x.missing(from)
				x.exactlyOne(to[:], won[:], r)

				var olds [n]store.Key
				var versions [n]uint64
				var lost [n]bool
				for i := range olds {
					olds[i] = x.key()
					versions[i] = x.create(olds[i], r)
				}
				target := x.key()
				x.together(times(n, func(i int) {
					r := r
					r.Version = versions[i]
					_, err := x.rotate(olds[i], target, r)
					lost[i] = !x.won(err)
				})...)
				x.holds(target, r)
				x.exactlyAllButOne(olds[:], lost[:])
			}
		},
	},
	{
		name:        "rotate-race-save",
		explanation: "of a Save and a Rotate at once with one version exactly one wins",
		needs:       rotator,
		f: func(x *trial) {
			for range x.rounds(200) {
				from, to, r := x.key(), x.key(), record("data")
				r.Version = x.create(from, r)
				saved := r
				saved.Data = []byte("saved")
				var won [2]bool
				x.together(
					func() { _, err := x.s.Save(x.ctx, from, saved); won[0] = x.won(err) },
					func() { _, err := x.rotate(from, to, r); won[1] = x.won(err) },
				)
				if won[0] == won[1] {
					x.fatalf("Save won: %t, Rotate won: %t, want exactly one", won[0], won[1])
				}
				if won[0] {
					x.holds(from, saved)
					x.missing(to)
				} else {
					x.missing(from)
					x.holds(to, r)
				}
			}
		},
	},
	{
		name:        "rotate-race-delete",
		explanation: "a Rotate and a Delete of the old key at once leave the new key only if Rotate succeeded, and the old one never",
		needs:       rotator,
		f: func(x *trial) {
			for range x.rounds(200) {
				from, to, r := x.key(), x.key(), record("data")
				r.Version = x.create(from, r)
				rotated := false
				x.together(
					func() { x.delete(from); x.missing(from) },
					func() { _, err := x.rotate(from, to, r); rotated = x.won(err) },
				)
				x.missing(from)
				if _, ok := x.exists(to); ok != rotated {
					x.fatalf("Rotate succeeded: %t, but the new key exists: %t", rotated, ok)
				}
			}
		},
	},
	{
		name:        "rotate-atomic",
		explanation: "Rotate does both or neither: whoever finds the old key gone finds the new one, and whoever finds the new one finds the old key gone",
		needs:       rotator,
		f: func(x *trial) {
			for range x.rounds(200) {
				from, to, r := x.key(), x.key(), record("data")
				r.Version = x.create(from, r)
				var reading atomic.Int32
				var done atomic.Bool
				x.together(
					func() {
						defer done.Store(true)
						for reading.Load() < 2 {
							time.Sleep(10 * time.Microsecond)
						}
						if _, err := x.rotate(from, to, r); err != nil {
							x.fatalf("Rotate: %v", err)
						}
					},
					func() {
						for reading.Add(1); !done.Load(); {
							if _, ok := x.exists(from); !ok {
								x.load(to)
							}
						}
					},
					func() {
						for reading.Add(1); !done.Load(); {
							if _, ok := x.exists(to); ok {
								x.missing(from)
							}
						}
					},
				)
			}
		},
	},
	{
		name:        "rotate-opposite",
		explanation: "Rotates in opposite directions at once do not wait for each other for ever",
		needs:       rotator,
		f: func(x *trial) {
			a, b := x.key(), x.key()
			x.create(a, record("data"))
			x.progresses(func(step func()) {
				there := func(from, to store.Key) func() {
					return func() {
						for range x.rounds(500) {
							if r, ok := x.exists(from); ok {
								_, err := x.rotate(from, to, r)
								x.won(err)
							}
							step()
						}
					}
				}
				x.together(there(a, b), there(b, a), there(a, b), there(b, a))
			})
			_, inA := x.exists(a)
			_, inB := x.exists(b)
			if inA == inB {
				x.fatalf("one key exists: %t, the other: %t, want exactly one", inA, inB)
			}
		},
	},
}

func (x *trial) rotate(from, to store.Key, r store.Record) (uint64, error) {
	return x.s.(store.Rotator).Rotate(x.ctx, from, to, r)
}

// exactlyOne expects one of keys to hold want, the one whose call won.
func (x *trial) exactlyOne(keys []store.Key, won []bool, want store.Record) {
	x.Helper()
	winners := 0
	for i, k := range keys {
		if won[i] {
			winners++
			x.holds(k, want)
		} else {
			x.missing(k)
		}
	}
	if winners != 1 {
		x.fatalf("%d of %d calls succeeded, want exactly one", winners, len(keys))
	}
}

// exactlyAllButOne expects those of keys to exist whose Rotate lost.
func (x *trial) exactlyAllButOne(keys []store.Key, lost []bool) {
	x.Helper()
	losers := 0
	for i, k := range keys {
		if _, ok := x.exists(k); ok != lost[i] {
			x.fatalf("Rotate succeeded: %t, but its old key exists: %t", !lost[i], ok)
		}
		if lost[i] {
			losers++
		}
	}
	if losers != len(keys)-1 {
		x.fatalf("%d of %d Rotates to one key failed, want all but one", losers, len(keys))
	}
}
