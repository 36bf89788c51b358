package storetest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// ownerAnimals have an index that disagrees with the records, or a DeleteOwned that
// leaves some.
var ownerAnimals = []animal{
	{"the index keeps the first owner", alter(func(s *altered) {
		s.owned = func(ctx context.Context, owner string) walkSeq {
			return filtered(s.client.Owned(ctx, owner), func(e store.Entry) bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.past[e.Key].Owner == owner
			})
		}
	}), []string{"owned-in-step", "ttl-owner-changed", "save-equal"}},
	{"Owned yields what was the owner's", alter(func(s *altered) {
		var mu sync.Mutex
		once := make(map[store.Key]map[string]bool)
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			mu.Lock()
			defer mu.Unlock()
			v, err := s.client.Save(ctx, k, r)
			if err == nil {
				if once[k] == nil {
					once[k] = make(map[string]bool)
				}
				once[k][r.Owner] = true
			}
			return v, err
		}
		s.owned = func(ctx context.Context, owner string) walkSeq {
			return filtered(s.client.All(ctx), func(e store.Entry) bool {
				mu.Lock()
				defer mu.Unlock()
				return owner != "" && once[e.Key][owner]
			})
		}
	}), []string{"owned-in-step", "save", "owned-race"}},
	{"the index forgets on touch", timedIndex(false), []string{"owned-touched", "ttl-owned"}},
	{"the index lives as long as its last", timedIndex(true), []string{"ttl-owned"}},
	{"no owner is an owner", alter(func(s *altered) {
		s.owned = func(ctx context.Context, owner string) walkSeq {
			return filtered(s.client.All(ctx), func(e store.Entry) bool { return e.Owner == owner })
		}
	}), []string{"owned-ownerless"}},
	{"Owned is short of the last", alter(func(s *altered) {
		s.owned = func(ctx context.Context, owner string) walkSeq {
			return func(yield func(store.Entry, error) bool) {
				n := 0
				for e, err := range s.client.Owned(ctx, owner) {
					if n++; n > 20 || !yield(e, err) {
						return
					}
				}
			}
		}
	}), []string{"owned", "owned-race"}},
	{"a conflict changes the index", alter(func(s *altered) {
		var mu sync.Mutex
		index := make(map[store.Key]string)
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			mu.Lock()
			defer mu.Unlock()
			index[k] = r.Owner
			return s.client.Save(ctx, k, r)
		}
		s.owned = func(ctx context.Context, owner string) walkSeq {
			return filtered(s.client.Owned(ctx, owner), func(e store.Entry) bool {
				mu.Lock()
				defer mu.Unlock()
				return index[e.Key] == owner
			})
		}
	}), []string{"save-stale", "create-existing", "owner-too-long"}},
	{"DeleteOwned tells too much", alter(func(s *altered) {
		s.deleteOwned = func(ctx context.Context, owner string, keep ...store.Key) (int, error) {
			all := 0
			for range s.client.Owned(ctx, owner) {
				all++
			}
			_, err := s.client.DeleteOwned(ctx, owner, keep...)
			return all, err
		}
	}), []string{"delete-owned-keep", "delete-owned-keep-many"}},
	{"DeleteOwned subtracts the keys to keep", alter(func(s *altered) {
		s.deleteOwned = func(ctx context.Context, owner string, keep ...store.Key) (int, error) {
			all := 0
			for range s.client.Owned(ctx, owner) {
				all++
			}
			_, err := s.client.DeleteOwned(ctx, owner, keep...)
			return all - len(keep), err
		}
	}), []string{"delete-owned-keep-many"}},
	{"DeleteOwned overlooks what to keep", alter(func(s *altered) {
		s.deleteOwned = func(ctx context.Context, owner string, _ ...store.Key) (int, error) {
			return s.client.DeleteOwned(ctx, owner)
		}
	}), []string{"delete-owned-keep", "delete-owned-many"}},
	{"DeleteOwned leaves what has expired", alter(func(s *altered) {
		s.deleteOwned = func(ctx context.Context, owner string, keep ...store.Key) (int, error) {
			for _, e := range s.snapshot() {
				if e.Owner == owner && !e.Expires.After(time.Now()) {
					keep = append(keep, e.Key)
				}
			}
			return s.client.DeleteOwned(ctx, owner, keep...)
		}
	}), []string{"delete-owned-expired", "all-expired", "owned-expired"}},
	{"DeleteOwned deletes what has changed hands", alter(func(s *altered) {
		s.deleteOwned = func(ctx context.Context, owner string, keep ...store.Key) (int, error) {
			n := 0
			for e, err := range s.client.Owned(ctx, owner) {
				if err != nil {
					return n, err
				}
				if !slices.Contains(keep, e.Key) {
					pause()
					s.client.Delete(ctx, e.Key)
					n++
				}
			}
			return n, ctx.Err()
		}
	}), []string{"delete-owned-race-others", "delete-owned-expired"}},
	{"DeleteOwned deletes what it has seen", alter(func(s *altered) {
		s.deleteOwned = func(ctx context.Context, owner string, keep ...store.Key) (int, error) {
			n := 0
			for e, err := range s.client.Owned(ctx, owner) {
				if err != nil {
					return n, err
				}
				if slices.Contains(keep, e.Key) {
					continue
				}
				pause()
				s.mu.Lock()
				if s.records[e.Key].Version == e.Version {
					s.remove(e.Key)
					n++
				}
				s.mu.Unlock()
			}
			return n, ctx.Err()
		}
	}), []string{"delete-owned-race-save"}},
	{"a cache overlooks DeleteOwned", alter(func(s *altered) {
		var mu sync.Mutex
		cache := make(map[store.Key]store.Record)
		forget := func(k store.Key) {
			mu.Lock()
			defer mu.Unlock()
			delete(cache, k)
		}
		s.load = func(ctx context.Context, k store.Key) (store.Record, error) {
			mu.Lock()
			defer mu.Unlock()
			if r, ok := cache[k]; ok && r.Expires.After(time.Now()) && ctx.Err() == nil {
				return r, nil
			}
			r, err := s.client.Load(ctx, k)
			if err == nil {
				cache[k] = r
			}
			return r, err
		}
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			defer forget(k)
			return s.client.Save(ctx, k, r)
		}
		s.touch = func(ctx context.Context, k store.Key, t time.Time) error {
			defer forget(k)
			return s.client.Touch(ctx, k, t)
		}
		s.delete = func(ctx context.Context, k store.Key) error {
			defer forget(k)
			return s.client.Delete(ctx, k)
		}
	}), []string{"delete-owned"}},
}

