package redistest

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/rueidis"
	"github.com/sesame-go/sesame/store/storetest"
)

// TestCache has the suite run over one store with a cache: a process that writes
// sees it at once.
func TestCache(t *testing.T) {
	conn := connectRueidis(t, shared(t, "single"), nil, rueidis.WithCache(time.Second))
	storetest.Run(t, func(*testing.T) store.Store {
		return redisstore.New(conn, redisstore.WithPrefix(newPrefix()))
	})
}

// TestCacheHit sees that the cache is worth it: no round trip.
func TestCacheHit(t *testing.T) {
	at := shared(t, "single")
	prefix := newPrefix()
	n := newNetwork(t)
	s := redisstore.New(connectRueidis(t, at, n, rueidis.WithCache(time.Minute)), redisstore.WithPrefix(prefix))
	writer := redisstore.New(connectRueidis(t, at, nil), redisstore.WithPrefix(prefix))
	k := create(t, writer, record("data"))
	_, err := s.Load(t.Context(), k)
	require.NoError(t, err)
	before := n.proxy(at.addrs[0]).Traffic()
	for range 100 {
		r, err := s.Load(t.Context(), k)
		require.NoError(t, err)
		require.Equal(t, "data", string(r.Data))
	}
	require.Zero(t, n.proxy(at.addrs[0]).Traffic().Sub(before).RoundTrips)
}

// staleness is the ttl of the cache in TestCacheLogout, and so for how long a
// log-out in another process may go unseen.
const staleness = 2 * time.Second

// cacheAdapter is rueidis with a cache.
var cacheAdapter = adapter{"rueidis-cache", func(t testing.TB, at site, n *network) redisstore.Conn {
	return connectRueidis(t, at, n, rueidis.WithCache(staleness))
}}

// TestCacheLogout logs out in another process and goes on asking this one, which
// has the session in its cache: with the server's report of it on its way, and
// with the report swallowed. The other process, which has a cache too, sees the
// log-out at once.
func TestCacheLogout(t *testing.T) {
	for _, kind := range []string{"single", "cluster"} {
		t.Run(kind, func(t *testing.T) {
			at := shared(t, kind)
			p := newProduct(t, cacheAdapter, at)
			other := start(t, part{Role: "logouts", Adapter: cacheAdapter.name, Kind: kind, Addrs: at.addrs, Prefix: p.prefix})
			for name, disturb := range map[string]func(*faultproxy.Proxy){
				"well":       func(*faultproxy.Proxy) {},
				"black hole": func(p *faultproxy.Proxy) { p.BlackHole(faultproxy.ToClient) },
				"stall":      func(p *faultproxy.Proxy) { p.Stall(faultproxy.ToClient) },
				"cut":        func(p *faultproxy.Proxy) { p.Refuse(); p.Cut() },
			} {
				b := p.login("ann")
				time.Sleep(staleness) // this process no longer knows that it has written the session
				var cachedAt time.Time
				eventually(t, respite, func(context.Context) error {
					cachedAt = time.Now()
					_, err := b.visit("/look")
					return err
				})
				p.network.each(disturb)
				require.Equal(t, "out", other.order(b.token))
				stale := 0
				for {
					asked := time.Now()
					a, err := p.handle("/look", b.token)
					require.NoError(t, err)
					if a.user == "" {
						break // logged out, or an outage
					}
					stale++
					if name == "well" {
						require.Less(t, time.Since(cachedAt), staleness, "by the server's report, not by time")
					}
					require.LessOrEqual(t, asked.Sub(cachedAt), staleness+time.Second, name)
					time.Sleep(time.Millisecond)
				}
				if name == "black hole" || name == "stall" {
					require.NotZero(t, stale, "nothing was read from the cache: the test shows nothing")
				}
				p.heal()
				a := p.askUntil("/look", b.token, func(a answer) bool { return a.status == http.StatusOK })
				require.Empty(t, a.user)
			}
		})
	}
}

// playLogouts logs out with each token that it is given.
func playLogouts(t testing.TB, at part, orders *bufio.Scanner) {
	p := openProduct(t, cacheAdapter, site{kind: at.Kind, addrs: at.Addrs}, at.Prefix)
	for orders.Scan() {
		a, err := p.handle("/logout", orders.Text())
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, a.status)
		a, err = p.handle("/look", orders.Text())
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, a.status)
		require.Empty(t, a.user, "the process that logs out sees it at once")
		fmt.Println("out")
	}
}
