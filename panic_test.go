package sesame_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
)

// sorry is a middleware that recovers and answers.
func sorry(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(500)
				io.WriteString(w, "sorry")
			}
		}()
		h.ServeHTTP(w, r)
	})
}

// TestEarnedBeforePanic: what Save or Update has renewed or ended before a panic
// reaches the client with the answer of a middleware outside, or the user would
// be left with a token that is dead.
func TestEarnedBeforePanic(t *testing.T) {
	type M = *sesame.Manager[counter]
	for name, act := range map[string]func(m M, ctx context.Context){
		"renewed by Save":    func(m M, ctx context.Context) { m.Renew(ctx); must(m.Save(ctx)) },
		"renewed by Update":  func(m M, ctx context.Context) { m.Renew(ctx); must(m.Update(ctx, func(*counter) error { return nil })) },
		"destroyed":          func(m M, ctx context.Context) { m.Destroy(ctx); must(m.Save(ctx)) },
		"renewed, not saved": func(m M, ctx context.Context) { m.Renew(ctx) },
	} {
		for _, protocol := range protocols {
			t.Run(protocol+"/"+name, func(t *testing.T) {
				s := newStand(t)
				res, err := send(t.Context(), start(t, protocol, sorry(s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Handler", "1")
					act(s.m, r.Context())
					io.WriteString(w, "page")
					panic("boom")
				})))), "GET", "/", s.token)
				require.NoError(t, err)
				require.Equal(t, 500, res.StatusCode)
				require.Equal(t, "sorry", res.body)
				require.Empty(t, res.Header.Get("X-Handler"))
				token := s.token
				switch name {
				case "renewed, not saved":
					require.Empty(t, res.Cookies())
				default:
					require.Len(t, res.Cookies(), 1)
					require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
					token = tokenOf(res.Response)
				}
				within(s.m, token, func(_ context.Context, c *counter) { require.Equal(t, name == "destroyed", c.N == 0) })
			})
		}
	}
}

// touchy is a session whose Owner has a bug.
type touchy struct{ N int }

func (t *touchy) Owner() string {
	if t.N == 13 {
		panic("a bug")
	}
	return ""
}

// TestPanicInCommit: a panic of the session's own methods, when the handler is
// done, takes the page back like one of the handler.
func TestPanicInCommit(t *testing.T) {
	m := sesame.New[touchy]()
	for _, size := range []int{0, 10, 3000} {
		for _, protocol := range protocols {
			t.Run(fmt.Sprint(protocol, "/", size), func(t *testing.T) {
				res, err := send(t.Context(), start(t, protocol, sorry(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Length", fmt.Sprint(size+100))
					w.Header().Set("Content-Encoding", "gzip")
					m.Get(r.Context()).N = 13
					if size > 0 {
						w.Write(make([]byte, size))
					}
				})))), "GET", "/", "")
				require.NoError(t, err)
				require.Equal(t, 500, res.StatusCode)
				require.Equal(t, "sorry", res.body)
				require.Empty(t, res.Header.Get("Content-Encoding"))
			})
		}
	}
}

// TestPanicThatWrapsAFailure: a middleware inside may add to what Get panicked
// with.
func TestPanicThatWrapsAFailure(t *testing.T) {
	for _, protocol := range protocols {
		s := newStand(t)
		s.store.down()
		res, err := send(t.Context(), start(t, protocol, s.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			defer func() {
				if err, ok := recover().(error); ok {
					panic(fmt.Errorf("%s: %w", r.URL, err))
				}
			}()
			s.m.Get(r.Context())
		}))), "GET", "/", s.token)
		require.NoError(t, err)
		require.Equal(t, 503, res.StatusCode)
	}
}
