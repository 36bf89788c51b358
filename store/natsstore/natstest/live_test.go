package natstest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store/natsstore"
)

// soon is how long a stream may go on when the store watches, and poll how long
// when it does not, on a machine that is busy with other tests.
const (
	soon = 100 * time.Millisecond
	poll = 2*time.Second + 500*time.Millisecond
)

// handle runs f as the handler of a request with the cookie.
func handle(m *sesame.Manager[visit], c *http.Cookie, f func(ctx context.Context)) {
	r := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	r.AddCookie(c)
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(r.Context()) })).ServeHTTP(httptest.NewRecorder(), r)
}

// openStream opens one that goes on until the test ends.
func openStream(t *testing.T, m *sesame.Manager[visit], c *http.Cookie) (live context.Context) {
	opened, over, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		handle(m, c, func(ctx context.Context) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel() // as net/http does
			live = m.Live(ctx)
			close(opened)
			<-over
		})
	}()
	<-opened
	t.Cleanup(func() { close(over); <-done })
	return live
}

// requireEnds waits for a stream to end with its session.
func requireEnds(t *testing.T, live context.Context, within time.Duration) {
	t.Helper()
	began := time.Now()
	select {
	case <-live.Done():
	case <-time.After(time.Minute):
		t.Fatal("the stream has not ended")
	}
	took := time.Since(began)
	t.Logf("ended after %v", took)
	require.ErrorIs(t, context.Cause(live), sesame.ErrNotFound)
	require.LessOrEqual(t, took, within)
}

// TestLive: a stream of one process ends when another destroys, revokes or
// renews its session.
func TestLive(t *testing.T) {
	t.Parallel()
	srv := start(t, options(t.TempDir()))
	name := natsstore.WithBucket(bucket())
	here := sesame.New[visit](sesame.WithStore(open(t, connect(t, srv.ClientURL()), name)))
	there := sesame.New[visit](sesame.WithStore(open(t, connect(t, srv.ClientURL()), name)))
	for name, end := range map[string]func(c *http.Cookie){
		"destroyed": func(c *http.Cookie) { handle(there, c, there.Destroy) },
		"renewed":   func(c *http.Cookie) { handle(there, c, there.Renew) },
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
			live, bystander := openStream(t, here, c), openStream(t, here, other)
			time.Sleep(200 * time.Millisecond) // it watches by now
			for range 3 {
				handle(there, c, func(ctx context.Context) { there.Get(ctx).Times++ }) // of which NATS tells, too
			}
			require.NoError(t, live.Err())
			end(c)
			requireEnds(t, live, soon)
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
			live := openStream(t, here, c)
			time.Sleep(poll) // it watches, and has looked
			disturb(p)
			handle(there, c, there.Destroy)
			time.Sleep(time.Second)
			require.NoError(t, live.Err(), "a store that fails ends no stream")
			p.Heal()
			requireEnds(t, live, poll)
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
	missed, told := openStream(t, here, first), openStream(t, here, second)
	time.Sleep(poll) // it watches, and has looked
	p.Cut()
	handle(there, first, there.Destroy)
	requireEnds(t, missed, poll)
	time.Sleep(poll) // it watches again
	require.NoError(t, told.Err())
	handle(there, second, there.Destroy)
	requireEnds(t, told, soon)
}
