package sesame_test

import (
	"bytes"
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestExpiry: idle timeout and lifetime are the manager's to judge, reading
// moves the expiry at a tenth of the idle timeout, never beyond the lifetime.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, w := newFake(), newWitness()
		m := sesame.New[counter](sesame.WithStore(st), w.observer(), sesame.WithIdleTimeout(10*time.Minute), sesame.WithLifetime(time.Hour))
		token := issue(t, m, func(c *counter) { c.N = 5 })
		began := time.Now()
		read := func() (info sesame.Info) {
			st.up()
			w.reset()
			within(m, token, func(ctx context.Context, _ *counter) { info = m.Info(ctx) })
			return info
		}
		require.Equal(t, began.Add(10*time.Minute).UnixMilli(), read().Expires.UnixMilli())
		time.Sleep(time.Minute - time.Millisecond)
		read()
		require.Equal(t, []string{"load"}, st.called(), "not a tenth yet")
		time.Sleep(time.Millisecond)
		read()
		require.Equal(t, []string{"load", "touch"}, st.called())
		require.Equal(t, []sesame.EventKind{sesame.EventLoaded, sesame.EventTouched}, w.kinds())
		require.Equal(t, began.Add(11*time.Minute).UnixMilli(), read().Expires.UnixMilli())
		require.Equal(t, []string{"load"}, st.called())

		for time.Since(began) < 59*time.Minute {
			require.False(t, read().New, time.Since(began))
			rec, err := st.Store.Load(t.Context(), keyOf(token))
			require.NoError(t, err)
			require.Equal(t, time.Now().Add(10*time.Minute).UnixMilli(), rec.Expires.UnixMilli(), "last use plus idle timeout")
			require.False(t, read().Expires.After(began.Add(time.Hour)), "beyond the lifetime")
			time.Sleep(2 * time.Minute)
		}
		time.Sleep(time.Until(began.Add(time.Hour - time.Millisecond)))
		require.False(t, read().New)
		time.Sleep(time.Millisecond)
		require.True(t, read().New, "the lifetime is over, however busy")
		require.Equal(t, []sesame.EventKind{sesame.EventExpired}, w.kinds())

		token = issue(t, m, func(c *counter) { c.N = 5 })
		saved, err := st.Store.Load(t.Context(), keyOf(token))
		require.NoError(t, err)
		st.load = func(store.Record, error) (store.Record, error) { return saved, nil } // a sweeper that is late
		time.Sleep(10*time.Minute - time.Millisecond)
		within(m, token, func(_ context.Context, c *counter) {
			require.Equal(t, 5, c.N)
			time.Sleep(time.Millisecond)
			c.N++ // it ends while the handler runs
		})
		require.Contains(t, w.kinds(), sesame.EventExpired)
		require.NotContains(t, w.kinds(), sesame.EventSaved)
		require.True(t, read().New, "the idle timeout is over")
		require.Equal(t, []sesame.EventKind{sesame.EventExpired}, w.kinds())
	})
}

// TestClockSteps: a record made by a clock that was ahead keeps its limits,
// and using it neither moves its expiry backwards nor beyond them.
func TestClockSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New()
		m := sesame.New[counter](sesame.WithStore(st), sesame.WithIdleTimeout(10*time.Minute), sesame.WithLifetime(time.Hour))
		time.Sleep(5 * time.Minute)
		token := issue(t, m, func(c *counter) { c.N = 5 })
		ahead := time.Now().Add(30 * time.Minute)
		rec, err := st.Load(t.Context(), keyOf(token))
		require.NoError(t, err)
		h, _, _, err := envelope.Open(rec.Data)
		require.NoError(t, err)
		h.Renewed, h.Deadline, rec.Expires = ahead, ahead.Add(time.Hour), ahead.Add(10*time.Minute)
		rec.Data = bytes.Clone(rec.Data)
		h.Append(rec.Data[:0])
		_, err = st.Save(t.Context(), keyOf(token), rec)
		require.NoError(t, err)
		for _, act := range []func(*counter){func(c *counter) { _ = c.N }, func(c *counter) { c.N++ }} {
			within(m, token, func(_ context.Context, c *counter) { act(c) })
			got, err := st.Load(t.Context(), keyOf(token))
			require.NoError(t, err)
			require.Equal(t, rec.Expires.UnixMilli(), got.Expires.UnixMilli())
		}
		time.Sleep(40 * time.Minute)
		within(m, token, func(_ context.Context, c *counter) { require.Zero(t, *c) })
	})
}

// TestSlowRequest: a request that lasts longer than the idle timeout saves what
// it has changed if others have kept the session alive.
func TestSlowRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWitness()
		m := sesame.New[counter](sesame.WithIdleTimeout(10*time.Minute), w.observer())
		token := issue(t, m, func(c *counter) { c.N = 5 })
		within(m, token, func(ctx context.Context, c *counter) {
			for range 3 {
				time.Sleep(5 * time.Minute)
				within(m, token, func(_ context.Context, c *counter) { require.Equal(t, 5, c.N) })
			}
			require.NoError(t, m.Update(ctx, func(c *counter) error { c.N++; return nil }))
		})
		within(m, token, func(_ context.Context, c *counter) { require.Equal(t, 6, c.N) })
		require.NotContains(t, w.kinds(), sesame.EventExpired)
	})
}

func TestRememberForEver(t *testing.T) {
	m := sesame.New[counter]()
	res := within(m, "", func(ctx context.Context, c *counter) { c.N = 1; m.Remember(ctx, 0, math.MaxInt64) })
	require.Greater(t, res.Cookies()[0].MaxAge, 60*365*24*60*60)
}
