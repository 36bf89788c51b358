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

// TestDeadlocks has everything that locks more than one row, and everything
// that locks rows and indexes in different orders, go on at once, on few
// sessions of two owners, some of which expire all the time. Whatever the
// database gives up in the course of that, no caller hears of it.
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

// TestVictim has DeleteOwned meet somebody who locks the same rows the other way
// round. PostgreSQL gives it up, and the caller does not hear of it.
func TestVictim(t *testing.T) {
	t.Parallel()
	// Who has waited so long looks whether it is in a dead-lock, once, and is
	// given up if it is. The store looks after five seconds, when it is. The
	// other one looks so late only so that nobody waits for ever.
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
	store.Rotator
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
			r.Owner = owner
			_, err = s.Rotate(ctx, k, key(rand.IntN(100)), r)
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

// TestDeleteOwnedMoved has sessions of one owner move to other keys, before
// and behind where they were in the index, all the time, while DeleteOwned
// runs. None that was there when it began is left.
func TestDeleteOwnedMoved(t *testing.T) {
	for _, e := range append(engines[:len(engines):len(engines)],
		maria.isolated("read committed"), pgx.isolated("serializable")) {
		t.Run(e.name+"/"+e.params, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, e, e.source(t))
			s := h.newStore(t)
			other := h.second(t, s).(all)
			for round := range 25 {
				moves(t, s.(all), other, fmt.Sprint("owner", round))
			}
		})
	}
}

func moves(t *testing.T, s, other all, owner string) {
	const n = 6
	ctx := t.Context()
	var moved [n]store.Key
	var wg sync.WaitGroup
	barrier := make(chan struct{})
	var ready sync.WaitGroup
	ready.Add(n)
	for i := range n {
		moved[i] = randomKey()
		r := record("data")
		r.Owner = owner
		v, err := s.Save(ctx, moved[i], r)
		require.NoError(t, err)
		r.Version = v
		wg.Go(func() {
			once := sync.OnceFunc(ready.Done)
			defer once()
			for {
				to := randomKey()
				v, err := s.Rotate(ctx, moved[i], to, r)
				if errors.Is(err, store.ErrConflict) {
					return // it is gone
				}
				if !assert.NoError(t, err) {
					return
				}
				moved[i], r.Version = to, v
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
	for k, err := range other.Owned(ctx, owner) {
		require.NoError(t, err)
		require.Fail(t, "a session is left", "%v", k)
	}
	wg.Wait()
}

func randomKey() (k store.Key) {
	for i := range k {
		k[i] = byte(rand.Uint32())
	}
	return k
}

// TestDeleteOwnedClock sees that DeleteOwned does not spare what has expired by
// its own clock only. It counts what is live by that.
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
