package sesame_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestOrdersOfDestroy: in whatever order a handler destroys, saves and renews,
// the old token is dead, and the one cookie that goes out says what is stored.
func TestOrdersOfDestroy(t *testing.T) {
	type M = *sesame.Manager[counter]
	for name, test := range map[string]struct {
		act    func(m M, ctx context.Context)
		stored []int
		cookie string
	}{
		"Destroy, write, Renew": {func(m M, ctx context.Context) { m.Destroy(ctx); m.Get(ctx).N = 8; m.Renew(ctx) }, []int{8}, "set"},
		"Destroy, Renew, write": {func(m M, ctx context.Context) { m.Destroy(ctx); m.Renew(ctx); m.Get(ctx).N = 8 }, []int{8}, "set"},
		"Renew, Destroy":        {func(m M, ctx context.Context) { m.Renew(ctx); m.Destroy(ctx) }, nil, "delete"},
		"Renew, Save, Destroy":  {func(m M, ctx context.Context) { m.Renew(ctx); must(m.Save(ctx)); m.Destroy(ctx) }, nil, "delete"},
		"Destroy, Save, write, Save, write": {func(m M, ctx context.Context) {
			m.Destroy(ctx)
			must(m.Save(ctx))
			m.Get(ctx).N = 8
			must(m.Save(ctx))
			m.Get(ctx).N++
		}, []int{9}, "set"},
		"Destroy, write, Save, Destroy": {func(m M, ctx context.Context) { m.Destroy(ctx); m.Get(ctx).N = 8; must(m.Save(ctx)); m.Destroy(ctx) }, nil, "delete"},
		"Destroy, Update, Destroy, Update": {func(m M, ctx context.Context) {
			for range 2 {
				m.Destroy(ctx)
				must(m.Update(ctx, func(c *counter) error { c.N += 3; return nil }))
			}
		}, []int{3}, "set"},
		"Destroy, Remember, write": {func(m M, ctx context.Context) { m.Destroy(ctx); m.Remember(ctx, 0, time.Hour); m.Get(ctx).N = 1 }, []int{1}, "set"},
		"Update, Destroy": {func(m M, ctx context.Context) {
			must(m.Update(ctx, func(c *counter) error { c.N++; return nil }))
			m.Destroy(ctx)
		}, nil, "delete"},
		"edit, Update, Destroy, write": {func(m M, ctx context.Context) {
			c := m.Get(ctx)
			c.N = 100
			must(m.Update(ctx, func(c *counter) error { c.N++; return nil }))
			m.Destroy(ctx)
			c.N++
		}, []int{1}, "set"},
	} {
		for _, protocol := range protocols {
			t.Run(protocol+name, func(t *testing.T) {
				s := newStand(t)
				res, err := send(t.Context(), start(t, protocol, s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					test.act(s.m, r.Context())
				}))), "GET", "/", s.token)
				require.NoError(t, err)
				require.Equal(t, test.stored, s.stored(t))
				require.Len(t, res.Cookies(), 1)
				require.Equal(t, test.cookie == "set", tokenOf(res.Response) != "")
				require.NotEqual(t, s.token, tokenOf(res.Response))
				within(s.m, s.token, func(_ context.Context, c *counter) { require.Zero(t, c.N) })
			})
		}
	}
}

