package sesameotel_test

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	sesameotel "github.com/sesame-go/sesame/adapters/otel"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/storetest"
)

// TestStore: a wrapped store is as good as the one inside.
func TestStore(t *testing.T) {
	tel := newTelemetry(t)
	storetest.Run(t, func(*testing.T) store.Store { return sesameotel.Store(memstore.New(), tel.options()...) })
}

type everything interface {
	store.Store
	store.Lister
	store.OwnerIndex
	store.Sweeper
	store.Counter
	store.Watcher
	store.Pinger
	io.Closer
	Unwrap() store.Store
}

func wrapped(t *testing.T, tel *telemetry, inner store.Store, options ...sesameotel.Option) everything {
	s, ok := sesameotel.Store(inner, tel.options(options...)...).(everything)
	require.True(t, ok)
	return s
}

func capabilities(s store.Store) map[string]bool {
	has := make(map[string]bool)
	_, has["Lister"] = store.Capability[store.Lister](s)
	_, has["OwnerIndex"] = store.Capability[store.OwnerIndex](s)
	_, has["Sweeper"] = store.Capability[store.Sweeper](s)
	_, has["Counter"] = store.Capability[store.Counter](s)
	_, has["Watcher"] = store.Capability[store.Watcher](s)
	return has
}

// TestForwards sees that every method reaches the one inside, with its arguments
// and its answer.
func TestForwards(t *testing.T) {
	inner := newEngine()
	s := wrapped(t, newTelemetry(t), inner)
	ctx := t.Context()
	require.Same(t, inner, s.Unwrap())
	for name, has := range capabilities(s) {
		require.True(t, has, name)
	}

	for i := range 3 {
		_, err := s.Save(ctx, store.Key{byte(i)}, record("data", "ann"))
		require.NoError(t, err)
	}
	r, err := s.Load(ctx, store.Key{1})
	require.NoError(t, err)
	require.Equal(t, "data", string(r.Data))
	require.NoError(t, s.Touch(ctx, store.Key{1}, r.Expires.Add(1e9)))
	touched, err := inner.Store.Load(ctx, store.Key{1})
	require.NoError(t, err)
	require.Equal(t, r.Expires.Add(1e9), touched.Expires)

	n, err := s.Count(ctx)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	listed := 0
	for _, err := range s.All(ctx) {
		require.NoError(t, err)
		listed++
	}
	require.Equal(t, 3, listed)
	n, err = s.DeleteOwned(ctx, "ann", store.Key{1})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	for e, err := range s.Owned(ctx, "ann") {
		require.NoError(t, err)
		require.Equal(t, store.Key{1}, e.Key)
	}
	require.NoError(t, s.Delete(ctx, store.Key{1}))
	require.Zero(t, inner.Len())

	n, err = s.Sweep(ctx, 10)
	require.NoError(t, err)
	require.Equal(t, 10, n)

	var ended []store.Key
	done, err := s.Watch(ctx, func(k store.Key) { ended = append(ended, k) })
	require.NoError(t, err)
	require.NotNil(t, done)
	inner.watching(store.Key{5})
	require.Equal(t, []store.Key{{5}}, ended)

	inner.fail = errDown
	require.ErrorIs(t, s.Ping(ctx), errDown)
	require.ErrorIs(t, s.Close(), errDown)
	require.True(t, inner.closed)
}

// TestUnsupported wraps a store with the four methods alone.
func TestUnsupported(t *testing.T) {
	tel := newTelemetry(t)
	s := wrapped(t, tel, struct{ store.Store }{memstore.New()})
	for name, has := range capabilities(s) {
		require.False(t, has, name)
	}
	ctx := t.Context()
	walk := func(entries func(func(store.Entry, error) bool)) (failure error) {
		n := 0
		for _, err := range entries {
			failure = err
			n++
		}
		require.Equal(t, 1, n)
		return failure
	}
	for _, test := range []struct {
		what string
		err  error
	}{
		{"Lister", walk(s.All(ctx))},
		{"OwnerIndex", walk(s.Owned(ctx, "ann"))},
		{"OwnerIndex", last(s.DeleteOwned(ctx, "ann"))},
		{"Sweeper", last(s.Sweep(ctx, 1))},
		{"Counter", last(s.Count(ctx))},
		{"Watcher", last(s.Watch(ctx, func(store.Key) {}))},
		{"Pinger", s.Ping(ctx)},
	} {
		require.ErrorIs(t, test.err, errors.ErrUnsupported, test.what)
		require.ErrorContains(t, test.err, "sesameotel: the inner store, struct { store.Store }, is no store."+test.what)
	}
	require.NoError(t, s.Close(), "there is nothing to close")
	require.Empty(t, tel.collected(), "nothing was asked of the store")
}

func last[T any](_ T, err error) error { return err }

// TestThroughAnotherWrapper: Ping and Close of the engine are reached through a
// wrapper that has none of its own, and its name is found.
func TestThroughAnotherWrapper(t *testing.T) {
	inner := newEngine()
	tel := newTelemetry(t)
	s := wrapped(t, tel, between{struct{ store.Store }{inner}, inner})
	inner.fail = errDown
	require.ErrorIs(t, s.Ping(t.Context()), errDown)
	require.ErrorIs(t, s.Close(), errDown)
	_, err := s.Count(t.Context())
	require.ErrorIs(t, err, errors.ErrUnsupported, "what is between may keep its records in another form")
}

type between struct {
	store.Store // the four methods
	inner       store.Store
}

func (b between) Unwrap() store.Store { return b.inner }
