package natstest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/testtools/lincheck"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
	"github.com/sesame-go/sesame/store/storetest"
)

// A cluster is three servers.
type cluster struct {
	servers [3]*server.Server
	options [3]*server.Options
}

// startCluster runs three servers until the test ends, and waits until they
// have agreed on a leader.
func startCluster(t *testing.T) *cluster {
	c := new(cluster)
	var routes []*url.URL
	for i := range c.options {
		opts := options(t.TempDir())
		opts.ServerName = fmt.Sprintf("n%d", i)
		opts.Port = freePort(t) // the same when it is started again
		opts.Cluster = server.ClusterOpts{Name: "natstest", Host: "127.0.0.1", Port: freePort(t)}
		routes = append(routes, &url.URL{Scheme: "nats-route", Host: fmt.Sprintf("127.0.0.1:%d", opts.Cluster.Port)})
		c.options[i] = opts
	}
	for i, opts := range c.options {
		opts.Routes = routes
		c.servers[i] = run(t, opts)
	}
	for _, srv := range c.servers {
		require.True(t, srv.ReadyForConnections(20*time.Second), "the server does not start")
	}
	require.Eventually(t, func() bool {
		for _, srv := range c.servers {
			if srv.JetStreamIsLeader() {
				return len(srv.JetStreamClusterPeers()) == 3
			}
		}
		return false
	}, time.Minute, 20*time.Millisecond, "the cluster has no leader")
	return c
}

// urls returns the addresses of all servers.
func (c *cluster) urls() string {
	var all []string
	for _, opts := range c.options {
		all = append(all, fmt.Sprintf("nats://127.0.0.1:%d", opts.Port))
	}
	return strings.Join(all, ",")
}

// leader returns the number of the server that leads a bucket, -1 if none
// does.
func (c *cluster) leader(bucket string) int {
	for i, srv := range c.servers {
		if srv.Running() && srv.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, "KV_"+bucket) {
			return i
		}
	}
	return -1
}

// TestCluster checks buckets with three replicas, by way of two servers.
func TestCluster(t *testing.T) {
	c := startCluster(t)
	lincheck.Run(t, func(t *testing.T) store.Store { return newTwo(t, 3, c.servers[0], c.servers[1]) })
}

// newTwo returns two stores in one bucket, which are called in turn.
func newTwo(t *testing.T, replicas int, servers ...*server.Server) store.Store {
	name := natsstore.WithBucket(bucket())
	var s [2]store.Store
	for i := range s {
		// Three servers on a busy machine may take long to agree.
		js := connect(t, servers[i%len(servers)].ClientURL(), jetstream.WithDefaultTimeout(time.Minute))
		s[i] = open(t, js, name, natsstore.WithReplicas(replicas))
	}
	return storetest.InTurn(s[0], s[1])
}

// TestLeaderStopped takes the leader of a bucket away, twice, while writers
// count, log in and log out. What was acknowledged stays: no increment is
// lost, and no session that logged out comes back.
func TestLeaderStopped(t *testing.T) {
	c := startCluster(t)
	name := bucket()
	s := open(t, connect(t, c.urls()), natsstore.WithBucket(name), natsstore.WithReplicas(3))

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const writers = 4
	var acknowledged [writers]counts
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() { acknowledged[w].work(ctx, t, s, w) })
	}
	for range 2 {
		before := acknowledged[0].sum()
		require.Eventually(t, func() bool { return acknowledged[0].sum() > before+50 }, time.Minute, time.Millisecond)
		old := -1
		require.Eventually(t, func() bool { // there may be an election
			old = c.leader(name)
			return old >= 0
		}, time.Minute, 10*time.Millisecond)
		stop(c.servers[old])
		require.Eventually(t, func() bool { return c.leader(name) >= 0 }, time.Minute, 10*time.Millisecond)
		before = acknowledged[0].sum()
		require.Eventually(t, func() bool { return acknowledged[0].sum() > before+50 }, time.Minute, time.Millisecond,
			"the store does not recover")
		c.servers[old] = start(t, c.options[old])
		require.Eventually(t, func() bool {
			return c.servers[old].JetStreamIsStreamCurrent(server.DEFAULT_GLOBAL_ACCOUNT, "KV_"+name)
		}, time.Minute, 10*time.Millisecond)
	}
	cancel()
	wg.Wait()

	for w := range writers {
		r, err := s.Load(t.Context(), key(w))
		require.NoError(t, err)
		var n int
		fmt.Sscan(string(r.Data), &n)
		got := &acknowledged[w]
		require.GreaterOrEqual(t, n, got.added)
		require.LessOrEqual(t, n, got.added+got.unknown)
		for _, k := range got.loggedOut {
			_, err := s.Load(t.Context(), k)
			require.ErrorIs(t, err, store.ErrNotFound)
		}
		for _, k := range got.loggedIn {
			_, err := s.Load(t.Context(), k)
			require.NoError(t, err)
		}
	}
}

