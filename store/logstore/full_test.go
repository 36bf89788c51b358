package logstore

import (
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// TestFullBatch lets changes of a full store come in one batch, and sees that
// a new session is refused only if all that there are must be kept, whatever
// came with it.
func TestFullBatch(t *testing.T) {
	type change func(*testing.T, *Store) error
	save := func(n byte, owner string) change {
		return func(t *testing.T, s *Store) error {
			r := store.Record{Expires: time.Now().Add(time.Hour), Owner: owner}
			if old, err := s.Load(t.Context(), store.Key{n}); err == nil {
				r.Version = old.Version
			}
			_, err := s.Save(t.Context(), store.Key{n}, r)
			return err
		}
	}
	remove := func(n byte) change {
		return func(t *testing.T, s *Store) error { return s.Delete(t.Context(), store.Key{n}) }
	}
	removeOwned := func(owner string) change {
		return func(t *testing.T, s *Store) error {
			_, err := s.DeleteOwned(t.Context(), owner)
			return err
		}
	}
	rotate := func(from, to byte) change {
		return func(t *testing.T, s *Store) error {
			r, err := s.Load(t.Context(), store.Key{from})
			require.NoError(t, err)
			_, err = s.Rotate(t.Context(), store.Key{from}, store.Key{to}, r)
			return err
		}
	}
	// Session 1 is there before, ann's, and the bound is 2.
	for _, c := range []struct {
		name    string
		before  []change
		changes []change
		refused []int // of the changes
		left    []byte
	}{
		{
			name:    "ownerless",
			changes: []change{save(2, ""), save(3, ""), save(4, ""), save(5, "")},
			left:    []byte{1, 5},
		},
		{
			name:    "owned",
			changes: []change{save(2, "ann"), save(3, "ann"), save(4, ""), save(5, "ann")},
			refused: []int{1, 2, 3},
			left:    []byte{1, 2},
		},
		{
			name:    "changed",
			before:  []change{save(2, "")},
			changes: []change{save(2, ""), save(3, "")},
			left:    []byte{1, 3},
		},
		{
			name:    "rotated",
			before:  []change{save(2, "")},
			changes: []change{rotate(2, 3), save(4, "")},
			left:    []byte{1, 4},
		},
		{
			name:    "taken by an owner",
			before:  []change{save(2, "")},
			changes: []change{save(2, "bob"), save(3, "")},
			refused: []int{1},
			left:    []byte{1, 2},
		},
		{
			name:    "kept",
			before:  []change{save(2, "bob")},
			changes: []change{save(2, "bob"), save(3, ""), save(1, "ann"), save(4, "")},
			refused: []int{1, 3},
			left:    []byte{1, 2},
		},
		{
			name:    "removed",
			before:  []change{save(2, "bob")},
			changes: []change{remove(2), save(3, "ann")},
			left:    []byte{1, 3},
		},
		{
			name:    "removed with all of the owner",
			before:  []change{save(2, "bob")},
			changes: []change{removeOwned("bob"), save(3, "ann"), save(4, "")},
			refused: []int{2},
			left:    []byte{1, 3},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, sim, _ := faulty(t, WithMaxSessions(2))
				for _, before := range append([]change{save(1, "ann")}, c.before...) {
					require.NoError(t, before(t, s))
				}
				errs := make([]error, len(c.changes))
				var wg sync.WaitGroup
				written := hold(t, s, sim)
				for i, change := range c.changes {
					wg.Go(func() { errs[i] = change(t, s) })
					synctest.Wait() // it is in the queue
				}
				close(written)
				wg.Wait()
				var refused []int
				for i, err := range errs {
					if err != nil {
						require.ErrorIs(t, err, store.ErrFull)
						refused = append(refused, i)
					}
				}
				assert.Equal(t, c.refused, refused)
				assert.Equal(t, 2, s.Len())
				for _, n := range c.left {
					_, err := s.Load(t.Context(), store.Key{n})
					assert.NoError(t, err, n)
				}
				require.NoError(t, s.index.check())
				require.NoError(t, s.Close())
			})
		})
	}
}

// hold makes the writer wait in a write, so that what comes meanwhile is one
// batch, until the channel is closed.
func hold(t *testing.T, s *Store, sim *simulation) chan struct{} {
	t.Helper()
	written := make(chan struct{})
	sim.mu.Lock()
	sim.fault = func(_ int, what string) error {
		if what == "write" {
			<-written
		}
		return nil
	}
	sim.mu.Unlock()
	// This is the only change that nobody waits for.
	require.NoError(t, s.Touch(t.Context(), store.Key{1}, time.Now().Add(2*time.Hour)))
	synctest.Wait()
	return written
}

// TestFullAtOnce sees that no new session is refused while there are some that
// may be dropped, even if far more come at once than the store may hold.
func TestFullAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s, err := Open(path, WithMaxSessions(10))
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 20 {
				_, err := s.Save(t.Context(), store.Key{byte(i), byte(j)}, record("data"))
				if !assert.NoError(t, err) || !assert.LessOrEqual(t, s.Len(), 10) {
					return
				}
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 10, s.Len())
	require.NoError(t, s.index.check())
	left := make(map[store.Key]uint64)
	for e, err := range s.All(t.Context()) {
		require.NoError(t, err)
		left[e.Key] = e.Version
	}
	require.NoError(t, s.Close())

	s, err = Open(path, WithStrictRecovery())
	require.NoError(t, err)
	assert.Equal(t, 10, s.Len(), "what had to go does not come back")
	for k, version := range left {
		r, err := s.Load(t.Context(), k)
		require.NoError(t, err)
		assert.Equal(t, version, r.Version)
	}
	require.NoError(t, s.Close())
}

// TestOverfull sees that a store that was opened with more sessions than it may
// hold drops none for a new one that it refuses all the same.
func TestOverfull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s, err := Open(path)
	require.NoError(t, err)
	for i, owner := range []string{"ann", "bob", "", ""} {
		r := record("data")
		r.Owner = owner
		_, err := s.Save(t.Context(), store.Key{byte(i)}, r)
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())

	s, err = Open(path, WithMaxSessions(2))
	require.NoError(t, err)
	_, err = s.Save(t.Context(), store.Key{4}, record("data"))
	require.ErrorIs(t, err, store.ErrFull)
	assert.Equal(t, 4, s.Len())
	require.NoError(t, s.Close())

	s, err = Open(path, WithMaxSessions(3))
	require.NoError(t, err)
	_, err = s.Save(t.Context(), store.Key{4}, record("data"))
	require.NoError(t, err)
	assert.Equal(t, 3, s.Len(), "two went for it")
	require.NoError(t, s.index.check())
	require.NoError(t, s.Close())
}
