package redistest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
)

// viewer is the session of a stream.
type viewer struct{ User string }

func (v viewer) Owner() string { return v.User }

// inRequest runs f as the handler of a request with the cookie, in the background,
// and returns when f says that it is ready.
func inRequest(m *sesame.Manager[viewer], c *http.Cookie, f func(ctx context.Context, ready func())) (done chan struct{}) {
	isReady, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		r := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
		r.AddCookie(c)
		m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			f(r.Context(), func() { close(isReady) })
		})).ServeHTTP(httptest.NewRecorder(), r)
	}()
	<-isReady
	return done
}

// openStream opens one that goes on until the test ends.
func openStream(t *testing.T, m *sesame.Manager[viewer], c *http.Cookie) (live context.Context) {
	over := make(chan struct{})
	done := inRequest(m, c, func(ctx context.Context, ready func()) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // as net/http does
		live = m.Live(ctx)
		ready()
		<-over
	})
	t.Cleanup(func() { close(over); <-done })
	return live
}

// soon is how long a stream may go on when the store watches, and poll how long
// when it does not, on a machine that is busy with other tests.
const (
	soon = 100 * time.Millisecond
	poll = 2*time.Second + 500*time.Millisecond
)

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

// logOut destroys the session of a cookie.
func logOut(m *sesame.Manager[viewer], c *http.Cookie) {
	<-inRequest(m, c, func(ctx context.Context, ready func()) { m.Destroy(ctx); ready() })
}

// TestLive: a stream of one process ends when another destroys, revokes or
// renews its session.
func TestLive(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := shared(t, "single")
		prefix := redisstore.WithPrefix(newPrefix())
		here := sesame.New[viewer](sesame.WithStore(redisstore.New(a.connect(t, at, nil), prefix)))
		there := sesame.New[viewer](sesame.WithStore(redisstore.New(a.connect(t, at, nil), prefix)))
		for name, end := range map[string]func(c *http.Cookie){
			"destroyed": func(c *http.Cookie) { logOut(there, c) },
			"renewed": func(c *http.Cookie) {
				<-inRequest(there, c, func(ctx context.Context, ready func()) { there.Renew(ctx); ready() })
			},
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
				live, bystander := openStream(t, here, c), openStream(t, here, other)
				time.Sleep(200 * time.Millisecond) // it watches by now
				require.NoError(t, live.Err())
				end(c)
				requireEnds(t, live, soon)
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
				live := openStream(t, here, c)
				time.Sleep(poll) // it watches, and has looked
				n.each(disturb)
				logOut(there, c)
				time.Sleep(time.Second)
				require.NoError(t, live.Err(), "a store that fails ends no stream")
				n.each((*faultproxy.Proxy).Heal)
				requireEnds(t, live, poll)
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
		missed, told := openStream(t, here, first), openStream(t, here, second)
		time.Sleep(poll) // it watches, and has looked
		n.each((*faultproxy.Proxy).Cut)
		logOut(there, first)
		requireEnds(t, missed, poll)
		time.Sleep(poll) // it watches again
		require.NoError(t, told.Err())
		logOut(there, second)
		requireEnds(t, told, soon)
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
		live := openStream(t, here, c)
		time.Sleep(poll) // it watches, and has looked
		n.each(func(p *faultproxy.Proxy) { p.BlackHole(faultproxy.Both) })
		logOut(there, c)
		requireEnds(t, live, 11*time.Second+poll)
	})
}
