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

func wait(t testing.TB, live context.Context) time.Duration {
	t.Helper()
	began := time.Now()
	select {
	case <-live.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the stream has not ended")
	}
	require.ErrorIs(t, context.Cause(live), sesame.ErrNotFound)
	return time.Since(began)
}

// TestLive: a stream of one process ends when another destroys, revokes or
// renews its session, and within the poll if the connection was lost then.
func TestLive(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := shared(t, "single")
		n := newNetwork(t)
		prefix := redisstore.WithPrefix(newPrefix())
		here := sesame.New[viewer](sesame.WithStore(redisstore.New(a.connect(t, at, n), prefix)))
		there := sesame.New[viewer](sesame.WithStore(redisstore.New(a.connect(t, at, nil), prefix)))
		for name, end := range map[string]func(c *http.Cookie){
			"destroyed": func(c *http.Cookie) {
				<-inRequest(there, c, func(ctx context.Context, ready func()) { there.Destroy(ctx); ready() })
			},
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
				c := sesametest.Cookie(t, there, viewer{User: "ann"})
				over := make(chan struct{})
				var live context.Context
				done := inRequest(here, c, func(ctx context.Context, ready func()) {
					ctx, cancel := context.WithCancel(ctx)
					defer cancel()
					live = here.Live(ctx)
					ready()
					<-over
				})
				time.Sleep(200 * time.Millisecond) // it watches by now
				require.NoError(t, live.Err())
				end(c)
				t.Logf("ended after %v", wait(t, live))
				close(over)
				<-done
			})
		}
		t.Run("connection lost", func(t *testing.T) {
			c := sesametest.Cookie(t, there, viewer{User: "ann"})
			over := make(chan struct{})
			var live context.Context
			done := inRequest(here, c, func(ctx context.Context, ready func()) {
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				live = here.Live(ctx)
				ready()
				<-over
			})
			time.Sleep(200 * time.Millisecond)
			n.each(func(p *faultproxy.Proxy) { p.Refuse(); p.Cut() })
			<-inRequest(there, c, func(ctx context.Context, ready func()) { there.Destroy(ctx); ready() })
			time.Sleep(time.Second)
			require.NoError(t, live.Err(), "a store that fails ends no stream")
			n.each((*faultproxy.Proxy).Heal)
			t.Logf("ended after %v", wait(t, live))
			close(over)
			<-done
		})
	})
}