// TestNestedManagersFail: if one of two managers fails, its error handler answers alone, and the
// outer one stores nothing.
func TestNestedManagersFail(t *testing.T) {
	for _, which := range []string{"inner", "outer"} {
		for _, protocol := range protocols {
			t.Run(protocol+which, func(t *testing.T) {
				sa, sb := newFake(), newFake()
				a := sesame.New[counter](sesame.WithStore(sa), newWitness().logger())
				b := sesame.New[counter](sesame.WithStore(sb), newWitness().logger(), sesame.WithCookie(http.Cookie{Name: "__Host-b"}))
				if which == "inner" {
					sb.down("save")
				} else {
					sa.down("save")
				}
				res, err := send(t.Context(), start(t, protocol, a.Handler(b.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Handler", "1")
					io.WriteString(w, "secret")
					a.Get(r.Context()).N++
					b.Get(r.Context()).N++
				})))), "GET", "/", "")
				require.NoError(t, err)
				require.Equal(t, 503, res.StatusCode)
				require.Equal(t, "Service Unavailable\n", res.body)
				require.Empty(t, res.Header.Get("X-Handler"))
				require.Empty(t, res.Cookies())
				require.Empty(t, records(t, sa.Store.(*memstore.Store)), "the outer one's is dropped: the answer was 503")
			})
		}
	}
	for _, which := range []string{"inner", "outer"} {
		t.Run("load "+which, func(t *testing.T) {
			sa, sb := newFake(), newFake()
			a := sesame.New[counter](sesame.WithStore(sa), newWitness().logger())
			b := sesame.New[counter](sesame.WithStore(sb), newWitness().logger(), sesame.WithCookie(http.Cookie{Name: "__Host-b"}))
			ta := issue(t, a, func(c *counter) { c.N = 1 })
			tb := tokenOf(visit(b, "", func(_ http.ResponseWriter, r *http.Request) { b.Get(r.Context()).N = 1 }))
			if which == "inner" {
				sb.down("load")
			} else {
				sa.down("load")
			}
			server := start(t, "HTTP/1.1", a.Handler(b.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if which == "inner" {
					a.Get(r.Context()).N++
					b.Get(r.Context()).N++
				} else {
					b.Get(r.Context()).N++
					a.Get(r.Context()).N++
				}
			}))))
			r, _ := http.NewRequest("GET", server.URL, nil)
			r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: ta})
			r.AddCookie(&http.Cookie{Name: "__Host-b", Value: tb})
			res, err := server.Client().Do(r)
			require.NoError(t, err)
			res.Body.Close()
			require.Equal(t, 503, res.StatusCode)
			require.Equal(t, []int{1}, values(records(t, sa.Store.(*memstore.Store))))
			require.Equal(t, []int{1}, values(records(t, sb.Store.(*memstore.Store))))
		})
	}
}

// TestLateAnswerThatFails: the error handler takes the place of an answer that comes after
// the middleware has returned, too.
func TestLateAnswerThatFails(t *testing.T) {
	for _, panics := range []bool{false, true} {
		t.Run(fmt.Sprint(panics), func(t *testing.T) {
			opts := []sesame.Option{}
			if panics {
				opts = append(opts, sesame.WithErrorHandler(func(http.ResponseWriter, *http.Request, error) { panic("bug") }))
			}
			s := newStand(t, opts...)
			res, err := send(t.Context(), start(t, "HTTP/1.1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var ctx context.Context
				var inner http.ResponseWriter
				s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					ctx, inner = r.Context(), w
					s.m.Get(ctx).N++
				})).ServeHTTP(w, r)
				s.store.down("save")
				s.m.Get(ctx).N = 10
				inner.Header().Set("X-Late", "1")
				inner.WriteHeader(404)
				io.WriteString(inner, "not found")
			})), "GET", "/", s.token)
			if panics {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, 503, res.StatusCode)
			require.Equal(t, "Service Unavailable\n", res.body)
			require.Empty(t, res.Header.Get("X-Late"))
			require.Equal(t, []int{6}, s.stored(t))
		})
	}
}

// TestLateGetThatFails: so it does if such an answer cannot load the session.
func TestLateGetThatFails(t *testing.T) {
	s := newStand(t)
	res, err := send(t.Context(), start(t, "HTTP/1.1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var ctx context.Context
		var inner http.ResponseWriter
		s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ctx, inner = r.Context(), w })).ServeHTTP(w, r)
		s.store.down()
		defer func() {
			recover()
			inner.WriteHeader(500)
			io.WriteString(inner, "echo's page")
		}()
		s.m.Get(ctx).N = 10
	})), "GET", "/", s.token)
	require.NoError(t, err)
	require.Equal(t, 503, res.StatusCode)
	require.Equal(t, "Service Unavailable\n", res.body)
}
