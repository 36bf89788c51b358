package sesame_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
)

// TestErrorHandlerPanics: if a middleware recovers in between, the response
// is still no success.
func TestErrorHandlerPanics(t *testing.T) {
	for _, value := range []any{"boom", errDown, http.ErrAbortHandler} {
		for name, inner := range map[string]func(http.Handler) http.Handler{
			"nothing between": func(h http.Handler) http.Handler { return h },
			"a middleware that recovers": func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer func() {
						if recover() != nil {
							http.Error(w, "recovered", 500)
						}
					}()
					h.ServeHTTP(w, r)
				})
			},
		} {
			for _, op := range []string{"load", "save"} {
				t.Run(fmt.Sprint(value, " ", name, " ", op), func(t *testing.T) {
					s := newStand(t, sesame.WithErrorHandler(func(_ http.ResponseWriter, _ *http.Request, err error) {
						if value == errDown {
							panic(err) // the very error that Handler is about to let pass
						}
						panic(value)
					}))
					s.store.down(op)
					h := s.m.Handler(inner(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						s.m.Get(r.Context()).N++
						io.WriteString(w, long)
					})))
					res, err := send(t.Context(), start(t, "HTTP/1.1", h), "GET", "/", s.token)
					require.True(t, err != nil || res.StatusCode >= 500 || res.broken, "%+v", res)
				})
			}
		}
	}
}

// TestPanicWithWriteError: some frameworks panic with what Write returned. The
// error handler has answered by then.
func TestPanicWithWriteError(t *testing.T) {
	s := newStand(t)
	s.store.down("save")
	res, err := send(t.Context(), start(t, "HTTP/1.1", s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.m.Get(r.Context()).N++
		if _, err := io.WriteString(w, long); err != nil {
			panic(fmt.Errorf("write response: %w", err))
		}
	}))), "GET", "/", s.token)
	require.NoError(t, err)
	require.Equal(t, 503, res.StatusCode)
	require.Equal(t, "Service Unavailable\n", res.body)
}

// TestWriteAfterFailure: a stream must learn that its response has failed.
func TestWriteAfterFailure(t *testing.T) {
	s := newStand(t)
	s.store.down()
	res := visit(s.m, s.token, func(w http.ResponseWriter, r *http.Request) {
		func() {
			defer func() { recover() }()
			s.m.Get(r.Context())
		}()
		for range 3 {
			_, err := io.WriteString(w, "tick")
			require.ErrorIs(t, err, sesame.ErrStore)
			require.ErrorIs(t, http.NewResponseController(w).Flush(), sesame.ErrStore)
		}
	})
	require.Equal(t, 503, res.StatusCode)
}

// TestCopyBack: what net/http and a middleware outside find in the request is
// what they would find without Handler.
func TestCopyBack(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	m := sesame.New[counter]()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /up/{id}", func(w http.ResponseWriter, r *http.Request) {
		must(r.ParseMultipartForm(1))
		fmt.Fprint(w, len(r.MultipartForm.File))
	})
	h, pattern := m.Handler(mux), ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r); pattern = r.Pattern }))
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	f, err := form.CreateFormFile("f", "x")
	require.NoError(t, err)
	_, err = f.Write(make([]byte, 11<<20))
	require.NoError(t, err)
	require.NoError(t, form.Close())
	res, err := http.Post(server.URL+"/up/3", form.FormDataContentType(), &body)
	require.NoError(t, err)
	page, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, "1", string(page))
	require.NoError(t, res.Body.Close())
	server.Close() // waits for the request's end
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "temporary files")
	require.Equal(t, "POST /up/{id}", pattern)
}

// TestCacheable: a session that is first read when it is too late for Vary is told,
// once, if a cache may store the response.
func TestCacheable(t *testing.T) {
	for name, test := range map[string]struct {
		header map[string]string
		read   bool // before, too
		want   int
	}{
		"public":         {map[string]string{"Cache-Control": "public, max-age=60"}, false, 1},
		"nothing said":   {nil, false, 1},
		"private":        {map[string]string{"Cache-Control": "max-age=60, Private"}, false, 0},
		"no-store":       {map[string]string{"Cache-Control": "no-store"}, false, 0},
		"varies already": {map[string]string{"Vary": "Accept, cookie"}, false, 0},
		"read before":    {map[string]string{"Cache-Control": "public"}, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			visit(s.m, s.token, func(w http.ResponseWriter, r *http.Request) {
				for k, v := range test.header {
					w.Header().Set(k, v)
				}
				if test.read {
					s.m.Get(r.Context())
				}
				io.WriteString(w, long)
				s.m.Get(r.Context())
				s.m.Get(r.Context())
			})
			require.Equal(t, test.want, s.w.count(sesame.EventCacheable))
			require.Equal(t, test.want, strings.Count(s.w.log.String(), "\n"), s.w.log.String())
		})
	}
}

