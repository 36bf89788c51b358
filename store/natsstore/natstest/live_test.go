package natstest

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/testtools/devicestest"
	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store/natsstore"
)

// TestLive: a stream of one process ends when another destroys, revokes or
// renews its session.
func TestLive(t *testing.T) {
	t.Parallel()
	srv := start(t, options(t.TempDir()))
	name := natsstore.WithBucket(bucket())
	here := sesame.New[visit](sesame.WithStore(open(t, connect(t, srv.ClientURL()), name)))
	there := sesame.New[visit](sesame.WithStore(open(t, connect(t, srv.ClientURL()), name)))
	for name, end := range map[string]func(c *http.Cookie){
		"destroyed": func(c *http.Cookie) { devicestest.Handle(there, c, there.Destroy) },
		"renewed":   func(c *http.Cookie) { devicestest.Handle(there, c, there.Renew) },
		"revoked": func(c *http.Cookie) {
			id, _, _ := strings.Cut(c.Value, ".")
			require.NoError(t, there.Revoke(t.Context(), id))
		},
		"revoked by owner": func(*http.Cookie) {
			_, err := there.RevokeOwner(t.Context(), "ann")
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, other := sesametest.Cookie(t, there, visit{User: "ann"}), sesametest.Cookie(t, there, visit{User: "bob"})
			live, bystander := devicestest.OpenStream(t, here, c), devicestest.OpenStream(t, here, other)
			time.Sleep(200 * time.Millisecond) // it watches by now
			for range 3 {
				devicestest.Handle(there, c, func(ctx context.Context) { there.Get(ctx).Times++ }) // of which NATS tells, too
			}
			require.NoError(t, live.Err())
			end(c)
			devicestest.StreamEnds(t, live, devicestest.Soon)
			require.NoError(t, bystander.Err())
		})
	}
}

// TestLiveDisconnected: what ends while the connection is lost is noticed when
// the network is well again, within the poll. Until then a stream goes on.
func TestLiveDisconnected(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(*faultproxy.Proxy){
		"cut":    func(p *faultproxy.Proxy) { p.Refuse(); p.Cut() },
		"silent": func(p *faultproxy.Proxy) { p.BlackHole(faultproxy.Both) },
		"deaf":   func(p *faultproxy.Proxy) { p.BlackHole(faultproxy.ToClient) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := start(t, options(t.TempDir()))
			p, err := faultproxy.New(strings.TrimPrefix(srv.ClientURL(), "nats://"))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, p.Close()) })
			name := natsstore.WithBucket(bucket())
			here := sesame.New[visit](sesame.WithStore(open(t, connect(t, "nats://"+p.Addr()), name)), sesame.WithStoreTimeout(time.Second))
			there := sesame.New[visit](sesame.WithStore(open(t, connect(t, srv.ClientURL()), name)))
			c := sesametest.Cookie(t, there, visit{User: "ann"})
			live := devicestest.OpenStream(t, here, c)
			time.Sleep(devicestest.Poll) // it watches, and has looked
			disturb(p)
			devicestest.Handle(there, c, there.Destroy)
			time.Sleep(time.Second)
			require.NoError(t, live.Err(), "a store that fails ends no stream")
			p.Heal()
			devicestest.StreamEnds(t, live, devicestest.Poll)
		})
	}
}

// TestLiveCutOnce: a connection that is lost for a moment, and restored by the
// client, may have lost the word of a session that has ended. Then the store
// watches again.
func TestLiveCutOnce(t *testing.T) {
	t.Parallel()
	srv := start(t, options(t.TempDir()))
	p, err := faultproxy.New(strings.TrimPrefix(srv.ClientURL(), "nats://"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	name := natsstore.WithBucket(bucket())
	here := sesame.New[visit](sesame.WithStore(open(t, connect(t, "nats://"+p.Addr()), name)))
	there := sesame.New[visit](sesame.WithStore(open(t, connect(t, srv.ClientURL()), name)))
	first, second := sesametest.Cookie(t, there, visit{User: "ann"}), sesametest.Cookie(t, there, visit{User: "ann"})
	missed, told := devicestest.OpenStream(t, here, first), devicestest.OpenStream(t, here, second)
	time.Sleep(devicestest.Poll) // it watches, and has looked
	p.Cut()
	devicestest.Handle(there, first, there.Destroy)
	devicestest.StreamEnds(t, missed, devicestest.Poll)
	time.Sleep(devicestest.Poll) // it watches again
	require.NoError(t, told.Err())
	devicestest.Handle(there, second, there.Destroy)
	devicestest.StreamEnds(t, told, devicestest.Soon)
}
