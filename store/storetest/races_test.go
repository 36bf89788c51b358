package storetest

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/sesame-go/sesame/store"
)

// pause lets other goroutines run between two steps that should be one.
func pause() { time.Sleep(50 * time.Microsecond) }

// raceAnimals take several steps for what must be atomic.
var raceAnimals = []animal{
	{"checks and then writes", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if old, _ := s.client.Load(ctx, k); old.Version != r.Version {
				return 0, store.ErrConflict
			}
			pause()
			return s.overwrite(ctx, k, r)
		}
	}), []string{"race-create", "race-save", "race-count", "race-save-delete", "durable-race"}},
	{"touch writes back", alter(func(s *altered) {
		s.touch = func(ctx context.Context, k store.Key, expires time.Time) error {
			r, err := s.client.Load(ctx, k)
			if err != nil || !expires.After(r.Expires) {
				return nil
			}
			pause()
			r.Expires = expires
			_, err = s.overwrite(ctx, k, r)
			return err
		}
	}), []string{"race-touch-save", "race-touch-delete"}},
	{"touch compares and then writes", alter(func(s *altered) {
		s.touch = func(ctx context.Context, k store.Key, expires time.Time) error {
			r, err := s.client.Load(ctx, k)
			if err != nil || !expires.After(r.Expires) {
				return nil
			}
			pause()
			s.mu.Lock()
			defer s.mu.Unlock()
			if r := s.live(k); r.Version != 0 {
				r.Expires = expires
				s.put(k, r)
			}
			return nil
		}
	}), []string{"race-touch-touch"}},
	{"removes what it has found expired", alter(func(s *altered) {
		s.load = func(ctx context.Context, k store.Key) (store.Record, error) {
			r, err := s.client.Load(ctx, k)
			if err == store.ErrNotFound {
				s.mu.Lock()
				_, there := s.records[k]
				s.mu.Unlock()
				if there {
					pause()
					s.client.Delete(ctx, k)
				}
			}
			return r, err
		}
	}), []string{"ttl-race-remove"}},
	{"sweeps by a list", alter(func(s *altered) {
		s.sweep = func(ctx context.Context, limit int) (int, error) {
			n := 0
			for _, e := range s.snapshot() {
				if n < limit && !e.Expires.After(time.Now()) {
					pause()
					s.client.Delete(ctx, e.Key)
					n++
				}
			}
			return n, ctx.Err()
		}
	}), []string{"ttl-race-remove"}},
	{"removes the expired and then creates", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if r.Version == 0 {
				s.mu.Lock()
				_, there := s.records[k]
				there = there && s.live(k).Version == 0
				s.mu.Unlock()
				if there {
					pause()
					s.client.Delete(ctx, k)
				}
			}
			return s.client.Save(ctx, k, r)
		}
	}), []string{"ttl-race-create"}},
	{"indexes after it has written", halves(func(s *altered, index map[store.Key]string) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			v, err := s.client.Save(ctx, k, r)
			if err == nil {
				time.Sleep(rand.N(200 * time.Microsecond))
				s.mu.Lock()
				defer s.mu.Unlock()
				index[k] = r.Owner
			}
			return v, err
		}
	}), []string{"owned-race-index"}},
	{"writes in two steps", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			v, err := s.client.Save(ctx, k, r)
			if err == nil && r.Version != 0 {
				s.mu.Lock()
				now := s.records[k]
				old := now
				old.Owner = strings.Repeat("o", len(old.Owner))
				s.records[k] = old
				s.mu.Unlock()
				pause()
				s.mu.Lock()
				if s.records[k].Version == v {
					s.records[k] = now
				}
				s.mu.Unlock()
			}
			return v, err
		}
	}), []string{"race-torn"}},
}

