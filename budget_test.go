package sesame_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// slow is a store of four methods, and a list, each of whose calls takes some
// time, or until its context ends.
type slow struct {
	*memstore.Store
	takes func(op string) time.Duration
}

func (s *slow) wait(ctx context.Context, op string) error {
	select {
	case <-time.After(s.takes(op)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slow) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if err := s.wait(ctx, "load"); err != nil {
		return store.Record{}, err
	}
	return s.Store.Load(ctx, k)
}

func (s *slow) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if err := s.wait(ctx, "save"); err != nil {
		return 0, err
	}
	return s.Store.Save(ctx, k, r)
}

func (s *slow) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	if err := s.wait(ctx, "touch"); err != nil {
		return err
	}
	return s.Store.Touch(ctx, k, expires)
}

func (s *slow) Delete(ctx context.Context, k store.Key) error {
	if err := s.wait(ctx, "delete"); err != nil {
		return err
	}
	return s.Store.Delete(ctx, k)
}

func (s *slow) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		if err := s.wait(ctx, "list"); err != nil {
			yield(store.Entry{}, err)
			return
		}
		s.Store.All(ctx)(yield)
	}
}

func (s *slow) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	if err := s.wait(ctx, "delete"); err != nil {
		return 0, err
	}
	return s.Store.DeleteOwned(ctx, owner, keep...)
}

func (s *slow) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		if err := s.wait(ctx, "list"); err != nil {
			yield(store.Entry{}, err)
			return
		}
		s.Store.Owned(ctx, owner)(yield)
	}
}

const storeTimeout, ownTimeout = 200 * time.Millisecond, 50 * time.Millisecond

// TestStoreThatHangs: every method that asks the store ends within
// WithStoreTimeout, or with its caller's context if that is sooner.
func TestStoreThatHangs(t *testing.T) {
	type M = *sesame.Manager[owned]
	update := func(s *owned) error { s.N++; return nil }
	for name, call := range map[string]func(m M, ctx context.Context, id string) error{
		"Find":       func(m M, ctx context.Context, id string) error { _, err := m.Find(ctx, id); return err },
		"UpdateByID": func(m M, ctx context.Context, id string) error { return m.UpdateByID(ctx, id, update) },
		"Revoke":     func(m M, ctx context.Context, id string) error { return m.Revoke(ctx, id, id, id) },
		"RevokeOwner": func(m M, ctx context.Context, _ string) error {
			_, err := m.RevokeOwner(ctx, "ann")
			return err
		},
		"All": func(m M, ctx context.Context, _ string) (err error) {
			for _, err = range m.All(ctx) {
			}
			return err
		},
		"OwnedBy": func(m M, ctx context.Context, _ string) (err error) {
			for _, err = range m.OwnedBy(ctx, "ann") {
			}
			return err
		},
		"Load": nil, "Save": nil, "Update": nil, "Save after Destroy": nil, "Update after Destroy": nil, "Save after Renew": nil,
	} {
		for _, own := range []bool{false, true} {
			t.Run(fmt.Sprint(name, "/own context=", own), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					hangs := false
					st := &slow{memstore.New(), func(string) time.Duration {
						if hangs {
							return time.Hour
						}
						return 0
					}}
					m := sesame.New[owned](sesame.WithStore(st), sesame.WithStoreTimeout(storeTimeout), newWitness().logger())
					token := issue(t, m, func(s *owned) { s.User = "ann" })
					limit, cancel := context.Background(), context.CancelFunc(func() {})
					want := storeTimeout
					var err error
					var took time.Duration
					measure := func(f func() error) {
						began := time.Now()
						err = f()
						took = time.Since(began)
					}
					with := func(ctx context.Context) context.Context {
						if own {
							ctx, cancel = context.WithTimeout(ctx, ownTimeout)
							want = ownTimeout
						}
						return ctx
					}
					if call != nil {
						hangs = true
						ctx := with(limit)
						measure(func() error { return call(m, ctx, keyOf(token).String()) })
					} else {
						within := func(ctx context.Context) {
							if name != "Load" {
								m.Get(ctx)
							}
							hangs = true
							switch name {
							case "Load":
								ctx = with(ctx)
								measure(func() error { _, err := m.Load(ctx); return err })
							case "Save":
								m.Get(ctx).N++
								ctx = with(ctx)
								measure(func() error { return m.Save(ctx) })
							case "Update":
								ctx = with(ctx)
								measure(func() error { return m.Update(ctx, update) })
							case "Save after Destroy":
								m.Destroy(ctx)
								m.Get(ctx).N++
								ctx = with(ctx)
								measure(func() error { return m.Save(ctx) })
							case "Update after Destroy":
								m.Destroy(ctx)
								ctx = with(ctx)
								measure(func() error { return m.Update(ctx, update) })
							case "Save after Renew":
								m.Renew(ctx)
								ctx = with(ctx)
								measure(func() error { return m.Save(ctx) })
								want += storeTimeout // to look whether it was stored
							}
							hangs = false
						}
						visitCtx(m, token, within)
					}
					defer cancel()
					require.ErrorIs(t, err, sesame.ErrStore)
					require.LessOrEqual(t, took, want)
				})
			})
		}
	}
}

