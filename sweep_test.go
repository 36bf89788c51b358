package sesame_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/memstore"
)

// sweeping is a store that is swept as a test says.
type sweeping struct {
	*memstore.Store
	sweep func(limit int) (int, error)
}

func (s *sweeping) Sweep(_ context.Context, limit int) (int, error) { return s.sweep(limit) }

// sweepOnce has a manager sweep its store, on a goroutine of its own.
func sweepOnce(t *testing.T, sweep func(limit int) (int, error), opts ...sesame.Option) {
	m := sesame.New[counter](append(opts, sesame.WithStore(&sweeping{memstore.New(), sweep}))...)
	issue(t, m, func(c *counter) { c.N = 1 })
	time.Sleep(2 * time.Minute)
	issue(t, m, func(c *counter) { c.N = 1 })
	synctest.Wait()
}

// TestSwept: one event tells how many expired sessions a sweep has removed, and
// none that there were none.
func TestSwept(t *testing.T) {
	for _, test := range []struct{ expired, events, calls int }{{0, 0, 1}, {3, 1, 1}, {450, 1, 3}} {
		synctest.Test(t, func(t *testing.T) {
			w, calls, left := newWitness(), 0, test.expired
			sweepOnce(t, func(limit int) (int, error) {
				calls++
				n := min(limit, left)
				left -= n
				return n, nil
			}, w.observer(), w.logger())
			require.Equal(t, test.calls, calls)
			require.Equal(t, test.events, w.count(sesame.EventSwept))
			for _, e := range w.all() {
				if e.Kind == sesame.EventSwept {
					require.Equal(t, test.expired, e.Count)
					require.Empty(t, e.ID)
				}
			}
			require.Empty(t, w.log.String())
		})
	}
}

// TestSweepThatFails is an event and a line in the log.
func TestSweepThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWitness()
		sweepOnce(t, func(int) (int, error) { return 0, errDown }, w.observer(), w.logger())
		require.Equal(t, 1, w.count(sesame.EventStoreError))
		require.Contains(t, w.log.String(), "connection refused")
	})
}

// TestPanicsWhileSweeping: a bug in what is called on a goroutine of sesame's own
// is told, and does not end the process.
func TestPanicsWhileSweeping(t *testing.T) {
	bug := func(int) (int, error) { panic("a bug") }
	t.Run("store", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWitness()
			sweepOnce(t, bug, w.logger())
			require.Contains(t, w.log.String(), "panic in the store's Sweep")
			require.Contains(t, w.log.String(), "a bug")
		})
	})
	t.Run("observer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWitness()
			sweepOnce(t, func(int) (int, error) { return 1, nil }, w.logger(), sesame.WithObserver(func(_ context.Context, e sesame.Event) {
				if e.Kind == sesame.EventSwept {
					panic("a bug")
				}
			}))
			require.Contains(t, w.log.String(), "panic in the observer")
		})
	})
	t.Run("logger", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			called := false
			sweepOnce(t, bug, sesame.WithLogger(slog.New(hook(func(context.Context) { called = true; panic("a bug") }))))
			require.True(t, called)
		})
	})
}
