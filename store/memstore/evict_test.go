package memstore_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/records/recordstest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

var key = recordstest.Key

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

// left returns which of the first n sessions are live.
func left(t *testing.T, s *memstore.Store, n int) (live []int) {
	t.Helper()
	for i := range n {
		if has(t, s, i) {
			live = append(live, i)
		}
	}
	return live
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
		assert.NotErrorIs(t, err, store.ErrExpired, "what expired first goes first, also if it has an owner")
		_, err = s.Load(t.Context(), key(2))
		assert.ErrorIs(t, err, store.ErrExpired)
		save(t, s, 5, time.Hour, "ann")
		assert.Equal(t, []int{0, 3, 4, 5}, left(t, s, 6))
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
		save(t, s, n+i, time.Minute, fmt.Sprint(i))
	}
	for dropped := range n {
		save(t, s, 2*n+dropped, time.Hour, "dora")
		for i, at := range order {
			require.Equal(t, at > dropped, has(t, s, i), "%d dropped, number %d", dropped+1, at)
		}
		require.Equal(t, 2*n, s.Len())
	}
}

// TestOneAccountLeavesRoom fills the store with the sessions of one account.
// Others log in all the same, and it loses its oldest.
func TestOneAccountLeavesRoom(t *testing.T) {
	const bound = 1000
	s := memstore.New(memstore.WithMaxSessions(bound))
	save(t, s, 0, time.Minute, "bob")
	for i := range 2 * bound {
		save(t, s, 1+i, time.Hour, "ann")
	}
	for i := range 100 {
		save(t, s, 10_000+i, time.Hour, fmt.Sprintf("user %d", i))
	}
	save(t, s, 20_000, time.Hour, "")
	assert.True(t, has(t, s, 0), "bob has only one session")
	assert.True(t, has(t, s, 20_000), "a visitor")
	for i := range 100 {
		assert.True(t, has(t, s, 10_000+i))
	}
	live := left(t, s, 1+2*bound)
	assert.Len(t, live, 1+bound-102)
	assert.Equal(t, 2*bound, live[len(live)-1], "ann's youngest")
	assert.Equal(t, 2*bound-(bound-102)+1, live[1], "her oldest went")
	assert.Equal(t, bound, s.Len())

	save(t, s, 20_001, time.Hour, "")
	assert.False(t, has(t, s, 20_000), "a visitor's goes before a user's")
}

func TestFullKeepsWhatLoggedIn(t *testing.T) {
	s := memstore.New(memstore.WithMaxSessions(2))
	save(t, s, 0, time.Minute, "")
	r, err := s.Load(t.Context(), key(0))
	require.NoError(t, err)
	r.Owner, r.Durable = "ann", true
	_, err = s.Save(t.Context(), key(0), r)
	require.NoError(t, err)
	for i := range 100 {
		save(t, s, 1+i, time.Hour, "")
	}
	assert.True(t, has(t, s, 0), "a flood of visitors must not log anyone out")
	assert.Equal(t, 2, s.Len())
}

// TestFullOfBytes floods the store with large sessions.
func TestFullOfBytes(t *testing.T) {
	const bound, size = 10 << 20, 60_000
	s := memstore.New(memstore.WithMaxBytes(bound))
	save(t, s, 0, time.Minute, "ann")
	for i := range 1000 {
		r := store.Record{Expires: time.Now().Add(time.Hour), Data: make([]byte, size)}
		_, err := s.Save(t.Context(), key(1+i), r)
		require.NoError(t, err)
		require.True(t, has(t, s, 1+i), "the newest is there")
		require.LessOrEqual(t, (s.Len()-1)*size, bound)
	}
	assert.Greater(t, (s.Len()-1)*size, bound*9/10, "the room is used")
	assert.True(t, has(t, s, 0))

	// One that does not fit at all drives out nothing.
	before := s.Len()
	_, err := s.Save(t.Context(), key(5000), store.Record{Expires: time.Now().Add(time.Hour), Data: make([]byte, bound)})
	require.ErrorIs(t, err, store.ErrFull)
	assert.Equal(t, before, s.Len())

	// One that grows has to make room too, and takes none from itself.
	r, err := s.Load(t.Context(), key(0))
	require.NoError(t, err)
	r.Data = make([]byte, bound-1000)
	_, err = s.Save(t.Context(), key(0), r)
	require.NoError(t, err)
	assert.Equal(t, 1, s.Len())
	assert.True(t, has(t, s, 0))
}

// TestGrowingKeepsItself lets the session that is the first to go take the room
// of another.
func TestGrowingKeepsItself(t *testing.T) {
	s := memstore.New(memstore.WithMaxBytes(2000))
	var ended []store.Key
	_, err := s.Watch(t.Context(), func(k store.Key) { ended = append(ended, k) })
	require.NoError(t, err)
	for n := range 4 {
		save(t, s, n, time.Duration(1+n)*time.Minute, "")
	}
	r, err := s.Load(t.Context(), key(0))
	require.NoError(t, err)
	r.Data = make([]byte, 1300)
	_, err = s.Save(t.Context(), key(0), r)
	require.NoError(t, err)
	assert.Equal(t, []store.Key{key(1)}, ended)
	assert.Equal(t, []int{0, 2, 3}, left(t, s, 4))
}

// TestDefaultBoundsBytes sees that a flood does not pass the bound that stands
// without an option. All sessions share their data here.
func TestDefaultBoundsBytes(t *testing.T) {
	s := memstore.New()
	data := make([]byte, 60_000)
	for i := range 20_000 {
		_, err := s.Save(t.Context(), key(i), store.Record{Expires: time.Now().Add(time.Hour), Data: data})
		require.NoError(t, err)
	}
	assert.Equal(t, 512<<20/(len(data)+200), s.Len())
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
					_, _ = s.Save(t.Context(), key(n), r)
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
	assert.Len(t, left(t, s, owned), owned)
	n := 0
	for _, err := range s.All(t.Context()) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, s.Len(), n, "Len and what is there differ")
}

func TestOptionsPanic(t *testing.T) {
	for _, n := range []int{0, -1} {
		assert.PanicsWithValue(t, fmt.Sprintf("memstore: WithMaxSessions(%d): the bound must be positive; "+
			"leave the option out for the default of 1000000", n), func() { memstore.WithMaxSessions(n) })
		assert.PanicsWithValue(t, fmt.Sprintf("memstore: WithMaxBytes(%d): the bound must be positive; "+
			"leave the option out for the default of 536870912", n), func() { memstore.WithMaxBytes(int64(n)) })
	}
}

func TestOwnerTooLong(t *testing.T) {
	s := memstore.New()
	_, err := s.Save(t.Context(), key(0), store.Record{Owner: strings.Repeat("x", 256), Expires: time.Now().Add(time.Hour)})
	assert.EqualError(t, err, "memstore: the owner has 256 bytes, more than 255")
	assert.Zero(t, s.Len())
}
