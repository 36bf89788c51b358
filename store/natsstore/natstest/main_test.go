// Package natstest tests natsstore on real servers, which it runs in the
// process. It is a module of its own, so that users of natsstore need not
// download the server.
package natstest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
)

// options returns those of a server that keeps its files in dir. It takes
// messages of more than a megabyte, since storetest saves one.
func options(dir string) *server.Options {
	return &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT,
		JetStream: true, StoreDir: dir,
		MaxPayload: 8 << 20,
		NoLog:      true, NoSigs: true,
	}
}

// start runs a server until the test ends and waits until it is there.
func start(t testing.TB, opts *server.Options) *server.Server {
	srv := run(t, opts)
	require.True(t, srv.ReadyForConnections(20*time.Second), "the server does not start")
	return srv
}

func run(t testing.TB, opts *server.Options) *server.Server {
	srv, err := server.NewServer(opts)
	require.NoError(t, err)
	srv.Start()
	t.Cleanup(func() { stop(srv) })
	return srv
}

func stop(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

var (
	firstPort = rand.Int64N(10_000) // others may run tests at this time, too
	ports     atomic.Int64
)

// freePort returns a port that no other test has and that is below those that
// the system gives to clients, so that it is still free when a server is
// started again.
func freePort(t testing.TB) int {
	for range 10_000 {
		port := 10_000 + int((firstPort+ports.Add(1))%10_000)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			require.NoError(t, l.Close())
			return port
		}
	}
	t.Fatal("there is no free port")
	return 0
}

// connect returns a connection of its own, which restores itself for as long
// as the test runs.
func connect(t testing.TB, url string, opts ...jetstream.JetStreamOpt) jetstream.JetStream {
	nc, err := dial(url, 0)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc, opts...)
	require.NoError(t, err)
	return js
}

// dial connects, by a network that takes so much longer for each write.
func dial(url string, delay time.Duration) (*nats.Conn, error) {
	return nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.SetCustomDialer(slowDialer(delay)))
}

type slowDialer time.Duration

func (d slowDialer) Dial(network, address string) (net.Conn, error) {
	c, err := net.Dial(network, address)
	if err != nil || d == 0 {
		return c, err
	}
	return &slowConn{c, time.Duration(d)}, nil
}

type slowConn struct {
	net.Conn
	delay time.Duration
}

func (c *slowConn) Write(p []byte) (int, error) {
	time.Sleep(c.delay)
	return c.Conn.Write(p)
}

var buckets atomic.Int64

// bucket returns a name that no other test has.
func bucket() string { return fmt.Sprintf("b%d", buckets.Add(1)) }

// open returns a store, in a new bucket unless opts name one.
func open(t testing.TB, js jetstream.JetStream, opts ...natsstore.Option) *natsstore.Store {
	s, err := natsstore.Open(context.Background(), js, append([]natsstore.Option{natsstore.WithBucket(bucket())}, opts...)...)
	require.NoError(t, err)
	return s
}

// stream returns the stream of a bucket.
func stream(t testing.TB, js jetstream.JetStream, bucket string) jetstream.Stream {
	st, err := js.Stream(context.Background(), "KV_"+bucket)
	require.NoError(t, err)
	return st
}

func key(n int) store.Key {
	return store.Key{15: byte(n), 1: byte(n), 0: byte(n >> 8), 14: byte(n >> 16)}
}

func record(data string) store.Record {
	return store.Record{Expires: time.Now().Add(time.Hour).Truncate(time.Millisecond), Data: []byte(data)}
}

// each calls f with the numbers below n, 64 at a time.
func each(n int, f func(i int)) {
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			for i := w; i < n; i += 64 {
				f(i)
			}
		})
	}
	wg.Wait()
}