// TestSlowLogOut: deleting the session of before and creating the next one share
// the time that a commit has.
func TestSlowLogOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &slow{memstore.New(), func(string) time.Duration { return 0 }}
		m := sesame.New[owned](sesame.WithStore(st), sesame.WithStoreTimeout(storeTimeout), newWitness().logger())
		token := issue(t, m, func(s *owned) { s.User = "ann" })
		var began time.Time
		res := within(m, token, func(ctx context.Context, s *owned) {
			m.Destroy(ctx)
			s.N = 1
			st.takes = func(string) time.Duration { return storeTimeout * 3 / 4 }
			began = time.Now()
		})
		require.Equal(t, 503, res.StatusCode)
		require.LessOrEqual(t, time.Since(began), storeTimeout)
	})
}

// TestChangesThatAlwaysLose: an Update, or a request, that others always overtake
// ends in time (the store takes a quarter of that for a call).
func TestChangesThatAlwaysLose(t *testing.T) {
	type M = *sesame.Manager[owned]
	for name, call := range map[string]func(m M, ctx context.Context) error{
		"Update": func(m M, ctx context.Context) error { return m.Update(ctx, func(s *owned) error { s.N++; return nil }) },
		"Save":   func(m M, ctx context.Context) error { m.Get(ctx).N++; return m.Save(ctx) },
		"UpdateByID": func(m M, ctx context.Context) error {
			return m.UpdateByID(ctx, m.Info(ctx).ID, func(s *owned) error { s.N++; return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner := memstore.New()
				busy := false
				st := &slow{inner, func(op string) time.Duration {
					if !busy {
						return 0
					}
					if op == "save" {
						for e, err := range inner.All(context.Background()) {
							must(err)
							_, err = inner.Save(context.Background(), e.Key, e.Record)
							must(err)
						}
					}
					return storeTimeout / 4
				}}
				m := sesame.New[owned](sesame.WithStore(st), sesame.WithStoreTimeout(storeTimeout), newWitness().logger())
				token := issue(t, m, func(s *owned) { s.User = "ann" })
				within(m, token, func(ctx context.Context, _ *owned) {
					busy = true
					began := time.Now()
					err := call(m, ctx)
					busy = false
					require.True(t, errors.Is(err, sesame.ErrConflict) || errors.Is(err, sesame.ErrStore), "%v", err)
					require.LessOrEqual(t, time.Since(began), storeTimeout)
				})
			})
		})
	}
}

// visitCtx sends a request whose handler gets the context only.
func visitCtx[T any](m *sesame.Manager[T], token string, f func(ctx context.Context)) {
	visit(m, token, func(_ http.ResponseWriter, r *http.Request) { f(r.Context()) })
}
