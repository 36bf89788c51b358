package storetest

import (
	"errors"
	"strconv"
	"time"

	"github.com/sesame-go/sesame/store"
)

// restartCases are about an engine that is stopped and started again while the
// store stays open.
var restartCases = []testCase{
	{
		name:        "restart-kept",
		explanation: "what was saved, touched, deleted and indexed before the engine's restart is unchanged after it, and earlier versions are still valid",
		f: func(x *trial) {
			kept := x.creates(20, owned("ann"))
			dead := x.buried()
			stale := make(map[store.Key]store.Record)
			for k, r := range kept {
				switch len(stale) % 3 {
				case 0:
					r.Data, r.Owner = []byte("saved"), "bob"
					r.Version = x.save(k, r)
				case 1:
					r.Expires = r.Expires.Add(time.Hour)
					x.touch(k, r.Expires)
					r.Version = x.load(k).Version
				}
				stale[k], kept[k] = kept[k], r
			}
			stores := []store.Store{x.s}
			if x.second != nil {
				stores = append(stores, x.second)
				x.on(stores[1]).missing(x.key())
			}
			x.restart()

			var views []*trial
			for _, s := range stores {
				views = append(views, x.on(s).recovering())
			}
			for _, y := range views {
				for k, r := range kept {
					if v := y.holds(k, r); v != r.Version {
						x.fatalf("the restart has changed version %d to %d", r.Version, v)
					}
				}
				for _, k := range dead {
					y.missing(k)
				}
				if x.has[ownerIndex] {
					for _, owner := range []string{"ann", "bob"} {
						var keys []store.Key
						for k, r := range kept {
							if r.Owner == owner {
								keys = append(keys, k)
							}
						}
						y.owns(owner, keys...)
					}
				}
			}
			for _, y := range views {
				for k, r := range kept {
					if old, ok := stale[k]; ok && old.Version != r.Version {
						old.Data = []byte("stale")
						y.conflict(k, old)
					}
					r.Data = strconv.AppendInt(nil, int64(len(r.Data)), 10)
					r.Version = y.save(k, r)
					kept[k] = r
					y.holds(k, r)
				}
				for _, k := range dead {
					y.touch(k, in(time.Hour))
					y.missing(k)
				}
			}
		},
	},
	{
		name:        "restart-versions",
		explanation: "the store does not reuse versions from before the engine's restart: a Save with a stale one still returns ErrConflict",
		f: func(x *trial) {
			k, r := x.key(), record("data")
			seen := make(map[uint64]bool)
			var old []store.Record
			round := func(y *trial) {
				r.Version = 0
				for range 10 {
					r.Version = y.save(k, r)
					if seen[r.Version] {
						x.fatalf("version %d was in use before the restart", r.Version)
					}
					seen[r.Version] = true
					old = append(old, r)
				}
			}
			round(x)
			x.delete(k)
			x.restart()
			y := x.recovering()
			round(y)
			for _, stale := range old[:len(old)-1] {
				stale.Data = []byte("stale")
				y.conflict(k, stale)
			}
		},
	},
	{
		name:        "restart-midst",
		explanation: "while its engine restarts, a store's calls succeed or return an error that means an outage, never ErrNotFound or ErrConflict for a record that exists; no acknowledged change is lost, no deleted record comes back, and the store recovers by itself",
		f: func(x *trial) {
			var workers []*witness
			for range 6 {
				w := &witness{trial: x, counter: x.key()}
				x.create(w.counter, record("0"))
				workers = append(workers, w)
			}
			x.duringRestart(workers)
			y := x.recovering()
			for _, w := range workers {
				w.saw(y.load(w.counter))
				for _, k := range w.deleted {
					y.missing(k)
				}
			}
		},
	},
	{
		name:        "restart-watch",
		explanation: "after the engine's restart, a Watch from before either continues to report or has closed its channel, so that its caller can watch again; it does not fall silent",
		needs:       watcher,
		f: func(x *trial) {
			w := x.watch()
			x.restart()
			y := x.recovering()
			y.missing(x.key())
			for end := time.Now().Add(x.patience); ; {
				k := x.key()
				y.create(k, record("data"))
				y.delete(k)
				if w.toldOrDone(k, time.Second) {
					break
				}
				if time.Now().After(end) {
					x.fatalf("%v after the restart Watch neither reports what ends nor has closed its channel", x.patience)
				}
			}
			w.stop(x)

			again := y.watch()
			k := x.key()
			y.create(k, record("data"))
			y.delete(k)
			again.told(x, k, 1, "was deleted after the restart, with a new Watch")
			again.stop(x)
		},
	},
}

// buried returns keys of records that were deleted or have expired, some with an
// owner and some without.
func (x *trial) buried() []store.Key {
	x.Helper()
	var keys []store.Key
	soon := in(brief)
	for i := range 10 {
		k, r := x.key(), owned([]string{"", "ann"}[i%2])(i)
		if i < 4 {
			r.Expires = soon
		}
		x.create(k, r)
		if i >= 4 {
			x.delete(k)
		}
		keys = append(keys, k)
	}
	if x.has[ownerIndex] {
		for k := range x.creates(5, owned("carol")) {
			keys = append(keys, k)
		}
		x.deleteOwned(5, "carol")
	}
	x.pass(soon)
	return keys
}

// isOutage reports whether err means an outage, and is not an answer of the store.
func isOutage(err error) bool {
	for _, answer := range []error{nil, store.ErrNotFound, store.ErrConflict, store.ErrCorrupt} {
		if errors.Is(err, answer) {
			return false
		}
	}
	return true
}
