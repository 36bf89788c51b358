package servers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// TestDeadlocks runs everything at once that locks more than one row, or locks
// rows and indexes in different orders, on few sessions of two owners, some of
// which expire all the time. Whatever the database gives up, no caller notices.
func TestDeadlocks(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		h := newHouse(t, e, e.source(t))
		one := h.newStore(t)
		two := h.second(t, one)
		stores := []all{one.(all), two.(all)}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		var done [6]atomic.Int64
		var wg sync.WaitGroup
		for w := range 12 {
			wg.Go(func() {
				// In turn, and from different ones on, since each kind must occur.
				for what := w % 10; ctx.Err() == nil; what = (what + 1) % 10 {
					err := disturb(t.Context(), stores[w%2], what)
					if !assert.NoError(t, err) {
						return
					}
					done[min(what, 5)].Add(1)
				}
			})
		}
		wg.Wait()
		for i := range done {
			require.NotZero(t, done[i].Load())
		}
	})
}

// TestVictim has DeleteOwned meet a transaction that locks the same rows the
// other way round. PostgreSQL gives DeleteOwned up, and its caller does not
// notice.
func TestVictim(t *testing.T) {
	t.Parallel()
	// A session of PostgreSQL that has waited so long looks for a deadlock,
	// once, and is given up if it is in one. The store's looks after five
	// seconds, when it is. The other's looks later, as a last resort.
	db := pgx.open(t, pgx.source(t)+"&deadlock_timeout=5s")
	name := table(t, db)
	s := pgx.on(t, db, name)
	r := record("data")
	r.Owner = "ann"
	for i := range 2 {
		_, err := s.Save(t.Context(), key(i), r)
		require.NoError(t, err)
	}
	tx, err := pgx.open(t, pgx.source(t)+"&deadlock_timeout=30s").Begin()
	require.NoError(t, err)
	defer tx.Rollback()
	lock := func(i int) {
		k := key(i)
		_, err := tx.Exec("SELECT 1 FROM "+name+" WHERE id = $1 FOR UPDATE", k[:])
		require.NoError(t, err)
	}
	lock(1)
	deleted := make(chan error, 1)
	go func() {
		_, err := s.DeleteOwned(t.Context(), "ann")
		deleted <- err
	}()
	require.Eventually(t, func() bool {
		var n int
		require.NoError(t, db.QueryRow(`SELECT count(*) FROM pg_stat_activity
			WHERE wait_event_type = 'Lock' AND query LIKE 'DELETE FROM '||$1||' %'`, name).Scan(&n))
		return n == 1
	}, 20*time.Second, time.Millisecond)
	lock(0) // which it has
	require.NoError(t, tx.Rollback())
	require.NoError(t, <-deleted)
	for i := range 2 {
		_, err := s.Load(t.Context(), key(i))
		require.ErrorIs(t, err, store.ErrNotFound)
	}
}

// all is what a store of package sqlstore can do.
type all interface {
	store.Store
	store.OwnerIndex
	store.Sweeper
}

// disturb does one thing with some of a hundred sessions.
func disturb(ctx context.Context, s all, what int) error {
	k := key(rand.IntN(100))
	owner := []string{"ann", "bob"}[rand.IntN(2)]
	switch what {
	case 0:
		_, err := s.Sweep(ctx, 500)
		return err
	case 1:
		_, err := s.DeleteOwned(ctx, owner)
		return err
	case 2:
		return s.Touch(ctx, k, time.Now().Add(rand.N(time.Hour)))
	case 3:
		r, err := s.Load(ctx, k)
		if err == nil {
			r.Owner, r.Durable = owner, true
			_, err = s.Save(ctx, k, r)
		}
		return expected(err)
	case 4:
		return s.Delete(ctx, k)
	default:
		r, err := s.Load(ctx, k)
		if expected(err) != nil {
			return err
		}
		r.Owner, r.Expires = owner, time.Now().Add(rand.N(100*time.Millisecond))
		if rand.IntN(2) == 0 {
			r.Expires = time.Now().Add(rand.N(time.Hour))
		}
		_, err = s.Save(ctx, k, r)
		return expected(err)
	}
}

func expected(err error) error {
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// TestDeleteOwnedSaved has clients save the sessions of one owner all the time
// while DeleteOwned runs. None of the sessions is left.
func TestDeleteOwnedSaved(t *testing.T) {
	for _, e := range append(engines[:len(engines):len(engines)],
		maria.isolated("read committed"), pgx.isolated("serializable")) {
		t.Run(e.name+"/"+e.params, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, e, e.source(t))
			s := h.newStore(t)
			other := h.second(t, s).(all)
			for round := range 25 {
				deleteWhileSaved(t, s.(all), other, fmt.Sprint("owner", round))
			}
		})
	}
}

func deleteWhileSaved(t *testing.T, s, other all, owner string) {
	const n = 6
	ctx := t.Context()
	var clients, ready sync.WaitGroup
	ready.Add(n)
	barrier := make(chan struct{})
	for range n {
		k := randomKey()
		r := record("data")
		r.Owner = owner
		v, err := s.Save(ctx, k, r)
		require.NoError(t, err)
		clients.Go(func() {
			once := sync.OnceFunc(ready.Done)
			defer once()
			for {
				r.Version, r.Expires = v, time.Now().Add(rand.N(24*time.Hour)+time.Hour) // moves in an index
				if v, err = s.Save(ctx, k, r); errors.Is(err, store.ErrConflict) {
					return // it is gone
				}
				if !assert.NoError(t, err) {
					return
				}
				once()
				<-barrier
			}
		})
	}
	ready.Wait()
	close(barrier)
	deleted, err := other.DeleteOwned(ctx, owner)
	require.NoError(t, err)
	require.Equal(t, n, deleted)
	for e, err := range other.Owned(ctx, owner) {
		require.NoError(t, err)
		require.Fail(t, "a session is left", "%v", e.Key)
	}
	clients.Wait()
}

func randomKey() (k store.Key) {
	for i := range k {
		k[i] = byte(rand.Uint32())
	}
	return k
}

// TestDeleteOwnedClock requires that DeleteOwned removes what has expired by its
// own clock only. It counts what is live by that clock.
func TestDeleteOwnedClock(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		h := newHouse(t, e, e.source(t))
		s := h.newStore(t)
		ahead := h.skewed(t, s, 2*time.Hour).(store.OwnerIndex)
		r := record("data")
		r.Owner = "ann"
		for i := range 3 {
			r.Expires = time.Now().Add(time.Duration(2*i+1) * time.Hour)
			_, err := s.Save(t.Context(), key(i), r)
			require.NoError(t, err)
		}
		n, err := ahead.DeleteOwned(t.Context(), "ann", key(1))
		require.NoError(t, err)
		require.Equal(t, 1, n)
		_, err = s.Load(t.Context(), key(0))
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = s.Load(t.Context(), key(1))
		require.NoError(t, err)
	})
}
