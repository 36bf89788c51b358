package storetest

import (
	"context"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
)

// expiryAnimals expire records at the wrong time.
var expiryAnimals = []animal{
	{"serves the expired", alter(func(s *altered) { s.by = -100 * 365 * 24 * time.Hour }),
		[]string{"expired", "expired-unread", "past-created", "past-saved", "expiry-tiny", "ttl-save", "edge-load", "edge-save", "edge-create", "edge-touch", "edge-all", "edge-owned", "edge-delete-owned", "edge-count"}},
	{"past means no expiry", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if time.Until(r.Expires) <= 0 {
				r.Expires = time.Now().AddDate(100, 0, 0)
			}
			return s.client.Save(ctx, k, r)
		}
	}), []string{"past-created", "past-saved", "far-past"}},
	{"less than a millisecond means no expiry", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if ttl := time.Until(r.Expires); ttl > 0 && ttl.Milliseconds() == 0 {
				r.Expires = time.Now().AddDate(100, 0, 0)
			}
			return s.client.Save(ctx, k, r)
		}
	}), []string{"expiry-tiny"}},
	{"seconds only", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			r.Expires = r.Expires.Truncate(time.Second)
			return s.client.Save(ctx, k, r)
		}
	}), []string{"expiry-kept"}},
	{"what has expired keeps its key", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			s.mu.Lock()
			_, there := s.records[k]
			s.mu.Unlock()
			if there && r.Version == 0 {
				return 0, store.ErrConflict
			}
			return s.client.Save(ctx, k, r)
		}
	}), []string{"expired-create", "past-created", "edge-create", "ttl-successor"}},
	{"a timer is never reset", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			v, err := s.client.Save(ctx, k, r)
			if err == nil && r.Version == 0 {
				time.AfterFunc(time.Until(r.Expires), func() { s.client.Delete(context.Background(), k) })
			}
			return v, err
		}
	}), []string{"ttl-save", "ttl-successor", "ttl-all", "touch-lives"}},
	{"lists what has expired", alter(func(s *altered) {
		s.all = raw(s.client)
		s.owned = func(ctx context.Context, owner string) walkSeq {
			return filtered(raw(s.client)(ctx), func(e store.Entry) bool { return e.Owner == owner && owner != "" })
		}
	}), []string{"ttl-all", "ttl-owned", "all-in-step", "owned", "edge-all", "edge-owned", "all-expired", "owned-expired"}},
	{"counts what has expired", alter(func(s *altered) {
		s.count = func(ctx context.Context) (int, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.records), ctx.Err()
		}
		s.deleteOwned = func(ctx context.Context, owner string, keep ...store.Key) (int, error) {
			s.mu.Lock()
			expired := 0
			for k, r := range s.records {
				if r.Owner == owner && s.live(k).Version == 0 && owner != "" {
					expired++
				}
			}
			s.mu.Unlock()
			n, err := s.client.DeleteOwned(ctx, owner, keep...)
			return n + expired, err
		}
	}), []string{"count-expired", "ttl-owned", "delete-owned-expired", "edge-count", "edge-delete-owned"}},
	{"loads for 30 ms too long", off(-30*time.Millisecond, "load"), []string{"edge-load"}},
	{"loads for 10 ms too long", off(-10*time.Millisecond, "load"), []string{"edge-load"}},
	{"loads 3 ms too short", off(3*time.Millisecond, "load"), []string{"edge-load"}},
	{"saves for 30 ms too long", off(-30*time.Millisecond, "save"), []string{"edge-save", "edge-create"}},
	{"touches for 30 ms too long", off(-30*time.Millisecond, "touch"), []string{"edge-touch"}},
	{"lists for 30 ms too long", off(-30*time.Millisecond, "all"), []string{"edge-all", "edge-owned"}},
	{"deletes for 30 ms too long", off(-30*time.Millisecond, "deleteOwned"), []string{"edge-delete-owned"}},
	{"counts for 30 ms too long", off(-30*time.Millisecond, "count"), []string{"edge-count"}},
	{"loads 5 ms too short", off(5*time.Millisecond, "load"), []string{"edge-load"}},
	{"saves 5 ms too short", off(5*time.Millisecond, "save"), []string{"edge-save", "edge-create"}},
	{"touches 5 ms too short", off(5*time.Millisecond, "touch"), []string{"edge-touch"}},
	{"lists 5 ms too short", off(5*time.Millisecond, "all"), []string{"edge-all", "edge-owned"}},
	{"deletes 5 ms too short", off(5*time.Millisecond, "deleteOwned"), []string{"edge-delete-owned"}},
	{"counts 5 ms too short", off(5*time.Millisecond, "count"), []string{"edge-count"}},
	{"lives 5 ms less than it says", alter(func(s *altered) {
		s.relative, s.by = false, 5*time.Millisecond
	}), []string{"edge-load"}},
	{"expires 5 ms sooner than it was to", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			r.Expires = r.Expires.Add(-5 * time.Millisecond)
			return s.client.Save(ctx, k, r)
		}
	}), []string{"expiry-kept", "edge-load"}},
}