// TestCacheHeaders: no header of a response that sets or deletes a cookie lets a
// shared cache store it (RFC 9213).
func TestCacheHeaders(t *testing.T) {
	m := sesame.New[counter]()
	for name, act := range map[string]func(context.Context){
		"set":    func(ctx context.Context) { m.Get(ctx).N++ },
		"delete": func(ctx context.Context) { m.Destroy(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			token := issue(t, m, func(c *counter) { c.N = 5 })
			if name == "set" {
				token = ""
			}
			res := visit(m, token, func(w http.ResponseWriter, r *http.Request) {
				act(r.Context())
				for _, k := range []string{"Cache-Control", "CDN-Cache-Control", "Surrogate-Control", "Cloudflare-CDN-Cache-Control", "Vercel-CDN-Cache-Control", "X-Accel-Expires"} {
					w.Header().Set(k, "max-age=60")
				}
				io.WriteString(w, "x")
			})
			require.Equal(t, http.Header{
				"Cache-Control": {"no-store"}, "Vary": {"Cookie"}, "Set-Cookie": res.Header["Set-Cookie"], "Content-Type": {"text/plain; charset=utf-8"},
			}, res.Header)
		})
	}
}

// TestTimedOut: for a client that http.TimeoutHandler has answered nothing is
// created or renewed; a plain change goes on.
func TestTimedOut(t *testing.T) {
	for name, test := range map[string]struct {
		known  bool
		renew  bool
		stored []int
		late   int
	}{
		"created": {false, false, []int{5}, 1},
		"renewed": {true, true, []int{5}, 1},
		"changed": {true, false, []int{6}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			ended := make(chan struct{})
			inner := s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s.m.Get(r.Context()).N++
				<-r.Context().Done()
				if test.renew {
					s.m.Renew(r.Context())
				}
				io.WriteString(w, "x")
			}))
			h := http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(ended)
				inner.ServeHTTP(w, r)
			}), 20*time.Millisecond, "slow")
			token := ""
			if test.known {
				token = s.token
			}
			res, err := send(t.Context(), start(t, "HTTP/1.1", h), "GET", "/", token)
			require.NoError(t, err)
			<-ended
			require.Equal(t, "slow", res.body)
			require.Empty(t, res.Cookies())
			require.Equal(t, test.stored, s.stored(t))
			require.Equal(t, test.late, s.w.count(sesame.EventLate))
			within(s.m, s.token, func(_ context.Context, c *counter) { require.NotZero(t, c.N, "the old token works on") })
		})
	}
}

// TestLateAnswer: some frameworks render errors after their middleware has
// returned. What that changes is saved if nothing was written before, and told
// otherwise.
func TestLateAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		before func(w http.ResponseWriter)
		stored []int
		late   int
	}{
		"nothing written":  {func(http.ResponseWriter) {}, []int{10}, 0},
		"written before":   {func(w http.ResponseWriter) { io.WriteString(w, "page") }, []int{6}, 1},
		"WriteHeader only": {func(w http.ResponseWriter) { w.WriteHeader(200) }, []int{6}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			server := start(t, "HTTP/1.1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var ctx context.Context
				var inner http.ResponseWriter
				s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					ctx, inner = r.Context(), w
					s.m.Get(ctx).N++
					s.m.Renew(ctx)
					test.before(w)
				})).ServeHTTP(w, r)
				s.m.Get(ctx).N = 10
				inner.WriteHeader(404)
				io.WriteString(inner, "not found")
			}))
			res, err := send(t.Context(), server, "GET", "/", s.token)
			require.NoError(t, err)
			require.Len(t, res.Cookies(), 1)
			require.Equal(t, test.stored, s.stored(t))
			require.Equal(t, test.late, s.w.count(sesame.EventLate))
			within(s.m, tokenOf(res.Response), func(_ context.Context, c *counter) { require.Equal(t, test.stored[0], c.N) })
			if test.late == 0 {
				require.Equal(t, 404, res.StatusCode)
				require.Equal(t, "not found", res.body)
			}
		})
	}
}

// TestGoroutineAfterHandler: a goroutine that outlives the request and takes its
// session is told that nothing of it will be saved.
func TestGoroutineAfterHandler(t *testing.T) {
	s := newStand(t)
	var ctx context.Context
	visit(s.m, s.token, func(w http.ResponseWriter, r *http.Request) {
		ctx = r.Context()
		io.WriteString(w, "page")
	})
	s.m.Get(ctx).N++
	require.Equal(t, 1, s.w.count(sesame.EventLate))
	require.Contains(t, s.w.log.String(), "handler has returned")
	require.NoError(t, s.m.Update(ctx, func(c *counter) error { c.N = 8; return nil }), "Update saves by itself")
	require.Equal(t, []int{8}, s.stored(t))
}

// bypassed is a writer that handlers can write to around Handler, as gin's.
type bypassed struct {
	http.ResponseWriter
	written bool
}

