package storetest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
)

// overwrite saves r without comparing versions.
func (c *client) overwrite(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	for {
		old, _ := c.Load(ctx, k)
		r.Version = old.Version
		if v, err := c.Save(ctx, k, r); err != store.ErrConflict {
			return v, err
		}
	}
}

// saveAnimals get Load, Save, Touch or Delete wrong for one caller.
var saveAnimals = []animal{
	{"finds what is not there", alter(func(s *altered) {
		s.load = func(ctx context.Context, k store.Key) (store.Record, error) {
			r, err := s.client.Load(ctx, k)
			if errors.Is(err, store.ErrNotFound) {
				err = nil
			}
			return r, err
		}
	}), []string{"load-missing"}},
	{"tells another version", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			v, err := s.client.Save(ctx, k, r)
			return v + 1000, err
		}
	}), []string{"create", "save"}},
	{"upsert", alter(func(s *altered) { s.save = s.overwrite }),
		[]string{"create-existing", "save-stale", "save-wrong-version", "save-missing", "save-deleted"}},
	{"create overwrites", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if r.Version == 0 {
				return s.overwrite(ctx, k, r)
			}
			return s.client.Save(ctx, k, r)
		}
	}), []string{"create-existing", "race-create"}},
	{"a conflict sets the expiry", refused(func(c *client, k store.Key, r store.Record) {
		if old := c.live(k); old.Version != 0 {
			old.Expires = r.Expires
			c.put(k, old)
		}
	}), []string{"create-existing", "save-stale"}},
	{"a conflict extends the expiry", refused(func(c *client, k store.Key, r store.Record) {
		if old := c.live(k); old.Version != 0 && r.Expires.After(old.Expires) {
			old.Expires = r.Expires
			c.put(k, old)
		}
	}), []string{"create-existing", "save-stale"}},
	{"a conflict changes the version", refused(func(c *client, k store.Key, r store.Record) {
		if old := c.live(k); old.Version != 0 {
			c.version++
			old.Version = c.version
			c.put(k, old)
		}
	}), []string{"save-stale", "save-stale-equal"}},
	{"a conflict deletes what is equal", refused(func(c *client, k store.Key, r store.Record) {
		if old := c.live(k); bytes.Equal(old.Data, r.Data) {
			delete(c.records, k)
		}
	}), []string{"create-existing", "save-stale-equal"}},
	{"equal is no conflict", equalSucceeds(func(r store.Record) bool { return r.Version != 0 }),
		[]string{"save-stale-equal", "save-stale"}},
	{"equal and new is no conflict", equalSucceeds(func(r store.Record) bool { return r.Version == 0 }),
		[]string{"save-stale-equal", "create-existing"}},
	{"does not write what is equal", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if old, err := s.client.Load(ctx, k); err == nil && old.Version == r.Version && bytes.Equal(old.Data, r.Data) {
				return r.Version, nil
			}
			return s.client.Save(ctx, k, r)
		}
	}), []string{"save-equal", "version-changes"}},
	{"keeps the first owner", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if old, err := s.client.Load(ctx, k); err == nil {
				r.Owner = old.Owner
			}
			return s.client.Save(ctx, k, r)
		}
	}), []string{"save", "save-equal", "owned-in-step"}},
	{"a save does not shorten", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if old, err := s.client.Load(ctx, k); err == nil && old.Expires.After(r.Expires) {
				r.Expires = old.Expires
			}
			return s.client.Save(ctx, k, r)
		}
	}), []string{"save", "expired-saved-sooner", "past-saved"}},
	{"compares 32 bits of versions", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if old, _ := s.client.Load(ctx, k); old.Version != 0 && uint32(old.Version) == uint32(r.Version) {
				r.Version = old.Version
			}
			return s.client.Save(ctx, k, r)
		}
	}), []string{"save-wrong-version"}},
	{"keeps that it was durable", alter(func(s *altered) {
		durable := make(map[store.Key]bool)
		var mu sync.Mutex
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			mu.Lock()
			defer mu.Unlock()
			v, err := s.client.Save(ctx, k, r)
			if err == nil {
				durable[k] = r.Durable
			}
			return v, err
		}
		s.load = func(ctx context.Context, k store.Key) (store.Record, error) {
			mu.Lock()
			defer mu.Unlock()
			r, err := s.client.Load(ctx, k)
			r.Durable = durable[k]
			return r, err
		}
	}), []string{"durable"}},
	{"durable overwrites", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if r.Durable {
				return s.overwrite(ctx, k, r)
			}
			return s.client.Save(ctx, k, r)
		}
	}), []string{"save-stale", "save-stale-equal", "durable-race", "durable-expires"}},
	{"touch does nothing", alter(func(s *altered) {
		s.touch = func(ctx context.Context, k store.Key, expires time.Time) error { return ctx.Err() }
	}), []string{"touch-extends", "touch-lives"}},
	{"touch overlooks what is little", alter(func(s *altered) {
		s.touch = func(ctx context.Context, k store.Key, expires time.Time) error {
			if r, err := s.client.Load(ctx, k); err == nil && expires.Sub(r.Expires) < 100*time.Millisecond {
				return nil
			}
			return s.client.Touch(ctx, k, expires)
		}
	}), []string{"touch-extends"}},
	{"touch creates", alter(func(s *altered) {
		s.touch = func(ctx context.Context, k store.Key, expires time.Time) error {
			if _, err := s.client.Load(ctx, k); err != nil {
				_, err = s.client.Save(ctx, k, store.Record{Expires: expires})
				return err
			}
			return s.client.Touch(ctx, k, expires)
		}
	}), []string{"touch-never-creates", "delete-final", "expired"}},
	{"touch shortens", alter(func(s *altered) {
		s.touch = func(ctx context.Context, k store.Key, expires time.Time) error {
			r, err := s.client.Load(ctx, k)
			if err != nil {
				return nil
			}
			r.Expires = expires
			_, err = s.client.Save(ctx, k, r)
			return err
		}
	}), []string{"touch-never-shortens"}},
	{"touch remembers the longest", alter(func(s *altered) {
		var mu sync.Mutex
		longest := make(map[store.Key]time.Time)
		longer := func(k store.Key, t time.Time) bool {
			mu.Lock()
			defer mu.Unlock()
			if !t.After(longest[k]) {
				return false
			}
			longest[k] = t
			return true
		}
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			longer(k, r.Expires)
			return s.client.Save(ctx, k, r)
		}
		s.touch = func(ctx context.Context, k store.Key, expires time.Time) error {
			if !longer(k, expires) {
				return nil
			}
			return s.client.Touch(ctx, k, expires)
		}
	}), []string{"touch-after-save"}},
	{"touch extends all of the owner's", alter(func(s *altered) {
		s.touch = func(ctx context.Context, k store.Key, expires time.Time) error {
			r, err := s.client.Load(ctx, k)
			if err == nil && r.Owner != "" {
				for e := range s.client.Owned(ctx, r.Owner) {
					s.client.Touch(ctx, e.Key, expires)
				}
			}
			return s.client.Touch(ctx, k, expires)
		}
	}), []string{"touch-others"}},
	{"delete is soft", alter(func(s *altered) {
		var hidden sync.Map
		s.load = func(ctx context.Context, k store.Key) (store.Record, error) {
			if _, ok := hidden.Load(k); ok {
				return store.Record{}, store.ErrNotFound
			}
			return s.client.Load(ctx, k)
		}
		s.delete = func(ctx context.Context, k store.Key) error {
			hidden.Store(k, true)
			return nil
		}
		s.touch = func(ctx context.Context, k store.Key, expires time.Time) error {
			hidden.Delete(k)
			return s.client.Touch(ctx, k, expires)
		}
	}), []string{"delete-final"}},
	{"delete comes later", alter(func(s *altered) {
		s.delete = func(ctx context.Context, k store.Key) error {
			time.AfterFunc(time.Millisecond, func() { s.client.Delete(context.Background(), k) })
			return nil
		}
	}), []string{"delete", "delete-missing", "race-save-delete", "race-touch-delete", "race-create-delete"}},
	{"delete misses a missing record", alter(func(s *altered) {
		s.delete = func(ctx context.Context, k store.Key) error {
			if _, err := s.client.Load(ctx, k); err != nil {
				return err
			}
			return s.client.Delete(ctx, k)
		}
	}), []string{"delete-missing"}},
	{"deletes all that are equal", alter(func(s *altered) {
		s.delete = func(ctx context.Context, k store.Key) error {
			r, err := s.client.Load(ctx, k)
			if err == nil {
				for e := range s.client.All(ctx) {
					if bytes.Equal(e.Data, r.Data) {
						s.client.Delete(ctx, e.Key)
					}
				}
			}
			return s.client.Delete(ctx, k)
		}
	}), []string{"data-alike"}},
}

// refused returns a maker of stores whose Save has an effect in a conflict.
func refused(f func(c *client, k store.Key, r store.Record)) func() store.Store {
	return alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			v, err := s.client.Save(ctx, k, r)
			if err == store.ErrConflict {
				s.mu.Lock()
				defer s.mu.Unlock()
				f(s.client, k, r)
			}
			return v, err
		}
	})
}

// equalSucceeds reports a conflict as success if the data equals the stored data.
func equalSucceeds(if_ func(r store.Record) bool) func() store.Store {
	return alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			v, err := s.client.Save(ctx, k, r)
			if err == store.ErrConflict && if_(r) {
				if old, err := s.client.Load(ctx, k); err == nil && bytes.Equal(old.Data, r.Data) {
					return old.Version, nil
				}
			}
			return v, err
		}
	})
}