// sweepAnimals remove too much or too little.
var sweepAnimals = []animal{
	{"sweeps what it saw", alter(func(s *altered) {
		var mu sync.Mutex
		expires := make(map[store.Key]time.Time)
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			v, err := s.client.Save(ctx, k, r)
			if err == nil && r.Version == 0 {
				mu.Lock()
				defer mu.Unlock()
				if _, ok := expires[k]; !ok {
					expires[k] = r.Expires
				}
			}
			return v, err
		}
		s.sweep = func(ctx context.Context, limit int) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			n := 0
			for k, e := range expires {
				if n < limit && time.Until(e) < 0 {
					s.client.Delete(ctx, k)
					delete(expires, k)
					n++
				}
			}
			return n, ctx.Err()
		}
	}), []string{"sweep-extended", "sweep-race", "sweep-again"}},
	{"sweeps nothing", alter(func(s *altered) {
		s.sweep = func(ctx context.Context, limit int) (int, error) { return 0, ctx.Err() }
	}), []string{"sweep"}},
	{"sweeps without limit", alter(func(s *altered) {
		s.sweep = func(ctx context.Context, limit int) (int, error) { return s.client.Sweep(ctx, 1_000_000) }
	}), []string{"sweep"}},
	{"sweeps one more", alter(func(s *altered) {
		s.sweep = func(ctx context.Context, limit int) (int, error) {
			n, err := s.client.Sweep(ctx, limit)
			return n + 1, err
		}
	}), []string{"sweep", "sweep-empty"}},
	{"sweeps what ends within a second", alter(sweepsEarly(time.Second, func(store.Record) bool { return true })), []string{"sweep-early"}},
	{"sweeps what ends within 150 ms", alter(sweepsEarly(150*time.Millisecond, func(store.Record) bool { return true })), []string{"sweep-early"}},
	{"sweeps what ends within 10 ms", alter(sweepsEarly(10*time.Millisecond, func(store.Record) bool { return true })), []string{"sweep-early"}},
	{"sweeps what was touched early", alter(func(s *altered) {
		var touched sync.Map
		s.touch = func(ctx context.Context, k store.Key, expires time.Time) error {
			touched.Store(k, true)
			return s.client.Touch(ctx, k, expires)
		}
		s.sweep = func(ctx context.Context, limit int) (int, error) {
			for _, e := range s.snapshot() {
				if _, ok := touched.Load(e.Key); ok && limit > 0 && time.Until(e.Expires) < 100*time.Millisecond {
					s.client.Delete(ctx, e.Key)
					return 1, nil
				}
			}
			return s.client.Sweep(ctx, limit)
		}
	}), []string{"sweep-early"}},
	{"sweeps what has no owner early", alter(sweepsEarly(5*time.Second, func(r store.Record) bool { return r.Owner == "" })), []string{"sweep-early"}},
	{"sweeps what has no data early", alter(sweepsEarly(time.Second, func(r store.Record) bool { return len(r.Data) == 0 })), []string{"sweep-early"}},
	{"sweeps what has no data at all early", alter(sweepsEarly(time.Second, func(r store.Record) bool { return r.Data == nil && r.Owner == "" })), []string{"sweep-early"}},
	{"sweeps an hour late without telling", alter(func(s *altered) { s.grace = time.Hour }), []string{"sweep", "sweep-again"}},
}