// off returns a maker of stores in which one method has a wrong clock.
func off(by time.Duration, method string) func() store.Store {
	return alter(func(s *altered) {
		wrong := &client{engine: s.engine, by: by}
		switch method {
		case "load":
			s.load = wrong.Load
		case "save":
			s.save = wrong.Save
		case "touch":
			s.touch = wrong.Touch
		case "all":
			s.all, s.owned = wrong.All, wrong.Owned
		case "deleteOwned":
			s.deleteOwned = wrong.DeleteOwned
		case "count":
			s.count = wrong.Count
		}
	})
}

// farAnimals keep times in types that overflow.
var farAnimals = []animal{
	{"nanoseconds wrap", kept(func(t time.Time) time.Time { return time.Unix(0, t.UnixNano()) }),
		[]string{"far-kept", "far-touched", "far-beyond", "far-past"}},
	{"microseconds wrap", kept(func(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()) }),
		[]string{"far-beyond", "far-past"}},
	{"seconds have 32 bits", kept(func(t time.Time) time.Time {
		return time.Unix(int64(int32(t.Unix())), int64(t.Nanosecond()))
	}), []string{"far-kept", "far-touched"}},
	{"seconds have 32 bits without a sign", kept(func(t time.Time) time.Time {
		return time.Unix(int64(uint32(t.Unix())), int64(t.Nanosecond()))
	}), []string{"far-kept", "far-past"}},
	{"the year 9999 means no year", kept(func(t time.Time) time.Time {
		if t.UTC().Year() >= 9999 {
			return time.Time{}
		}
		return t
	}), []string{"far-kept", "far-touched"}},
	{"sweeps what is too far", alter(func(s *altered) {
		s.sweep = func(ctx context.Context, limit int) (int, error) {
			for e := range s.client.All(ctx) {
				if e.Expires.Year() > 2300 {
					s.client.Delete(ctx, e.Key)
					return 1, nil
				}
			}
			return s.client.Sweep(ctx, limit)
		}
	}), []string{"far-kept"}},
}

// kept returns a maker of stores that convert times to some form.
func kept(f func(time.Time) time.Time) func() store.Store {
	return alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			r.Expires = f(r.Expires)
			return s.client.Save(ctx, k, r)
		}
		s.touch = func(ctx context.Context, k store.Key, t time.Time) error { return s.client.Touch(ctx, k, f(t)) }
	})
}

// timedIndex gives the entries of its index an expiry.
func timedIndex(perOwner bool) func() store.Store {
	return alter(func(s *altered) {
		var mu sync.Mutex
		entries, owners := make(map[store.Key]time.Time), make(map[string]time.Time)
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			v, err := s.client.Save(ctx, k, r)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				entries[k], owners[r.Owner] = r.Expires, r.Expires
			}
			return v, err
		}
		s.owned = func(ctx context.Context, owner string) walkSeq {
			return filtered(s.client.Owned(ctx, owner), func(e store.Entry) bool {
				mu.Lock()
				defer mu.Unlock()
				if perOwner { // one expiry for all entries, that of the last Save
					return time.Until(owners[owner]) > 0
				}
				return time.Until(entries[e.Key]) > 0
			})
		}
	})
}
