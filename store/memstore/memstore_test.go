package memstore_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/records/recordstest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/storetest"
)

var _ recordstest.Store = (*memstore.Store)(nil)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return memstore.New() },
		storetest.Bounded(func(_ *testing.T, records int) store.Store {
			return memstore.New(memstore.WithMaxSessions(records))
		}),
		storetest.Bounded(func(_ *testing.T, records int) store.Store {
			return memstore.New(memstore.WithMaxBytes(int64(records) * 1208)) // 1,000 of data, 8 of the owner's
		}),
	)
}

// TestNothingIsCopied sees that Load, Save and Touch allocate nothing, and that
// Load hands out the data that Save was given.
func TestNothingIsCopied(t *testing.T) {
	s := memstore.New()
	ctx := context.Background()
	r := store.Record{Expires: time.Now().Add(time.Hour), Owner: "ann", Data: make([]byte, 300)}
	v, err := s.Save(ctx, key(0), r)
	require.NoError(t, err)
	got, err := s.Load(ctx, key(0))
	require.NoError(t, err)
	assert.Same(t, &r.Data[0], &got.Data[0])
	for e := range s.Owned(ctx, "ann") {
		assert.Same(t, &r.Data[0], &e.Data[0])
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { s.Load(ctx, key(0)) }), "Load")
	assert.Zero(t, testing.AllocsPerRun(100, func() { s.Touch(ctx, key(0), time.Now().Add(2*time.Hour)) }), "Touch")
	assert.Zero(t, testing.AllocsPerRun(100, func() { r.Version = v; v, _ = s.Save(ctx, key(0), r) }), "Save")
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New()
		save(t, s, 0, time.Hour, "ann")
		time.Sleep(time.Hour - time.Millisecond)
		assert.True(t, has(t, s, 0))
		n, err := s.Count(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		time.Sleep(time.Millisecond)
		_, err = s.Load(t.Context(), key(0))
		assert.ErrorIs(t, err, store.ErrExpired)
		assert.Equal(t, 1, s.Len())
		n, err = s.Count(t.Context())
		require.NoError(t, err)
		assert.Zero(t, n)

		n, err = s.Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		_, err = s.Load(t.Context(), key(0))
		assert.ErrorIs(t, err, store.ErrNotFound)
		assert.NotErrorIs(t, err, store.ErrExpired)
		assert.Zero(t, s.Len())
	})
}

// TestDistantExpiry sees that an expiry that no number of microseconds says is
// distant, and one as long ago past.
func TestDistantExpiry(t *testing.T) {
	s := memstore.New()
	for n, distant := range []time.Time{time.Date(559444, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(1<<62, 0)} {
		past := time.Unix(-distant.Unix(), 0)
		_, err := s.Save(t.Context(), key(n), store.Record{Expires: distant})
		require.NoError(t, err)
		require.NoError(t, s.Touch(t.Context(), key(n), past))
		r, err := s.Load(t.Context(), key(n))
		require.NoError(t, err)
		assert.Equal(t, 9999, r.Expires.UTC().Year())

		_, err = s.Save(t.Context(), key(10+n), store.Record{Expires: past})
		require.NoError(t, err)
		assert.False(t, has(t, s, 10+n))
		r.Expires = past
		_, err = s.Save(t.Context(), key(n), r)
		require.NoError(t, err)
		assert.False(t, has(t, s, n))
	}
	assert.Zero(t, s.Len())
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recordstest.TestWatch(t, memstore.New(memstore.WithMaxSessions(3)))
	})
}

// TestDeleteOwnedLetsOthersIn removes very many sessions of one owner, in a time
// that does not grow with the square, and sees that others can load theirs when
// the first few are gone.
func TestDeleteOwnedLetsOthersIn(t *testing.T) {
	const owned = 100_000
	s := memstore.New()
	for i := range owned {
		save(t, s, i, time.Hour, "ann")
	}
	save(t, s, owned, time.Hour, "bob")
	keep := make([]store.Key, 0, owned/2)
	for i := range owned / 2 {
		keep = append(keep, key(2*i))
	}
	left := 0
	first := sync.OnceFunc(func() {
		loaded := make(chan struct{})
		go func() { // a watcher itself must not call the store
			defer close(loaded)
			assert.True(t, has(t, s, owned))
			left = s.Len()
		}()
		<-loaded
	})
	_, err := s.Watch(t.Context(), func(store.Key) { first() })
	require.NoError(t, err)

	begin := time.Now()
	n, err := s.DeleteOwned(t.Context(), "ann", keep...)
	require.NoError(t, err)
	assert.Less(t, time.Since(begin), 5*time.Second)
	assert.Equal(t, owned-len(keep), n)
	assert.Equal(t, len(keep)+1, s.Len())
	assert.Greater(t, left, owned-1000)
}

// TestDeleteOwnedEnds sees that DeleteOwned ends with its context, and tells
// how far it got.
func TestDeleteOwnedEnds(t *testing.T) {
	s := memstore.New()
	for i := range 1000 {
		save(t, s, i, time.Hour, "ann")
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Watch(t.Context(), func(store.Key) { cancel() })
	require.NoError(t, err)
	n, err := s.DeleteOwned(ctx, "ann")
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1000-n, s.Len())
	assert.Positive(t, n)
}
