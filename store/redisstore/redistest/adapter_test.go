package redistest

import (
	"context"
	"crypto/tls"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/goredis"
	sesamerueidis "github.com/sesame-go/sesame/store/redisstore/rueidis"
)

// An adapter connects a store with a site, through a network that a test can
// disturb, or directly if it is nil. Each call makes a client of its own, as
// each process has it.
type adapter struct {
	name    string
	connect func(t testing.TB, at site, n *network) redisstore.Conn
}

var adapters = []adapter{
	{"goredis", connectGoredis},
	{"rueidis", func(t testing.TB, at site, n *network) redisstore.Conn { return connectRueidis(t, at, n) }},
}

// patience is the clients' timeout for one command if the network can be
// disturbed: short, as outages are what is tested.
const patience = 1000 * time.Millisecond

// timeout returns patience, or without a network what is longer than a busy
// machine takes.
func timeout(n *network) time.Duration {
	if n == nil {
		return 10 * time.Second
	}
	return patience
}

func connectGoredis(t testing.TB, at site, n *network) redisstore.Conn {
	opts := &redis.UniversalOptions{
		Addrs: at.addrs, IsClusterMode: at.kind == "cluster",
		DialTimeout: timeout(n), ReadTimeout: timeout(n), WriteTimeout: timeout(n),
	}
	if at.kind == "sentinel" {
		opts.MasterName = "sesame"
	}
	if n != nil {
		opts.Dialer = func(ctx context.Context, _, addr string) (net.Conn, error) { return n.dial(ctx, addr) }
	}
	client := redis.NewUniversalClient(opts)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return goredis.New(client)
}

func connectRueidis(t testing.TB, at site, n *network, opts ...sesamerueidis.Option) redisstore.Conn {
	o := rueidis.ClientOption{
		InitAddress: at.addrs, ShuffleInit: true, ConnWriteTimeout: timeout(n),
		DisableCache: len(opts) == 0,
		Dialer:       net.Dialer{Timeout: timeout(n), KeepAlive: time.Second},
	}
	if at.kind == "sentinel" {
		o.Sentinel = rueidis.SentinelOption{MasterSet: "sesame"}
	}
	if n != nil {
		if !n.pings {
			o.Dialer.KeepAlive = time.Hour
		}
		o.DialCtxFn = func(ctx context.Context, addr string, _ *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return n.dial(ctx, addr)
		}
	}
	client, err := rueidis.NewClient(o)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return sesamerueidis.New(client, opts...)
}

// A network has a proxy before each server that a client dials.
type network struct {
	t       testing.TB
	pings   bool // rueidis may ping: round trips are not counted
	mu      sync.Mutex
	proxies map[string]*faultproxy.Proxy
}

func newNetwork(t testing.TB) *network {
	n := &network{t: t, proxies: make(map[string]*faultproxy.Proxy)}
	t.Cleanup(func() {
		n.each(func(p *faultproxy.Proxy) { require.NoError(t, p.Close()) })
	})
	return n
}

// proxy returns the one before a server.
func (n *network) proxy(addr string) *faultproxy.Proxy {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.proxies[addr]
	if p == nil {
		var err error
		p, err = faultproxy.New(addr)
		require.NoError(n.t, err)
		n.proxies[addr] = p
	}
	return p
}

func (n *network) dial(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: patience}
	return d.DialContext(ctx, "tcp", n.proxy(addr).Addr())
}

func (n *network) each(f func(*faultproxy.Proxy)) {
	n.mu.Lock()
	proxies := slices.Collect(maps.Values(n.proxies))
	n.mu.Unlock()
	for _, p := range proxies {
		f(p)
	}
}