// sweepsEarly removes some records before their expiry.
func sweepsEarly(by time.Duration, some func(store.Record) bool) func(s *altered) {
	return func(s *altered) {
		s.sweep = func(ctx context.Context, limit int) (int, error) {
			for _, e := range s.snapshot() {
				if some(e.Record) && limit > 0 && time.Until(e.Expires) < by {
					s.client.Delete(ctx, e.Key)
					return 1, nil
				}
			}
			return s.client.Sweep(ctx, limit)
		}
	}
}

// countAnimals keep a separate count, and miss some changes.
var countAnimals = []animal{
	{"counts saves and deletions", alter(func(s *altered) {
		var n atomic.Int64
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			v, err := s.client.Save(ctx, k, r)
			if err == nil && r.Version == 0 {
				n.Add(1)
			}
			return v, err
		}
		s.delete = func(ctx context.Context, k store.Key) error {
			if _, err := s.client.Load(ctx, k); err == nil {
				n.Add(-1)
			}
			return s.client.Delete(ctx, k)
		}
		s.count = func(ctx context.Context) (int, error) { return int(n.Load()), ctx.Err() }
	}), []string{"count", "count-expired", "count-race"}},
	{"counts deletions of what is gone", alter(func(s *altered) {
		var gone atomic.Int64
		s.delete = func(ctx context.Context, k store.Key) error {
			if _, err := s.client.Load(ctx, k); err != nil {
				gone.Add(1)
			}
			return s.client.Delete(ctx, k)
		}
		s.count = func(ctx context.Context) (int, error) {
			n, err := s.client.Count(ctx)
			return n - int(gone.Load()), err
		}
	}), []string{"count"}},
}

// watchAnimals do not report every record.
var watchAnimals = []animal{
	{"tells no deletions", silent(func(method string) bool { return method == "delete" }), []string{"watch", "watch-begins", "watch-many", "watch-done"}},
	{"tells nothing of DeleteOwned", silent(func(method string) bool { return method == "deleteOwned" }), []string{"watch", "watch-many"}},
	{"tells no renewals", silent(func(method string) bool { return method == "save" }), []string{"watch", "watch-begins"}},
	{"tells each key once", alter(func(s *altered) {
		s.watch = func(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
			var told sync.Map
			return s.client.Watch(ctx, func(k store.Key) {
				if _, again := told.LoadOrStore(k, true); !again {
					ended(k)
				}
			})
		}
	}), []string{"watch"}},
	{"watches a moment later", alter(func(s *altered) {
		s.watch = func(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
			done := make(chan struct{})
			time.AfterFunc(5*time.Millisecond, func() {
				inner, err := s.client.Watch(ctx, ended)
				if err == nil {
					<-inner
				}
				close(done)
			})
			return done, ctx.Err()
		}
	}), []string{"watch-begins"}},
	{"watching never ends", alter(func(s *altered) {
		s.watch = func(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
			_, err := s.client.Watch(ctx, ended)
			return make(chan struct{}), err
		}
	}), []string{"watch-done"}},
	{"one watches at a time", alter(func(s *altered) {
		s.watch = func(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
			s.mu.Lock()
			for _, w := range s.watches {
				close(w.done)
			}
			s.watches = nil
			s.mu.Unlock()
			return s.client.Watch(ctx, ended)
		}
	}), []string{"watch-done", "watch-many"}},
	{"drops what comes too fast", queued(16), []string{"watch-many"}},
	{"drops what comes much too fast", queued(1024), []string{"watch-many"}},
}

// queued returns a maker of stores that report through a queue, which may be full.
func queued(size int) func() store.Store {
	return alter(func(s *altered) {
		s.watch = func(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
			queue := make(chan store.Key, size)
			go func() {
				for k := range queue {
					pause()
					ended(k)
				}
			}()
			return s.client.Watch(ctx, func(k store.Key) {
				select {
				case queue <- k:
				default:
				}
			})
		}
	})
}

// silent returns a maker of stores that do not report what some method does.
func silent(method func(string) bool) func() store.Store {
	return alter(func(s *altered) {
		mute := func(name string, f func()) {
			if !method(name) {
				f()
				return
			}
			s.mu.Lock()
			watches := s.watches
			s.watches = nil
			s.mu.Unlock()
			f()
			s.mu.Lock()
			s.watches = append(s.watches, watches...)
			s.mu.Unlock()
		}
		s.delete = func(ctx context.Context, k store.Key) (err error) {
			mute("delete", func() { err = s.client.Delete(ctx, k) })
			return err
		}
		s.deleteOwned = func(ctx context.Context, owner string, keep ...store.Key) (n int, err error) {
			mute("deleteOwned", func() { n, err = s.client.DeleteOwned(ctx, owner, keep...) })
			return n, err
		}
		s.save = func(ctx context.Context, k store.Key, r store.Record) (v uint64, err error) {
			mute("save", func() { v, err = s.client.Save(ctx, k, r) })
			return v, err
		}
	})
}
