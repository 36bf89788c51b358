package storetest

import (
	"context"
	"hash/maphash"
	"time"

	"github.com/sesame-go/sesame/store"
)

// versionAnimals choose versions badly.
var versionAnimals = []animal{
	{"version is the time", versioned(func(*client, store.Key, store.Record) uint64 {
		return uint64(time.Now().UnixMilli())
	}), []string{"version-changes", "version-many"}},
	{"version is a hash of the data", versioned(func(_ *client, _ store.Key, r store.Record) uint64 {
		return maphash.Bytes(seed, r.Data) | 1
	}), []string{"version-changes", "version-content"}},
	{"version is a hash of the record", versioned(func(c *client, k store.Key, r store.Record) uint64 {
		r.Data = append([]byte(r.Expires.String()+r.Owner), r.Data...)
		return maphash.Bytes(seed, r.Data) | 1
	}), []string{"version-content"}},
	{"version is a byte", versioned(func(c *client, _ store.Key, _ store.Record) uint64 {
		*c.counter++
		return *c.counter%255 + 1
	}), []string{"version-many"}},
	{"version is a byte for each key", versioned(func(c *client, k store.Key, _ store.Record) uint64 {
		return c.records[k].Version%255 + 1
	}), []string{"version-many"}},
	{"version has 16 bits", versioned(func(c *client, _ store.Key, _ store.Record) uint64 {
		*c.counter++
		return *c.counter%65_535 + 1
	}), []string{"version-many"}},
	{"version begins again for each record", versioned(func(c *client, k store.Key, _ store.Record) uint64 {
		return c.live(k).Version + 1
	}), []string{"version-not-reused", "version-not-reused-expired", "version-not-reused-owned", "expired-create", "ttl-successor"}},
	{"version begins again unless deleted", tombstones(1_000_000, time.Hour), []string{"version-not-reused-expired", "version-not-reused-owned"}},
	{"versions of few deleted keys are kept", tombstones(100, time.Hour), []string{"version-not-reused"}},
	{"versions of 10000 deleted keys are kept", tombstones(10_000, time.Hour), []string{"version-not-reused"}},
	{"versions of deleted keys are kept for a second", tombstones(1_000_000, time.Second), []string{"version-not-reused"}},
	{"reads the version when the lock is given up", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if _, err := s.client.Save(ctx, k, r); err != nil {
				return 0, err
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.records[k].Version, nil
		}
	}), []string{"version-own"}},
	{"loads to know the version", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if _, err := s.client.Save(ctx, k, r); err != nil {
				return 0, err
			}
			r, err := s.client.Load(ctx, k)
			return r.Version, err
		}
	}), []string{"version-own", "past-created"}},
}

var seed = maphash.MakeSeed()

// versioned chooses versions by next, atomically with the Save.
func versioned(next func(c *client, k store.Key, r store.Record) uint64) func() store.Store {
	return alter(func(s *altered) {
		s.counter = new(uint64)
		s.save = func(ctx context.Context, k store.Key, r store.Record) (v uint64, err error) {
			err = s.call(ctx, func() error {
				if s.live(k).Version != r.Version {
					return store.ErrConflict
				}
				v = next(s.client, k, r)
				r.Version = v
				s.put(k, r)
				return nil
			})
			return v, err
		}
	})
}

// tombstones counts versions for each key, and remembers those of the last n
// keys that Delete has removed, for some time.
func tombstones(n int, life time.Duration) func() store.Store {
	return func() store.Store {
		last, buried := make(map[store.Key]uint64), make(map[store.Key]time.Time)
		var order []store.Key
		s := versioned(func(c *client, k store.Key, _ store.Record) uint64 {
			if time.Since(buried[k]) > life {
				return c.live(k).Version + 1
			}
			return max(c.live(k).Version, last[k]) + 1
		})().(*altered)
		s.delete = func(ctx context.Context, k store.Key) error {
			return s.call(ctx, func() error {
				if r := s.live(k); r.Version != 0 {
					last[k], buried[k] = r.Version, time.Now()
					order = append(order, k)
					if len(order) > n {
						delete(last, order[0])
						order = order[1:]
					}
				}
				s.remove(k)
				return nil
			})
		}
		return s
	}
}
