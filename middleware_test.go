package sesame_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/memstore"
)

var protocols = []string{"HTTP/1.1", "HTTP/2.0"}

// TestInterfaces: the writer can do what the server's own can, no less and,
// where handlers ask by type assertion, no more.
func TestInterfaces(t *testing.T) {
	for _, protocol := range protocols {
		for _, between := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/writer between=%t", protocol, between), func(t *testing.T) {
				http1 := protocol == "HTTP/1.1"
				m, got := sesame.New[counter](), make(chan map[string]any, 1)
				h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, flusher := w.(http.Flusher)
					_, flushError := w.(interface{ FlushError() error })
					_, hijacker := w.(http.Hijacker)
					_, readerFrom := w.(io.ReaderFrom)
					_, stringWriter := w.(io.StringWriter)
					rc := http.NewResponseController(w)
					seen := map[string]any{
						"Flusher": flusher, "FlushError": flushError, "Hijacker": hijacker,
						"ReaderFrom": readerFrom, "StringWriter": stringWriter,
						"read deadline":  rc.SetReadDeadline(time.Now().Add(time.Hour)),
						"write deadline": rc.SetWriteDeadline(time.Now().Add(time.Hour)),
						"full duplex":    rc.EnableFullDuplex(),
						"session":        m.Info(r.Context()).New,
					}
					inner := w.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
					seen["Unwrap"] = inner != nil && inner != w
					if !http1 {
						_, _, err := rc.Hijack()
						seen["unsupported"] = errors.Is(err, http.ErrNotSupported)
					}
					seen["flush"] = rc.Flush()
					got <- seen
				}))
				if between {
					h = onlyUnwrap(h)
				}
				_, err := send(t.Context(), start(t, protocol, h), "GET", "/", "")
				require.NoError(t, err)
				want := map[string]any{
					"Flusher": true, "FlushError": true, "Hijacker": http1, "ReaderFrom": http1, "StringWriter": true,
					"read deadline": nil, "write deadline": nil, "full duplex": nil, "flush": nil,
					"session": true, "Unwrap": true,
				}
				if !http1 {
					want["unsupported"] = true
				}
				require.Equal(t, want, <-got)
			})
		}
	}
}

// onlyUnwrap is what many middlewares are: a writer that can be unwrapped and
// nothing else.
func onlyUnwrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(unwrapper{w}, r) })
}

type unwrapper struct{ http.ResponseWriter }

func (u unwrapper) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// TestBlindWriter: under a writer that can do nothing, flushing fails with an
// error and hijacking is not offered.
func TestBlindWriter(t *testing.T) {
	visited := false
	h := sesame.New[counter]().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visited = true
		_, hijacker := w.(http.Hijacker)
		require.False(t, hijacker)
		require.ErrorIs(t, http.NewResponseController(w).Flush(), http.ErrNotSupported)
		w.(http.Flusher).Flush()
		_, pusher := w.(http.Pusher)
		require.False(t, pusher)
	}))
	h.ServeHTTP(struct{ http.ResponseWriter }{httptest.NewRecorder()}, httptest.NewRequest("GET", "/", nil))
	require.True(t, visited)
}

// TestSendfile: files reach the connection as files, so that the kernel sends
// them.
func TestSendfile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	content := bytes.Repeat([]byte("sesame"), 20_000)
	require.NoError(t, os.WriteFile(name, content, 0o600))
	m := sesame.New[counter]()
	files := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/copy" {
			f, err := os.Open(name)
			must(err)
			defer f.Close()
			m.Get(r.Context()).N++
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			io.Copy(w, f)
			return
		}
		http.ServeFile(w, r, name)
	})
	server := httptest.NewUnstartedServer(m.Handler(files))
	counted := &countingListener{Listener: server.Listener}
	server.Listener = counted
	server.Start()
	defer server.Close()
	for i, path := range []string{"/serve", "/copy"} {
		res, err := send(t.Context(), server, "GET", path, "")
		require.NoError(t, err)
		require.Equal(t, string(content), res.body)
		require.EqualValues(t, i+1, counted.files.Load(), "files that reached the connection whole")
	}
}

type countingListener struct {
	net.Listener
	files atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{c.(*net.TCPConn), l}, nil
}

type countingConn struct {
	*net.TCPConn
	listener *countingListener
}