// contextAnimals ignore contexts, or check them halfway.
var contextAnimals = []animal{
	{"ignores contexts", alter(func(s *altered) {
		c, none := s.client, context.Background()
		s.load = func(_ context.Context, k store.Key) (store.Record, error) { return c.Load(none, k) }
		s.save = func(_ context.Context, k store.Key, r store.Record) (uint64, error) { return c.Save(none, k, r) }
		s.all = func(context.Context) walkSeq { return c.All(none) }
		s.owned = func(_ context.Context, owner string) walkSeq { return c.Owned(none, owner) }
		s.deleteOwned = func(_ context.Context, owner string, keep ...store.Key) (int, error) {
			return c.DeleteOwned(none, owner, keep...)
		}
		s.sweep = func(_ context.Context, limit int) (int, error) { return c.Sweep(none, limit) }
		s.count = func(context.Context) (int, error) { return c.Count(none) }
	}), []string{"context", "all-context", "owned-context", "context-delete-owned", "context-sweep", "context-count"}},
	{"does and then looks", alter(func(s *altered) {
		none := context.Background()
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			v, err := s.client.Save(none, k, r)
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
			return v, err
		}
		s.sweep = func(ctx context.Context, limit int) (int, error) {
			n, err := s.client.Sweep(none, limit)
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
			return n, err
		}
	}), []string{"context", "context-sweep"}},
	{"indexes and then looks", halves(func(s *altered, index map[store.Key]string) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (v uint64, err error) {
			err = s.call(ctx, func() error {
				if s.live(k).Version != r.Version {
					return store.ErrConflict
				}
				index[k] = r.Owner
				if err := ctx.Err(); err != nil {
					return err
				}
				s.version++
				r.Version, v = s.version, s.version
				s.put(k, r)
				return nil
			})
			return v, err
		}
	}), []string{"cancel-save", "cancel-save-ownerless"}},
	{"writes, looks and then indexes", halves(func(s *altered, index map[store.Key]string) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			v, err := s.client.Save(ctx, k, r)
			if err == nil {
				if err := ctx.Err(); err != nil {
					return 0, err
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				index[k] = r.Owner
			}
			return v, err
		}
	}), []string{"cancel-create", "cancel-save"}},
	{"unlinks, looks and then deletes", halves(func(s *altered, index map[store.Key]string) {
		unlink := func(f func(k store.Key, owner string) bool) {
			s.mu.Lock()
			defer s.mu.Unlock()
			for k, owner := range index {
				if f(k, owner) {
					delete(index, k)
				}
			}
		}
		s.delete = func(ctx context.Context, k store.Key) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			unlink(func(other store.Key, _ string) bool { return other == k })
			return s.client.Delete(ctx, k)
		}
		s.deleteOwned = func(ctx context.Context, owner string, keep ...store.Key) (int, error) {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			if len(keep) == 0 {
				unlink(func(_ store.Key, other string) bool { return other == owner })
			}
			return s.client.DeleteOwned(ctx, owner, keep...)
		}
	}), []string{"cancel-delete", "cancel-delete-owned"}},
	{"touch takes out, looks and puts back", alter(func(s *altered) {
		s.touch = func(ctx context.Context, k store.Key, expires time.Time) error {
			return s.call(ctx, func() error {
				if r := s.live(k); r.Version != 0 && expires.After(r.Expires) {
					delete(s.records, k)
					if err := ctx.Err(); err != nil {
						return err
					}
					r.Expires = expires
					s.put(k, r)
				}
				return nil
			})
		}
	}), []string{"cancel-touch"}},
}

// halves returns a maker of stores whose index is separate from the records. All is
// correct except what f replaces.
func halves(f func(s *altered, index map[store.Key]string)) func() store.Store {
	return alter(func(s *altered) {
		index := make(map[store.Key]string)
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			v, err := s.client.Save(ctx, k, r)
			if err == nil {
				s.mu.Lock()
				defer s.mu.Unlock()
				index[k] = r.Owner
			}
			return v, err
		}
		s.owned = func(ctx context.Context, owner string) walkSeq {
			return filtered(s.client.Owned(ctx, owner), func(e store.Entry) bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return index[e.Key] == owner
			})
		}
		f(s, index)
	})
}
