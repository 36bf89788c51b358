package sealed_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/records/recordstest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/sealed"
)

var _ recordstest.Store = (*sealed.Store)(nil)

// engine is a store with all that a wrapper forwards.
type engine struct {
	*memstore.Store
	watching chan func(store.Key)
}

func (e engine) Count(context.Context) (int, error) { return 42, nil }

func (e engine) Watch(_ context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	e.watching <- ended
	return make(chan struct{}), nil
}

// TestForwards sees that the inner store's optional methods are reached.
func TestForwards(t *testing.T) {
	inner := engine{memstore.New(), make(chan func(store.Key), 1)}
	s := seal(t, inner, secret(1))
	require.Equal(t, inner, s.Unwrap())
	for _, present := range capabilities(s) {
		assert.True(t, present)
	}

	r := record("data")
	r.Owner = "ann"
	save(t, s, store.Key{1}, r)
	save(t, s, store.Key{2}, r)
	save(t, s, store.Key{3}, store.Record{Expires: time.Now().Add(-time.Hour)})
	n, err := s.DeleteOwned(t.Context(), "ann", store.Key{2})
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	for e, err := range s.Owned(t.Context(), "ann") {
		require.NoError(t, err)
		assert.Equal(t, store.Key{2}, e.Key)
		assert.Equal(t, "data", string(e.Data))
	}
	_, err = s.Sweep(t.Context(), 10)
	require.NoError(t, err)
	n, err = s.Count(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 42, n)

	var ended []store.Key
	done, err := s.Watch(t.Context(), func(k store.Key) { ended = append(ended, k) })
	require.NoError(t, err)
	assert.NotNil(t, done)
	(<-inner.watching)(store.Key{4})
	assert.Equal(t, []store.Key{{4}}, ended)
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

// TestUnsupported wraps a store with the four methods alone.
func TestUnsupported(t *testing.T) {
	s := seal(t, struct{ store.Store }{memstore.New()}, secret(1))
	for name, present := range capabilities(s) {
		assert.False(t, present, name)
	}
	unsupported := func(err error, what string) {
		t.Helper()
		assert.ErrorIs(t, err, errors.ErrUnsupported)
		assert.ErrorContains(t, err, "sealed: the inner store, struct { store.Store }, is no store."+what)
	}
	walked := 0
	for _, err := range s.All(t.Context()) {
		unsupported(err, "Lister")
		walked++
	}
	for _, err := range s.Owned(t.Context(), "ann") {
		unsupported(err, "OwnerIndex")
		walked++
	}
	assert.Equal(t, 2, walked)
	_, err := s.DeleteOwned(t.Context(), "ann")
	unsupported(err, "OwnerIndex")
	_, err = s.Sweep(t.Context(), 10)
	unsupported(err, "Sweeper")
	_, err = s.Count(t.Context())
	unsupported(err, "Counter")
	_, err = s.Watch(t.Context(), func(store.Key) {})
	unsupported(err, "Watcher")
}