// TestWatchLeaderStopped takes the leader of a bucket away while sessions are
// deleted. A watch by way of another server misses none of them.
func TestWatchLeaderStopped(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	name := bucket()
	s := open(t, connect(t, c.urls()), natsstore.WithBucket(name), natsstore.WithReplicas(3))
	old := -1
	require.Eventually(t, func() bool {
		old = c.leader(name)
		return old >= 0
	}, time.Minute, 10*time.Millisecond)
	near := connect(t, c.servers[(old+1)%3].ClientURL(), jetstream.WithDefaultTimeout(time.Minute))
	keys := make(chan store.Key, 100_000)
	watcher := open(t, near, natsstore.WithBucket(name))
	done, err := watcher.Watch(t.Context(), func(k store.Key) { keys <- k })
	require.NoError(t, err)

	var deleted []store.Key
	work := func(n int) {
		for before := len(deleted); len(deleted) < before+n; {
			call, cancel := context.WithTimeout(t.Context(), time.Second)
			k := key(rand.N(1 << 24))
			if _, err := s.Save(call, k, record("in")); err == nil && s.Delete(call, k) == nil {
				deleted = append(deleted, k)
			}
			cancel()
		}
	}
	work(50)
	stop(c.servers[old])
	work(50)
	requireTold(t, keys, deleted...)
	select {
	case <-done:
		t.Fatal("watching has ended")
	default:
	}
}

// counts is what a writer was answered.
type counts struct {
	mu                  sync.Mutex
	added, unknown      int
	loggedIn, loggedOut []store.Key
}

func (c *counts) sum() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.added
}

// work counts in a session of its own, and logs in and out, until the context
// is done.
func (c *counts) work(ctx context.Context, t *testing.T, s *natsstore.Store, w int) {
	last := -1 // the count as it was last acknowledged
	for i := 0; ctx.Err() == nil; i++ {
		call, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		r, err := s.Load(call, key(w))
		var n int
		fmt.Sscan(string(r.Data), &n)
		switch {
		case err == nil:
			assert.GreaterOrEqual(t, n, last, "an increment was lost")
			r.Data = fmt.Append(nil, n+1)
		case errors.Is(err, store.ErrNotFound):
			assert.Equal(t, -1, last, "the session was lost")
			r, err = record("1"), nil
		}
		if err == nil {
			_, err = s.Save(call, key(w), r)
			c.mu.Lock()
			if err == nil {
				c.added++
				last = n + 1
			} else {
				c.unknown++ // refused, or done without an answer
			}
			c.mu.Unlock()
		}
		k := key(1000 + i*8 + w)
		if _, err := s.Save(call, k, record("in")); err == nil {
			if i%2 == 0 {
				c.loggedIn = append(c.loggedIn, k)
			} else if s.Delete(call, k) == nil {
				c.loggedOut = append(c.loggedOut, k)
				_, err := s.Load(call, k)
				assert.Error(t, err, "a session is there after its log-out")
			}
		}
		cancel()
	}
}
