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
// as many sessions are left, and the same, as if they had come one by one.
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
	// Session 1 is there before, ann's, and the bound is 2.
	for _, c := range []struct {
		name    string
		before  []change
		changes []change
		left    []byte // some of what is left
	}{
		{
			name:    "ownerless",
			changes: []change{save(2, ""), save(3, ""), save(4, ""), save(5, "")},
			left:    []byte{1, 5},
		},
		{
			name:    "owned",
			changes: []change{save(2, "ann"), save(3, "ann"), save(4, ""), save(5, "ann")},
			left:    []byte{3, 5},
		},
		{
			name:    "changed",
			before:  []change{save(2, "")},
			changes: []change{save(2, ""), save(3, "")},
			left:    []byte{1, 3},
		},
		{
			name:    "taken by an owner",
			before:  []change{save(2, "")},
			changes: []change{save(2, "bob"), save(3, "")},
			left:    []byte{3},
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
			left:    []byte{3, 4},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, sim, _ := faulty(t, WithMaxSessions(2))
				for _, before := range append([]change{save(1, "ann")}, c.before...) {
					require.NoError(t, before(t, s))
				}
				var wg sync.WaitGroup
				written := hold(t, s, sim)
				for _, change := range c.changes {
					wg.Go(func() { assert.NoError(t, change(t, s)) })
					synctest.Wait() // it is in the queue
				}
				close(written)
				wg.Wait()
				assert.Equal(t, 2, s.Len())
				for _, n := range c.left {
					_, err := s.Load(t.Context(), store.Key{n})
					assert.NoError(t, err, n)
				}
				released(t, s)
				require.NoError(t, s.Close())
			})
		})
	}
}

// hold makes the writer wait in a write, so that what comes until then is one
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
	// This is the only change that no call waits for.
	require.NoError(t, s.Touch(t.Context(), store.Key{1}, time.Now().Add(2*time.Hour)))
	synctest.Wait()
	return written
}

// TestFullAtOnce sees that no new session is refused, even if far more come at
// once than the store may hold.
func TestFullAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions")
	s, err := Open(path, WithMaxSessions(10))
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 20 {
				r := record("data")
				r.Owner = []string{"", "ann", "bob"}[j%3]
				_, err := s.Save(t.Context(), store.Key{byte(i), byte(j)}, r)
				if !assert.NoError(t, err) || !assert.LessOrEqual(t, s.Len(), 10) {
					return
				}
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 10, s.Len())
	released(t, s)
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

// TestOneAccountLeavesRoom fills the store with the sessions of one account,
// before a restart and after it. Others log in all the same.
func TestOneAccountLeavesRoom(t *testing.T) {
	const bound = 100
	sim := newSimulation()
	conf := newConfig([]Option{WithMaxSessions(bound), WithSync(Never), quiet})
	save := func(s *Store, n int, owner string) {
		r := record("data")
		r.Owner = owner
		_, err := s.Save(t.Context(), store.Key{byte(n >> 8), byte(n)}, r)
		require.NoError(t, err)
	}
	live := func(s *Store, n int) bool {
		_, err := s.Load(t.Context(), store.Key{byte(n >> 8), byte(n)})
		return err == nil
	}
	s, err := open(sim, "log", conf)
	require.NoError(t, err)
	save(s, 0, "bob")
	for n := range 2 * bound {
		save(s, 1+n, "ann")
	}
	require.NoError(t, s.Close())
	s, err = open(sim, "log", conf)
	require.NoError(t, err)
	for n := range 10 {
		save(s, 1000+n, "carol")
	}
	assert.True(t, live(s, 0))
	for n := range 2 * bound {
		assert.Equal(t, n >= 2*bound-(bound-11), live(s, 1+n), n) // her oldest went
	}
	assert.Equal(t, bound, s.Len())
	require.NoError(t, s.Close())
}

// TestFullOfBytes floods the store with large sessions.
func TestFullOfBytes(t *testing.T) {
	const bound, size = 5 << 20, 60_000
	s, _, _ := faulty(t, WithMaxBytes(bound), WithSync(Never))
	r := store.Record{Expires: time.Now().Add(time.Hour), Owner: "ann"}
	ann, err := s.Save(t.Context(), store.Key{1}, r)
	require.NoError(t, err)
	data := make([]byte, size)
	for i := range 200 {
		k := store.Key{2, byte(i)}
		_, err := s.Save(t.Context(), k, store.Record{Expires: time.Now().Add(time.Hour), Data: data})
		require.NoError(t, err)
		_, err = s.Load(t.Context(), k)
		require.NoError(t, err, "the newest is there")
	}
	assert.Equal(t, 1+(bound-203)/(size+200), s.Len())

	_, err = s.Save(t.Context(), store.Key{3}, store.Record{Expires: time.Now().Add(time.Hour), Data: make([]byte, bound)})
	require.ErrorIs(t, err, store.ErrFull)
	assert.Equal(t, 1+(bound-203)/(size+200), s.Len(), "what does not fit at all drives out nothing")

	r.Version, r.Data = ann, make([]byte, bound-1000)
	_, err = s.Save(t.Context(), store.Key{1}, r)
	require.NoError(t, err)
	assert.Equal(t, 1, s.Len(), "what grows takes the room of others")
	released(t, s)
	require.NoError(t, s.Close())
}

// TestOverfull sees that a store that was opened with many more sessions than it
// may hold keeps them until there is a new one.
func TestOverfull(t *testing.T) {
	sim := newSimulation()
	s, err := open(sim, "log", newConfig([]Option{WithSync(Never), quiet}))
	require.NoError(t, err)
	const n = 3*maxEvicted + 100
	var wg sync.WaitGroup
	for w := range 20 {
		wg.Go(func() {
			for i := w; i < n; i += 20 {
				_, err := s.Save(t.Context(), store.Key{byte(i >> 8), byte(i)}, record(""))
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	require.NoError(t, s.Close())

	s, err = open(sim, "log", newConfig([]Option{WithMaxSessions(2), quiet}))
	require.NoError(t, err)
	assert.Equal(t, n, s.Len())
	writes := 0
	sim.mu.Lock()
	sim.fault = func(_ int, what string) error {
		if what == "write" {
			writes++
		}
		return nil
	}
	sim.mu.Unlock()
	_, err = s.Save(t.Context(), store.Key{1, 2, 3}, record(""))
	require.NoError(t, err)
	assert.Equal(t, 4, writes, "others must get in between")
	assert.Equal(t, 2, s.Len())
	_, err = s.Load(t.Context(), store.Key{1, 2, 3})
	require.NoError(t, err)
	released(t, s)
	require.NoError(t, s.Close())
}
