package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
)

// fourMethods hides all but the methods of [store.Store].
type fourMethods struct{ store.Store }

// TestReference checks that a correct store passes, with any optional interfaces.
func TestReference(t *testing.T) {
	t.Run("whole", func(t *testing.T) {
		t.Parallel()
		Run(t, func(*testing.T) store.Store { return newClient() },
			Bounded(func(_ *testing.T, records int) store.Store { return newBounded(records, one) }),
			Bounded(func(_ *testing.T, records int) store.Store { return newBounded(records*boundedBytes, size) }),
		)
	})
	t.Run("four methods", func(t *testing.T) {
		t.Parallel()
		Run(t, func(*testing.T) store.Store { return fourMethods{newClient()} })
	})
	t.Run("free", func(t *testing.T) {
		t.Parallel()
		Run(t, func(*testing.T) store.Store { return newFree() }, SweepGrace(time.Hour))
	})
}

// newFree returns a correct store that uses every liberty of the contract: it copies
// data, chooses random versions and a new one at each Touch, returns ErrExpired, yields
// records twice and in no order, reports every Save to watchers, and sweeps late.
func newFree() store.Store {
	return alter(func(s *altered) {
		s.grace = time.Hour
		renumber := func(k store.Key, r store.Record) uint64 {
			r.Version = rand.Uint64() | 1
			s.put(k, r)
			s.tell(k)
			return r.Version
		}
		copied := func(e store.Entry) store.Entry {
			e.Data = bytes.Clone(e.Data)
			return e
		}
		s.save = func(ctx context.Context, k store.Key, r store.Record) (v uint64, err error) {
			err = s.call(ctx, func() error {
				if len(r.Owner) > store.MaxOwner {
					return errors.New("the owner is too long")
				}
				if s.live(k).Version != r.Version {
					return fmt.Errorf("saving: %w", store.ErrConflict)
				}
				v = renumber(k, copied(store.Entry{Record: r}).Record)
				return nil
			})
			return v, err
		}
		s.touch = func(ctx context.Context, k store.Key, expires time.Time) error {
			return s.call(ctx, func() error {
				if r := s.live(k); r.Version != 0 {
					if expires.After(r.Expires) {
						r.Expires = expires
					}
					renumber(k, r)
				}
				return nil
			})
		}
		s.load = func(ctx context.Context, k store.Key) (store.Record, error) {
			r, err := s.client.Load(ctx, k)
			if err == store.ErrNotFound {
				err = fmt.Errorf("loading: %w", store.ErrExpired)
			}
			return copied(store.Entry{Record: r}).Record, err
		}
		bothWalks(s, func(ctx context.Context) walkSeq {
			return func(yield func(store.Entry, error) bool) {
				for e, err := range s.client.All(ctx) {
					if !yield(copied(e), err) || err == nil && !yield(copied(e), nil) {
						return
					}
				}
			}
		})
	})()
}

// TestReferenceShared checks that a correct store passes with all options.
func TestReferenceShared(t *testing.T) {
	Run(t, func(t *testing.T) store.Store { return newClient() },
		Second(func(t *testing.T, first store.Store) store.Store {
			return &client{engine: first.(*client).engine}
		}),
		Skewed(func(t *testing.T, first store.Store, by time.Duration) store.Store {
			return &client{engine: first.(*client).engine, by: by}
		}),
		Restart(func(t *testing.T, s store.Store) { s.(*client).engine.restart(nil) }),
	)
}

// TestReferenceRelative checks that a correct store also passes if its engine gets times
// to live, which wrong clocks make longer or shorter.
func TestReferenceRelative(t *testing.T) {
	good := &beast{relative: true}
	for name, rejects := range sharedSuite() {
		t.Run(name, func(t *testing.T) {
			if rejects(t, good.rig()) {
				t.Error("the case rejects a store that is right")
			}
		})
	}
}
