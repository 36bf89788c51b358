package redistest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/killtest"
	"github.com/sesame-go/sesame/store"
)

// TestScriptFlush has the servers forget the scripts again and again, while
// many at once, so that clients send them together, rely on them.
func TestScriptFlush(t *testing.T) {
	for _, kind := range []string{"single", "cluster"} {
		t.Run(kind, func(t *testing.T) {
			onEach(t, func(t *testing.T, a adapter) {
				at := shared(t, kind)
				o := newOffice(t, 32, newStore(t, a, at), newStore(t, a, at))
				for range 100 {
					for _, addr := range at.addrs {
						require.NoError(t, admin(t, addr).ScriptFlush(t.Context()).Err())
					}
					time.Sleep(5 * time.Millisecond) // traffic, in which scripts are loaded again
				}
				o.progress(o.clerks, 30*time.Second)
				o.stop()
				o.flawless(o.clerks)
			})
		})
	}
}

// TestServerKilled kills a server under load and starts it again.
func TestServerKilled(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := own(t, "single")
		s := newStore(t, a, at)
		kept := create(t, s, owned("ann", "kept"))
		gone := create(t, s, owned("ann", "gone"))
		require.NoError(t, s.Delete(t.Context(), gone))
		o := newOffice(t, 16, s, newStore(t, a, at))
		o.progress(o.clerks, 30*time.Second)
		at.kill(t, "redis")

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := s.Load(ctx, kept)
		require.Error(t, err)
		require.False(t, errors.Is(err, store.ErrNotFound), "%v", err)
		require.Error(t, s.Ping(ctx))
		n, err := s.DeleteOwned(ctx, "ann")
		require.Error(t, err)
		require.Zero(t, n)

		o.noticed(o.clerks)
		at.start(t, "redis")
		o.progress(o.clerks, 30*time.Second)
		o.stop()
		r, err := s.Load(t.Context(), kept)
		require.NoError(t, err)
		require.Equal(t, "kept", string(r.Data))
		_, err = s.Load(t.Context(), gone)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

// TestKill kills a server over and over in the midst of saves, renewals, log-outs
// and revocations, and finds after each start what was acknowledged.
func TestKill(t *testing.T) {
	kills := killtest.Kills(3)
	onEach(t, func(t *testing.T, a adapter) {
		at := own(t, "single")
		s := newStore(t, a, at)
		var l killtest.Ledger
		for l.More(kills) {
			require.NoError(t, l.KillServer(t.Context(), s, 100*time.Millisecond, func() { at.kill(t, "redis") }))
			at.start(t, "redis")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			require.NoError(t, l.Check(ctx, s))
			cancel()
		}
		t.Log(l.Report("redisstore, " + a.name))
	})
}
