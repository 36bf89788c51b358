package servers

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/killtest"
)

// TestKill kills a server over and over in the midst of saves, renewals, log-outs
// and revocations, and finds after each start what was acknowledged.
func TestKill(t *testing.T) {
	kills := killtest.Kills(2)
	for _, e := range []engine{pgx, maria} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			server := e.own(t)
			s := e.on(t, e.open(t, server.source), "sesame")
			var l killtest.Ledger
			for l.More(kills) {
				require.NoError(t, l.KillServer(t.Context(), s, 100*time.Millisecond, func() { server.kill(t) }))
				server.start(t)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				require.NoError(t, l.Check(ctx, s))
				cancel()
			}
			t.Log(l.Report("sqlstore, " + e.service))
		})
	}
}
