package logstore_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/records/recordstest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/logstore"
)

func TestWatch(t *testing.T) {
	recordstest.TestWatch(t, opened(t, filepath.Join(t.TempDir(), "sessions.db"), logstore.WithMaxSessions(3)))
}

func TestWatchEndsWithTheStore(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "sessions.db"))
	save(t, s, 0, time.Hour, "ann")
	done, err := s.Watch(t.Context(), func(k store.Key) { t.Error("told of ", k) })
	require.NoError(t, err)
	require.NoError(t, s.Close())
	<-done
}

// TestNothingIsCopied sees that Load hands out the data that Save was given.
func TestNothingIsCopied(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "sessions.db"))
	r := store.Record{Expires: time.Now().Add(time.Hour), Owner: "ann", Data: make([]byte, 300)}
	_, err := s.Save(t.Context(), key(1), r)
	require.NoError(t, err)
	got, err := s.Load(t.Context(), key(1))
	require.NoError(t, err)
	assert.Same(t, &r.Data[0], &got.Data[0])
	for e := range s.Owned(t.Context(), "ann") {
		assert.Same(t, &r.Data[0], &e.Data[0])
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { s.Load(t.Context(), key(1)) }), "Load")
}

// TestDeleteOwnedLetsOthersIn removes very many sessions of one owner, and sees
// that others can load and save theirs when the first are gone.
func TestDeleteOwnedLetsOthersIn(t *testing.T) {
	const owned = 20_000
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := opened(t, path, logstore.WithSync(logstore.Never))
	var wg sync.WaitGroup
	for w := range 20 {
		wg.Go(func() {
			for i := w; i < owned; i += 20 {
				save(t, s, i, time.Hour, "ann")
			}
		})
	}
	wg.Wait()
	save(t, s, owned, time.Hour, "bob")
	ended, before := 0, 0 // of ann's; before carol's was saved
	_, err := s.Watch(t.Context(), func(k store.Key) {
		if k == key(owned+1) {
			before = ended
			return
		}
		if ended++; ended > 1 {
			return
		}
		wg.Go(func() {
			assert.True(t, has(t, s, owned))
			r := store.Record{Expires: time.Now().Add(time.Hour), Owner: "carol"}
			v, err := s.Save(t.Context(), key(owned+1), r)
			assert.NoError(t, err)
			r.Version, r.Durable = v, true // a watcher is told
			_, err = s.Save(t.Context(), key(owned+1), r)
			assert.NoError(t, err)
		})
		time.Sleep(10 * time.Millisecond) // until the first is in the queue
	})
	require.NoError(t, err)
	n, err := s.DeleteOwned(t.Context(), "ann", key(5), key(owned-5), key(owned))
	wg.Wait()
	require.NoError(t, err)
	assert.Equal(t, owned-2, n)
	assert.Equal(t, 4, s.Len())
	assert.Less(t, before, owned/2)
	require.NoError(t, s.Close())
	assert.Equal(t, 4, opened(t, path, logstore.WithStrictRecovery()).Len())
}