func (c countingConn) ReadFrom(r io.Reader) (int64, error) {
	src := r
	if l, ok := src.(*io.LimitedReader); ok {
		src = l.R
	}
	if _, ok := src.(interface{ Stat() (os.FileInfo, error) }); ok {
		c.listener.files.Add(1)
	}
	return c.TCPConn.ReadFrom(r)
}

func BenchmarkServeFile(b *testing.B) {
	name := filepath.Join(b.TempDir(), "file")
	const size = 4 << 20
	must(os.WriteFile(name, make([]byte, size), 0o600))
	file := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) })
	for _, v := range []struct {
		name string
		h    http.Handler
	}{{"bare", file}, {"sesame", sesame.New[counter]().Handler(file)}} {
		b.Run(v.name, func(b *testing.B) {
			server := httptest.NewServer(v.h)
			defer server.Close()
			b.SetBytes(size)
			for b.Loop() {
				res, err := server.Client().Get(server.URL)
				must(err)
				_, err = io.Copy(io.Discard, res.Body)
				must(err)
				res.Body.Close()
			}
		})
	}
}

// TestMountedTwice: one load, one commit, one cookie.
func TestMountedTwice(t *testing.T) {
	st, w := newFake(), newWitness()
	m := sesame.New[counter](sesame.WithStore(st), w.observer())
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.Get(r.Context()).N++
		must(m.Save(r.Context()))
		m.Renew(r.Context())
		must(m.Save(r.Context()))
		m.Get(r.Context()).N++
	})
	res := visit(m, "", func(w http.ResponseWriter, r *http.Request) {
		outer := m.Get(r.Context())
		m.Handler(m.Handler(page)).ServeHTTP(w, r)
		require.Same(t, outer, m.Get(r.Context()))
		require.Equal(t, 2, outer.N)
	})
	require.Len(t, res.Header["Set-Cookie"], 1)
	require.Equal(t, []sesame.EventKind{sesame.EventCreated, sesame.EventRenewed, sesame.EventSaved}, w.kinds())
	require.Equal(t, []int{2}, values(records(t, st.Store.(*memstore.Store))))
	require.Contains(t, records(t, st.Store.(*memstore.Store)), keyOf(tokenOf(res)))
}

// TestTimeoutHandlerOutside: the way round that the documentation recommends.
func TestTimeoutHandlerOutside(t *testing.T) {
	for _, test := range []struct {
		name   string
		takes  time.Duration
		status int
		err    error
	}{{"in time", 0, 200, nil}, {"too slow", 2 * time.Second, 503, http.ErrHandlerTimeout}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := memstore.New()
				m := sesame.New[counter](sesame.WithStore(st))
				token := issue(t, m, func(c *counter) { c.N = 5 })
				h := http.TimeoutHandler(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					m.Get(r.Context()).N++
					time.Sleep(test.takes)
					io.WriteString(w, "page")
					if test.err != nil {
						_ = http.NewResponseController(w).Flush()
						_, err := io.WriteString(w, "page")
						require.ErrorIs(t, err, test.err)
					}
				})), time.Second, "slow")
				r, w := httptest.NewRequest("GET", "https://example.com/", nil), httptest.NewRecorder()
				r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: token})
				h.ServeHTTP(w, r)
				require.Equal(t, test.status, w.Code)
				time.Sleep(time.Minute)
				require.Equal(t, []int{6}, values(records(t, st)), "a commit is not the client's to cancel")
			})
		})
	}
}

// TestTimeoutHandlerInside: the handler goes on while its session is settled,
// which is safe if it changes the session by Update only.
func TestTimeoutHandlerInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New()
		m := sesame.New[counter](sesame.WithStore(st))
		token := issue(t, m, func(c *counter) { c.N = 5 })
		finished := make(chan struct{})
		res := visit(m, token, http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(finished)
			_, err := m.Load(r.Context())
			must(err)
			<-r.Context().Done()
			for range 100 {
				must(m.Update(context.WithoutCancel(r.Context()), func(c *counter) error { c.N++; return nil }))
			}
		}), time.Second, "slow").ServeHTTP)
		require.Equal(t, 503, res.StatusCode)
		<-finished
		require.Equal(t, []int{105}, values(records(t, st)))
	})
}