func (b *bypassed) Written() bool { return b.written }
func (b *bypassed) Write(p []byte) (int, error) {
	b.written = true
	return b.ResponseWriter.Write(p)
}

// TestBypassedWriter: a response that was written around Handler has begun.
func TestBypassedWriter(t *testing.T) {
	for name, test := range map[string]struct {
		token  bool
		stored []int
		late   int
	}{"new": {false, []int{5}, 1}, "changed": {true, []int{6}, 0}} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			rec := httptest.NewRecorder()
			outer := &bypassed{ResponseWriter: rec}
			r := httptest.NewRequest("GET", "https://example.com/", nil)
			if test.token {
				r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: s.token})
			}
			s.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				s.m.Get(r.Context()).N++
				io.WriteString(outer, "page")
			})).ServeHTTP(outer, r)
			require.Empty(t, rec.Result().Cookies())
			require.Equal(t, test.stored, s.stored(t))
			require.Equal(t, test.late, s.w.count(sesame.EventLate))
			if test.late > 0 {
				require.Contains(t, s.w.log.String(), "pass that writer on")
			}
		})
	}
}

// TestNestedManagers: two managers live in one chain under two names, and are
// told at once if they have one.
func TestNestedManagers(t *testing.T) {
	a, b := sesame.New[counter](), sesame.New[owned](sesame.WithCookie(http.Cookie{Name: "__Host-other"}))
	w := httptest.NewRecorder()
	a.Handler(b.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "x")
		a.Get(r.Context()).N++
		b.Get(r.Context()).N++
		io.WriteString(w, "y")
	}))).ServeHTTP(w, httptest.NewRequest("GET", "https://example.com/", nil))
	require.Len(t, w.Result().Cookies(), 2)
	require.Equal(t, "xy", w.Body.String())

	same := sesame.New[owned]()
	require.PanicsWithValue(t, "sesame: two managers use the cookie __Host-Http-session_id, one inside the other's Handler: give one of them another name, sesame.WithCookie(http.Cookie{Name: ...})", func() {
		visit(a, "", same.Handler(http.NotFoundHandler()).ServeHTTP)
	})
	require.NotPanics(t, func() { visit(a, "", a.Handler(http.NotFoundHandler()).ServeHTTP) }, "the same one twice changes nothing")
}

// TestPanickingObserver: a bug in the observer ends nothing but its own call.
func TestPanickingObserver(t *testing.T) {
	var log bytes.Buffer
	m := sesame.New[counter](sesame.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
		sesame.WithObserver(func(context.Context, sesame.Event) { panic("bug") }))
	token := issue(t, m, func(c *counter) { c.N = 5 })
	res := within(m, token, func(_ context.Context, c *counter) { c.N++ })
	require.Equal(t, 200, res.StatusCode)
	within(m, token, func(_ context.Context, c *counter) { require.Equal(t, 6, c.N) })
	require.Contains(t, log.String(), "panic in the observer")
}

// TestReadOnlyStore: a store that can be read and not written serves pages that
// only read, also when their expiry is due to be moved.
func TestReadOnlyStore(t *testing.T) {
	for _, remembered := range []bool{false, true} {
		t.Run(fmt.Sprint("remembered=", remembered), func(t *testing.T) {
			s := newStand(t, sesame.WithIdleTimeout(50*time.Millisecond))
			token := tokenOf(within(s.m, "", func(ctx context.Context, c *counter) {
				c.N = 5
				if remembered {
					s.m.Remember(ctx, time.Second, time.Hour)
				}
			}))
			if remembered {
				time.Sleep(110 * time.Millisecond)
			} else {
				time.Sleep(10 * time.Millisecond)
			}
			s.store.down("touch", "save", "delete")
			s.w.reset()
			res := within(s.m, token, func(_ context.Context, c *counter) { require.Equal(t, 5, c.N) })
			require.Equal(t, 200, res.StatusCode)
			require.Empty(t, res.Cookies())
			require.Equal(t, 1, s.w.count(sesame.EventStoreError))
			require.Equal(t, 503, within(s.m, token, func(_ context.Context, c *counter) { c.N++ }).StatusCode)
			require.Equal(t, 503, within(s.m, token, func(ctx context.Context, _ *counter) { s.m.Renew(ctx) }).StatusCode)
			require.Equal(t, 503, within(s.m, token, func(ctx context.Context, _ *counter) { s.m.Destroy(ctx) }).StatusCode)
			within(s.m, token, func(ctx context.Context, _ *counter) {
				require.ErrorIs(t, s.m.Save(ctx), sesame.ErrStore, "a stream that keeps its session alive wants to know")
			})
		})
	}
}

// TestRecorderSniffs: an implicit status stays implicit, so that the writer
// inside finds the Content-Type.
func TestRecorderSniffs(t *testing.T) {
	w := httptest.NewRecorder()
	sesame.New[counter]().Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") })).
		ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	require.Equal(t, "text/html; charset=utf-8", w.Result().Header.Get("Content-Type"))
}
