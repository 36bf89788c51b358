package natstest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
	"github.com/sesame-go/sesame/store"
)

// TestNetwork disturbs the network between a store and its server. Calls end
// with their context and are outages, nothing is taken for a missing session,
// and when the network is well again so is the store.
func TestNetwork(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(*faultproxy.Proxy){
		"refuse":             func(p *faultproxy.Proxy) { p.Refuse(); p.Cut() },
		"black-hole":         func(p *faultproxy.Proxy) { p.BlackHole(faultproxy.Both) },
		"black-hole-replies": func(p *faultproxy.Proxy) { p.BlackHole(faultproxy.ToClient) },
		"stall":              func(p *faultproxy.Proxy) { p.Stall(faultproxy.ToServer) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := start(t, options(t.TempDir())).ClientURL()
			p, err := faultproxy.New(strings.TrimPrefix(url, "nats://"))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, p.Close()) })
			s := open(t, connect(t, "nats://"+p.Addr(), jetstream.WithDefaultTimeout(time.Minute)))
			r := record("data")
			r.Owner = "ann"
			for n := range 2 {
				_, err = s.Save(t.Context(), key(1+n), r)
				require.NoError(t, err)
			}

			disturb(p)
			begin := time.Now()
			for _, method := range []string{"Load", "Touch", "Ping", "All", "Owned"} { // what changes nothing, or only an expiry
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				err := calls[method](ctx, s)
				cancel()
				requireOutage(t, map[string]error{method: err})
				require.ErrorIs(t, err, context.DeadlineExceeded, method)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			requireOutage(t, map[string]error{"Delete": s.Delete(ctx, key(2))})
			cancel()
			require.Less(t, time.Since(begin), 10*time.Second)

			p.Heal()
			require.Eventually(t, func() bool { // a call that was sent before the client notices is lost
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				return s.Ping(ctx) == nil
			}, 30*time.Second, 10*time.Millisecond)
			got, err := s.Load(t.Context(), key(1))
			require.NoError(t, err)
			require.Equal(t, "data", string(got.Data))
			_, err = s.Load(t.Context(), key(2)) // as it was or deleted
			require.True(t, err == nil || errors.Is(err, store.ErrNotFound), "%v", err)
			require.NoError(t, s.Delete(t.Context(), key(2)))
			_, err = s.Load(t.Context(), key(2))
			require.ErrorIs(t, err, store.ErrNotFound)
		})
	}
}

// TestConnectionsEnded has the network end the connection between calls, as a
// server does that ends idle ones, or a firewall. No call fails: the client
// connects again within the time of the call.
func TestConnectionsEnded(t *testing.T) {
	t.Parallel()
	url := start(t, options(t.TempDir())).ClientURL()
	p, err := faultproxy.New(strings.TrimPrefix(url, "nats://"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	s := open(t, connect(t, "nats://"+p.Addr()))
	for method, call := range calls {
		if method == "Save again" || method == "Watch" {
			continue // a conflict on purpose; a watch that ends with the connection
		}
		r := record("data")
		r.Owner = "ann"
		for n := range 3 {
			require.NoError(t, s.Delete(t.Context(), key(n)))
		}
		_, err := s.Save(t.Context(), key(1), r)
		require.NoError(t, err)
		p.Cut()
		time.Sleep(50 * time.Millisecond) // idle
		require.NoError(t, call(t.Context(), s), method)
	}
}