// TestHangUp: a client that goes away cancels neither a log-out nor a save.
func TestHangUp(t *testing.T) {
	for _, protocol := range protocols {
		for name, test := range map[string]struct {
			act  func(*sesame.Manager[counter], context.Context)
			want []int
		}{
			"save":    {func(m *sesame.Manager[counter], ctx context.Context) { m.Get(ctx).N++ }, []int{6}},
			"log-out": {func(m *sesame.Manager[counter], ctx context.Context) { m.Destroy(ctx) }, nil},
		} {
			t.Run(protocol+"/"+name, func(t *testing.T) {
				st := memstore.New()
				m := sesame.New[counter](sesame.WithStore(st))
				token := issue(t, m, func(c *counter) { c.N = 5 })
				client, hangUp := context.WithCancel(t.Context())
				finished := make(chan struct{})
				inner := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					m.Get(r.Context())
					hangUp()
					<-r.Context().Done()
					test.act(m, r.Context())
				}))
				server := start(t, protocol, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer close(finished)
					inner.ServeHTTP(w, r)
				}))
				_, err := send(client, server, "GET", "/", token)
				require.ErrorIs(t, err, context.Canceled)
				<-finished
				require.Equal(t, test.want, values(records(t, st)))
			})
		}
	}
}

// TestGoexit: a handler that ends its goroutine commits nothing, and the
// connection is closed.
func TestGoexit(t *testing.T) {
	st := memstore.New()
	m := sesame.New[counter](sesame.WithStore(st))
	token := issue(t, m, func(c *counter) { c.N = 5 })
	server := start(t, "HTTP/1.1", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.Get(r.Context()).N++
		m.Renew(r.Context())
		runtime.Goexit()
	})))
	_, err := send(t.Context(), server, "GET", "/", token)
	require.Error(t, err)
	require.Equal(t, []int{5}, values(records(t, st)))
	require.Contains(t, records(t, st), keyOf(token))
}

// TestPanicPassesUnchanged: the very value, for middleware that compares it.
func TestPanicPassesUnchanged(t *testing.T) {
	m := sesame.New[counter]()
	for _, value := range []any{http.ErrAbortHandler, "text", new(int)} {
		require.PanicsWithValue(t, value, func() {
			within(m, "", func(context.Context, *counter) { panic(value) })
		})
	}
}

// TestVary: what was read varies by cookie, once, whatever the handler says.
func TestVary(t *testing.T) {
	m := sesame.New[counter]()
	for _, test := range []struct{ set, want []string }{
		{nil, []string{"Cookie"}},
		{[]string{"Accept"}, []string{"Accept", "Cookie"}},
		{[]string{"Accept, Origin"}, []string{"Accept, Origin", "Cookie"}},
		{[]string{"cookie"}, []string{"cookie"}},
		{[]string{"Accept", "Origin , COOKIE"}, []string{"Accept", "Origin , COOKIE"}},
		{[]string{"*"}, []string{"*"}},
		{[]string{"Set-Cookie"}, []string{"Set-Cookie", "Cookie"}},
	} {
		t.Run(strings.Join(test.set, "|"), func(t *testing.T) {
			res := visit(m, "", func(w http.ResponseWriter, r *http.Request) {
				for _, v := range test.set {
					w.Header().Add("Vary", v)
				}
				_ = m.Get(r.Context())
			})
			require.Equal(t, test.want, res.Header["Vary"])
			require.Empty(t, res.Header["Cache-Control"], "nothing was set")
		})
	}
}

// TestCacheControl: a response that sets or deletes a cookie is for this client
// only, and the handler's other cookies stay.
func TestCacheControl(t *testing.T) {
	m := sesame.New[counter]()
	public := func(act func(context.Context)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=3600")
			http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
			act(r.Context())
		}
	}
	token := issue(t, m, func(c *counter) { c.N = 1 })
	for _, test := range []struct {
		name, token, want string
		cookies           int
		act               func(context.Context)
	}{
		{"set", "", "no-store", 2, func(ctx context.Context) { m.Get(ctx).N++ }},
		{"read", token, "public, max-age=3600", 1, func(ctx context.Context) { _ = m.Get(ctx) }},
		{"saved", token, "public, max-age=3600", 1, func(ctx context.Context) { m.Get(ctx).N++ }},
		{"deleted", token, "no-store", 2, func(ctx context.Context) { m.Destroy(ctx) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			res := visit(m, test.token, public(test.act))
			require.Equal(t, []string{test.want}, res.Header["Cache-Control"])
			require.Len(t, res.Cookies(), test.cookies)
			require.Equal(t, "theme", res.Cookies()[0].Name)
		})
	}
}
