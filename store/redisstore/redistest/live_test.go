package redistest

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/testtools/devicestest"
	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
)

// viewer is the session of a stream.
type viewer struct{ User string }

func (v viewer) Owner() string { return v.User }

// TestLive: a stream of one process ends when another destroys, revokes or
// renews its session.
func TestLive(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := shared(t, "single")
		prefix := redisstore.WithPrefix(newPrefix())
		here := sesame.New[viewer](sesame.WithStore(redisstore.New(a.connect(t, at, nil), prefix)))
		there := sesame.New[viewer](sesame.WithStore(redisstore.New(a.connect(t, at, nil), prefix)))
		for name, end := range map[string]func(c *http.Cookie){
			"destroyed": func(c *http.Cookie) { devicestest.Handle(there, c, there.Destroy) },
			"renewed":   func(c *http.Cookie) { devicestest.Handle(there, c, there.Renew) },
			"revoked": func(c *http.Cookie) {
				k, err := store.ParseKey(c.Value[:22])
				require.NoError(t, err)
				require.NoError(t, there.Revoke(t.Context(), k.String()))
			},
			"revoked by owner": func(*http.Cookie) {
				_, err := there.RevokeOwner(t.Context(), "ann")
				require.NoError(t, err)
			},
		} {
			t.Run(name, func(t *testing.T) {
				c, other := sesametest.Cookie(t, there, viewer{User: "ann"}), sesametest.Cookie(t, there, viewer{User: "bob"})
				live, bystander := devicestest.OpenStream(t, here, c), devicestest.OpenStream(t, here, other)
				time.Sleep(200 * time.Millisecond) // it watches by now
				require.NoError(t, live.Err())
				end(c)
				devicestest.StreamEnds(t, live, devicestest.Soon)
				require.NoError(t, bystander.Err())
			})
		}
	})
}

// TestLiveDisconnected: what ends while the connections are lost is noticed when
// the network is well again, within the poll. Until then a stream goes on.
func TestLiveDisconnected(t *testing.T) {
	for name, disturb := range map[string]func(*faultproxy.Proxy){
		"cut":    func(p *faultproxy.Proxy) { p.Refuse(); p.Cut() },
		"silent": func(p *faultproxy.Proxy) { p.BlackHole(faultproxy.Both) },
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, a adapter) {
				at := shared(t, "single")
				n := newNetwork(t)
				prefix := redisstore.WithPrefix(newPrefix())
				here := sesame.New[viewer](sesame.WithStore(redisstore.New(a.connect(t, at, n), prefix)), sesame.WithStoreTimeout(time.Second))
				there := sesame.New[viewer](sesame.WithStore(redisstore.New(a.connect(t, at, nil), prefix)))
				c := sesametest.Cookie(t, there, viewer{User: "ann"})
				live := devicestest.OpenStream(t, here, c)
				time.Sleep(devicestest.Poll) // it watches, and has looked
				n.each(disturb)
				devicestest.Handle(there, c, there.Destroy)
				time.Sleep(time.Second)
				require.NoError(t, live.Err(), "a store that fails ends no stream")
				n.each((*faultproxy.Proxy).Heal)
				devicestest.StreamEnds(t, live, devicestest.Poll)
			})
		})
	}
}

// TestLiveCutOnce: connections that are lost for a moment, and restored by the
// client, may have lost the word of a session that has ended. Then the store
// watches again.
func TestLiveCutOnce(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := shared(t, "single")
		n := newNetwork(t)
		prefix := redisstore.WithPrefix(newPrefix())
		here := sesame.New[viewer](sesame.WithStore(redisstore.New(a.connect(t, at, n), prefix)))
		there := sesame.New[viewer](sesame.WithStore(redisstore.New(a.connect(t, at, nil), prefix)))
		first, second := sesametest.Cookie(t, there, viewer{User: "ann"}), sesametest.Cookie(t, there, viewer{User: "ann"})
		missed, told := devicestest.OpenStream(t, here, first), devicestest.OpenStream(t, here, second)
		time.Sleep(devicestest.Poll) // it watches, and has looked
		n.each((*faultproxy.Proxy).Cut)
		devicestest.Handle(there, first, there.Destroy)
		devicestest.StreamEnds(t, missed, devicestest.Poll)
		time.Sleep(devicestest.Poll) // it watches again
		require.NoError(t, told.Err())
		devicestest.Handle(there, second, there.Destroy)
		devicestest.StreamEnds(t, told, devicestest.Soon)
	})
}

// apart is a store that watches by a network of its own.
type apart struct {
	*redisstore.Store
	watcher *redisstore.Store
}

func (s apart) Watch(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	return s.watcher.Watch(ctx, ended)
}

// TestLiveDeadWatch: a connection that says nothing any more, without an end,
// does not leave streams open, once the adapter has found out.
func TestLiveDeadWatch(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := shared(t, "single")
		n := newNetwork(t)
		n.pings = true
		prefix := redisstore.WithPrefix(newPrefix())
		st := apart{redisstore.New(a.connect(t, at, nil), prefix), redisstore.New(a.connect(t, at, n), prefix)}
		here := sesame.New[viewer](sesame.WithStore(st))
		there := sesame.New[viewer](sesame.WithStore(redisstore.New(a.connect(t, at, nil), prefix)))
		c := sesametest.Cookie(t, there, viewer{User: "ann"})
		live := devicestest.OpenStream(t, here, c)
		time.Sleep(devicestest.Poll) // it watches, and has looked
		n.each(func(p *faultproxy.Proxy) { p.BlackHole(faultproxy.Both) })
		devicestest.Handle(there, c, there.Destroy)
		devicestest.StreamEnds(t, live, 11*time.Second+devicestest.Poll)
	})
}
