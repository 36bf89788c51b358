package memstore_test

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// key returns the n-th of as many keys as one likes, spread over the shards.
func key(n int) store.Key {
	var k store.Key
	r := rand.NewPCG(uint64(n), 0)
	for i := 0; i < len(k); i += 8 {
		binary.BigEndian.PutUint64(k[i:], r.Uint64())
	}
	return k
}

func save(t *testing.T, s *memstore.Store, n int, lives time.Duration, owner string) {
	t.Helper()
	_, err := s.Save(t.Context(), key(n), store.Record{Expires: time.Now().Add(lives), Owner: owner})
	require.NoError(t, err)
}

func has(t *testing.T, s *memstore.Store, n int) bool {
	t.Helper()
	_, err := s.Load(t.Context(), key(n))
	if err != nil {
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	return err == nil
}

func TestFullDropsExpiredFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.WithMaxSessions(4))
		save(t, s, 0, time.Hour, "ann")
		save(t, s, 1, time.Minute, "bob")
		save(t, s, 2, 2*time.Minute, "")
		save(t, s, 3, time.Hour, "")
		time.Sleep(5 * time.Minute)

		save(t, s, 4, time.Hour, "")
		_, err := s.Load(t.Context(), key(1))
		assert.NotErrorIs(t, err, store.ErrExpired, "what expired first goes first, whoever owns it")
		_, err = s.Load(t.Context(), key(2))
		assert.ErrorIs(t, err, store.ErrExpired)
		save(t, s, 5, time.Hour, "ann")
		_, err = s.Load(t.Context(), key(2))
		assert.NotErrorIs(t, err, store.ErrExpired)
		for _, n := range []int{0, 3, 4, 5} {
			assert.True(t, has(t, s, n), n)
		}
		assert.Equal(t, 4, s.Len())
	})
}

func TestFullDropsOwnerlessNearestToExpiry(t *testing.T) {
	const n = 300
	s := memstore.New(memstore.WithMaxSessions(2 * n))
	order := rand.Perm(n)
	for i, at := range order {
		save(t, s, i, time.Hour+time.Duration(at)*time.Minute, "")
	}
	for i := range n {
		save(t, s, n+i, time.Minute, "somebody")
	}
	// The order is that of expiry, across the shards, and not of creation.
	for dropped := range n {
		save(t, s, 2*n+dropped, time.Hour, "somebody")
		for i, at := range order {
			require.Equal(t, at > dropped, has(t, s, i), "%d dropped, number %d", dropped+1, at)
		}
		require.Equal(t, 2*n, s.Len())
	}
}

func TestFullKeepsOwned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.WithMaxSessions(3))
		for i := range 3 {
			save(t, s, i, time.Hour, "ann")
		}
		for _, owner := range []string{"", "bob"} {
			_, err := s.Save(t.Context(), key(9), store.Record{Expires: time.Now().Add(time.Hour), Owner: owner})
			assert.ErrorIs(t, err, store.ErrFull)
		}
		assert.Equal(t, 3, s.Len())

		// What exists can be changed and rotated nevertheless.
		r, err := s.Load(t.Context(), key(0))
		require.NoError(t, err)
		r.Version, err = s.Save(t.Context(), key(0), r)
		require.NoError(t, err)
		r.Owner = ""
		_, err = s.Rotate(t.Context(), key(0), key(10), r)
		require.NoError(t, err)
		assert.Equal(t, 3, s.Len())

		// Nobody's now, it makes room.
		save(t, s, 11, time.Hour, "bob")
		assert.False(t, has(t, s, 10))

		require.NoError(t, s.Delete(t.Context(), key(1)))
		save(t, s, 12, time.Hour, "bob")
		time.Sleep(2 * time.Hour)
		save(t, s, 13, time.Hour, "bob")
		assert.Equal(t, 3, s.Len())
	})
}

func TestFullKeepsWhatLoggedIn(t *testing.T) {
	s := memstore.New(memstore.WithMaxSessions(2))
	save(t, s, 0, time.Minute, "")
	r, err := s.Load(t.Context(), key(0))
	require.NoError(t, err)
	r.Owner = "ann"
	_, err = s.Save(t.Context(), key(0), r)
	require.NoError(t, err)
	for i := range 100 {
		save(t, s, 1+i, time.Hour, "")
	}
	assert.True(t, has(t, s, 0), "a flood of others must not log anybody out")
	assert.Equal(t, 2, s.Len())
}

func TestBoundHoldsUnderConcurrency(t *testing.T) {
	const bound, owned = 200, 100
	s := memstore.New(memstore.WithMaxSessions(bound))
	for i := range owned {
		save(t, s, i, time.Hour, "ann")
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	for w := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				n := 1000 + w*10_000 + i
				r := store.Record{Expires: time.Now().Add(time.Hour)}
				v, err := s.Save(t.Context(), key(n), r)
				if !assert.NoError(t, err) {
					return
				}
				r.Version = v
				switch i % 4 {
				case 1:
					_ = s.Delete(t.Context(), key(n))
				case 2:
					_, _ = s.Rotate(t.Context(), key(n), key(-n), r)
				case 3:
					r.Expires = time.Now().Add(-time.Hour)
					_, _ = s.Save(t.Context(), key(n), r)
				}
			}
		})
	}
	go func() { wg.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
			require.LessOrEqual(t, s.Len(), bound)
		}
	}
	for i := range owned {
		assert.True(t, has(t, s, i))
	}
	n := 0
	for _, err := range s.All(t.Context()) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, s.Len(), n, "Len and what is there differ")
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New()
		save(t, s, 0, time.Hour, "ann")
		time.Sleep(time.Hour - time.Millisecond)
		assert.True(t, has(t, s, 0))
		time.Sleep(time.Millisecond)
		_, err := s.Load(t.Context(), key(0))
		assert.ErrorIs(t, err, store.ErrExpired)
		assert.Equal(t, 1, s.Len())

		n, err := s.Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		_, err = s.Load(t.Context(), key(0))
		assert.ErrorIs(t, err, store.ErrNotFound)
		assert.NotErrorIs(t, err, store.ErrExpired)
		assert.Zero(t, s.Len())
	})
}

// TestFloodPasses sees that the memory of a flood of sessions is given back and
// that the store is as good as new.
func TestFloodPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New()
		const n = 50_000
		for i := range n {
			lives := time.Minute
			if i%1000 == 0 {
				lives = time.Hour
			}
			save(t, s, i, lives, "")
		}
		time.Sleep(10 * time.Minute)
		swept := 0
		for {
			n, err := s.Sweep(t.Context(), 1000)
			require.NoError(t, err)
			if swept += n; n == 0 {
				break
			}
		}
		assert.Equal(t, n-n/1000, swept)
		assert.Equal(t, n/1000, s.Len())
		for i := range n {
			require.Equal(t, i%1000 == 0, has(t, s, i))
		}
		assert.Less(t, memstore.Capacity(s), 5000)
	})
}

func TestWithMaxSessionsPanics(t *testing.T) {
	for _, n := range []int{0, -1} {
		func() {
			defer func() { assert.Contains(t, recover(), "must be positive; leave the option out") }()
			memstore.WithMaxSessions(n)
		}()
	}
}

func TestOwnerTooLong(t *testing.T) {
	s := memstore.New()
	_, err := s.Save(t.Context(), key(0), store.Record{Owner: strings.Repeat("x", 256), Expires: time.Now().Add(time.Hour)})
	assert.EqualError(t, err, "memstore: the owner has 256 bytes, more than 255")
	assert.Zero(t, s.Len())
}
