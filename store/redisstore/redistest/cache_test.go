package redistest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/faultproxy"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/rueidis"
	"github.com/sesame-go/sesame/store/storetest"
)

// cached returns a store with a cache, and the network that it goes through.
func cached(t testing.TB, at site, prefix string, ttl time.Duration) (*redisstore.Store, *network) {
	n := newNetwork(t)
	return redisstore.New(connectRueidis(t, at, n, rueidis.WithCache(ttl)), redisstore.WithPrefix(prefix)), n
}

// TestCache has the suite run over one store with a cache: whoever writes sees
// it at once.
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
	s, n := cached(t, at, prefix, time.Minute)
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

// TestCacheLogout logs out through one process and looks through another, with
// the server's word of it on its way and with it swallowed.
func TestCacheLogout(t *testing.T) {
	const bound = 2 * time.Second
	for _, kind := range []string{"single", "cluster"} {
		t.Run(kind, func(t *testing.T) {
			at := shared(t, kind)
			prefix := newPrefix()
			reader, n := cached(t, at, prefix, bound)
			writer, _ := cached(t, at, prefix, bound)
			for name, disturb := range map[string]func(*faultproxy.Proxy){
				"well":       func(*faultproxy.Proxy) {},
				"black hole": func(p *faultproxy.Proxy) { p.BlackHole(faultproxy.ToClient) },
				"stall":      func(p *faultproxy.Proxy) { p.Stall(faultproxy.ToClient) },
				"cut":        func(p *faultproxy.Proxy) { p.Refuse(); p.Cut() },
			} {
				k := create(t, writer, record("data"))
				var cachedAt time.Time
				eventually(t, respite, func(ctx context.Context) error {
					cachedAt = time.Now()
					_, err := reader.Load(ctx, k)
					return err
				})
				n.each(disturb)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				require.NoError(t, writer.Delete(ctx, k))
				_, err := writer.Load(ctx, k)
				require.ErrorIs(t, err, store.ErrNotFound, "whoever logs out sees it at once")
				for {
					asked := time.Now()
					attempt, end := context.WithTimeout(ctx, 100*time.Millisecond)
					_, err := reader.Load(attempt, k)
					end()
					if err != nil {
						break // logged out, or an outage
					}
					if name == "well" {
						require.Less(t, time.Since(cachedAt), bound, "by the server's word, not by time")
					}
					require.LessOrEqual(t, asked.Sub(cachedAt), bound+time.Second, name)
					time.Sleep(time.Millisecond)
				}
				cancel()
				n.each((*faultproxy.Proxy).Heal)
				eventually(t, respite, func(ctx context.Context) error {
					if _, err := reader.Load(ctx, k); !errors.Is(err, store.ErrNotFound) {
						return errors.Join(errors.New("not logged out"), err)
					}
					return nil
				})
			}
		})
	}
}
