package sesame_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestLifecycle is the table of what becomes of a session and of its cookie:
// every way in which a response can begin, times every state that a session
// can be in by then, on real servers of both protocols (I2, I6).
func TestLifecycle(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("sesame ", 1000)), 0o600))
	operations := append(operations(file), abortions...)
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		st := memstore.New()
		sessions := sesame.New[counter](sesame.WithStore(st))
		p := &probe{store: st, done: make(chan map[store.Key]int, 1)}
		server := start(t, protocol, p.around(t, sessions))
		for _, op := range operations {
			if op.http1 && protocol != "HTTP/1.1" {
				continue
			}
			for _, state := range states {
				p.run = func(w http.ResponseWriter, r *http.Request) {
					op.run(w, r, func() { state.act(sessions, r.Context()) }, func() { state.late(sessions, r.Context()) })
				}
				t.Run(protocol+"/"+op.name+"/"+state.name, func(t *testing.T) { checkLifecycle(t, p, server, sessions, op, state) })
			}
		}
	}
}

func checkLifecycle(t *testing.T, p *probe, server *httptest.Server, sessions *sesame.Manager[counter], op operation, state state) {
	old := ""
	if state.known {
		old = issue(t, sessions, func(c *counter) { c.N = 5 })
	}
	before := records(t, p.store)
	var hints textproto.MIMEHeader
	trace := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error { hints = h; return nil },
	})
	res, err := send(trace, server, op.method, "/", old)
	var end map[store.Key]int
	select {
	case end = <-p.done:
	case <-time.After(time.Minute):
		t.Fatal("the handler does not come to an end")
	}
	if op.status == 0 {
		require.Error(t, err, "the response must be aborted")
		require.Equal(t, before, end, "a panic commits nothing")
		return
	}
	require.NoError(t, err)
	require.Equal(t, op.status, res.StatusCode)
	require.Equal(t, op.broken, res.broken)

	// the cookie on the wire
	token := old
	switch cookies := res.Cookies(); state.cookie {
	case "set":
		require.Len(t, cookies, 1)
		token = cookies[0].Value
		require.Equal(t, "__Host-Http-session_id="+token+"; Path=/; HttpOnly; Secure; SameSite=Lax", res.Header.Get("Set-Cookie"))
		require.NotEqual(t, old, token)
	case "delete":
		require.Equal(t, []string{"__Host-Http-session_id=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"}, res.Header["Set-Cookie"])
		token = ""
	default:
		require.Empty(t, cookies)
	}
	require.Equal(t, state.cookie != "", res.Header.Get("Cache-Control") == "no-store")
	require.Equal(t, state.loads, res.Header.Get("Vary") == "Cookie")
	require.NotContains(t, hints, "Set-Cookie", "nothing is settled at an informational response")
	require.Equal(t, op.hints, hints != nil)

	// the store, at the first byte and at the end
	want := make(map[store.Key]int)
	for k, n := range before {
		want[k] = n
	}
	delete(want, keyOf(old))
	if token != "" {
		want[keyOf(token)] = before[keyOf(old)] + state.adds
	}
	if state.adds > 0 && op.late && op.held() {
		want[keyOf(token)] += 10
	}
	require.Equal(t, want, p.first, "the store when the first byte left")
	if state.adds > 0 && op.late && !op.held() {
		want[keyOf(token)] += 10
	}
	require.Equal(t, want, end, "the store when the handler had returned")
}

// state is what a handler does to its session before the response begins, and
// once it has begun.
type state struct {
	name   string
	known  bool   // the request has a session, with N == 5
	loads  bool   // the handler reads it
	adds   int    // and adds this to N
	cookie string // what the client must be told: "set", "delete" or nothing
	act    func(*sesame.Manager[counter], context.Context)
}

var states = []state{
	{"new", false, true, 1, "set", func(m *sesame.Manager[counter], ctx context.Context) { m.Get(ctx).N++ }},
	{"existing", true, true, 1, "", func(m *sesame.Manager[counter], ctx context.Context) { m.Get(ctx).N++ }},
	{"renewed", true, true, 1, "set", func(m *sesame.Manager[counter], ctx context.Context) { m.Renew(ctx); m.Get(ctx).N++ }},
	{"destroyed", true, true, 0, "delete", func(m *sesame.Manager[counter], ctx context.Context) { m.Destroy(ctx) }},
	{"untouched", true, false, 0, "", func(*sesame.Manager[counter], context.Context) {}},
	{"read-only", true, true, 0, "", func(m *sesame.Manager[counter], ctx context.Context) { _ = m.Get(ctx).N }},
}

func (s state) late(m *sesame.Manager[counter], ctx context.Context) {
	if s.adds > 0 {
		m.Get(ctx).N += 10
	}
}

// operation is a way in which a response begins. run calls act before, and
// late after its first byte.
type operation struct {
	name   string
	method string
	http1  bool // there is no such thing over HTTP/2
	status int  // 0: the response is aborted before it begins
	broken bool // the response is aborted half-way
	hints  bool // there is an informational response
	late   bool // what late changes is saved
	run    func(w http.ResponseWriter, r *http.Request, act, late func())
}

// held tells whether net/http keeps all of it back until the handler returns.
func (op operation) held() bool {
	return slices.Contains([]string{"Write", "WriteString", "WriteHeader", "103 then 200", "204", "304", "HEAD", "redirect"}, op.name)
}

func operations(file string) []operation {
	simple := func(name, method string, status int, begin func(w http.ResponseWriter, r *http.Request)) operation {
		return operation{name: name, method: method, status: status, late: true, run: func(w http.ResponseWriter, r *http.Request, act, late func()) {
			act()
			begin(w, r)
			late()
		}}
	}
	header := func(name string, status int) operation {
		return simple(name, "GET", status, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) })
	}
	open := func() *os.File {
		f, err := os.Open(file)
		must(err)
		return f
	}
	hijack := simple("Hijack", "GET", 200, func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		must(err)
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\n")
		must(w.Header().Write(rw))
		fmt.Fprint(rw, "\r\nmine")
		must(rw.Flush())
	})
	hijack.http1 = true
	return []operation{
		simple("Write", "GET", 200, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("page")) }),
		simple("WriteString", "GET", 200, func(w http.ResponseWriter, r *http.Request) { w.(io.StringWriter).WriteString("page") }),
		header("WriteHeader", 200),
		{name: "103 then 200", method: "GET", status: 200, late: true, hints: true, run: func(w http.ResponseWriter, r *http.Request, act, late func()) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			act()
			w.WriteHeader(200)
			late()
		}},
		simple("Flusher", "GET", 200, func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() }),
		simple("ResponseController.Flush", "GET", 200, func(w http.ResponseWriter, r *http.Request) { must(http.NewResponseController(w).Flush()) }),
		simple("io.Copy of a file", "GET", 200, func(w http.ResponseWriter, r *http.Request) {
			f := open()
			defer f.Close()
			_, err := io.Copy(w, f)
			must(err)
		}),
		simple("ServeContent", "GET", 200, func(w http.ResponseWriter, r *http.Request) {
			f := open()
			defer f.Close()
			http.ServeContent(w, r, "page.txt", time.Time{}, f)
		}),
		hijack,
		{name: "nothing", method: "GET", status: 200, run: func(_ http.ResponseWriter, _ *http.Request, act, _ func()) { act() }},
		header("204", 204),
		header("304", 304),
		simple("HEAD", "HEAD", 200, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("page")) }),
		simple("redirect", "POST", 303, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/next", 303) }),
	}
}

// Nothing is committed by a panic; what was committed before it stays.
var abortions = []operation{
	{name: "panic before the first byte", method: "GET", run: func(_ http.ResponseWriter, _ *http.Request, act, late func()) {
		act()
		panic("before")
	}},
	{name: "ErrAbortHandler before the first byte", method: "GET", run: func(w http.ResponseWriter, _ *http.Request, act, late func()) {
		act()
		w.Header().Set("X-Handler", "1")
		panic(http.ErrAbortHandler)
	}},
	{name: "panic after the first byte", method: "GET", status: 200, broken: true, run: func(w http.ResponseWriter, _ *http.Request, act, late func()) {
		act()
		io.WriteString(w, "half a page")
		must(http.NewResponseController(w).Flush())
		late()
		panic("after")
	}},
}

// TestAfterFirstByte covers what happens to a session that is first thought of
// when the response has begun: an existing one is saved; what would
// need a cookie is refused with an error, a Late event and a line in the log.
func TestAfterFirstByte(t *testing.T) {
	type M = *sesame.Manager[counter]
	for _, test := range []struct {
		name  string
		known bool
		act   func(M, context.Context)
		late  bool
		want  []int // what N is in the store, of old and new sessions
	}{
		{"existing, changed", true, func(m M, ctx context.Context) { m.Get(ctx).N++ }, false, []int{6}},
		{"existing, updated", true, func(m M, ctx context.Context) {
			must(m.Update(ctx, func(c *counter) error { c.N++; return nil }))
		}, false, []int{6}},
		{"existing, destroyed", true, func(m M, ctx context.Context) { m.Destroy(ctx) }, false, nil},
		{"existing, renewed and changed", true, func(m M, ctx context.Context) { m.Renew(ctx); m.Get(ctx).N++ }, true, []int{5}},
		{"existing, remembered and changed", true, func(m M, ctx context.Context) { m.Remember(ctx, 0, time.Hour); m.Get(ctx).N++ }, true, []int{6}},
		{"existing, destroyed and begun anew", true, func(m M, ctx context.Context) { m.Destroy(ctx); m.Get(ctx).N++ }, true, nil},
		{"new", false, func(m M, ctx context.Context) { m.Get(ctx).N++ }, true, nil},
		{"new, saved by hand", false, func(m M, ctx context.Context) {
			m.Get(ctx).N++
			if m.Save(ctx) == nil {
				panic("Save must not say that it saved")
			}
		}, true, nil},
		{"new, updated", false, func(m M, ctx context.Context) {
			if m.Update(ctx, func(c *counter) error { c.N++; return nil }) == nil {
				panic("Update must not say that it saved")
			}
			if m.Get(ctx).N != 0 {
				panic("a failed Update must leave the value alone")
			}
		}, true, nil},
		{"new, only read", false, func(m M, ctx context.Context) { _ = m.Get(ctx).N }, false, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			st, w := memstore.New(), newWitness()
			m := sesame.New[counter](sesame.WithStore(st), w.observer(), w.logger())
			token := ""
			if test.known {
				token = issue(t, m, func(c *counter) { c.N = 5 })
			}
			w.reset()
			res := visit(m, token, func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "page")
				w.(http.Flusher).Flush()
				test.act(m, r.Context())
			})
			require.Equal(t, 200, res.StatusCode)
			require.Empty(t, res.Header["Set-Cookie"])
			require.Equal(t, test.want, values(records(t, st)))
			late := 0
			if test.late {
				late = 1
			}
			require.Equal(t, late, w.count(sesame.EventLate))
			require.Equal(t, test.late, strings.Contains(w.log.String(), "too late"), w.log.String())
		})
	}
}

// probe stands around the session handler and takes down what the store has
// when the first byte passes it, and when the handler has returned.
type probe struct {
	store *memstore.Store
	run   http.HandlerFunc
	first map[store.Key]int
	done  chan map[store.Key]int
}

func (p *probe) around(t *testing.T, sessions *sesame.Manager[counter]) http.Handler {
	inner := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.run(w, r) }))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.first = nil
		saw := func() {
			if p.first == nil {
				p.first = records(t, p.store)
			}
		}
		defer func() { saw(); p.done <- records(t, p.store) }()
		pw := probeWriter{w, saw}
		if _, ok := w.(http.Hijacker); ok {
			inner.ServeHTTP(&probeConn{pw}, r)
		} else {
			inner.ServeHTTP(&pw, r)
		}
	})
}

type probeWriter struct {
	http.ResponseWriter
	saw func()
}

func (w *probeWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *probeWriter) WriteHeader(status int) {
	if status >= 200 {
		w.saw()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *probeWriter) Write(b []byte) (int, error) {
	w.saw()
	return w.ResponseWriter.Write(b)
}

func (w *probeWriter) FlushError() error {
	w.saw()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

type probeConn struct{ probeWriter }

func (w *probeConn) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.saw()
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

func (w *probeConn) ReadFrom(r io.Reader) (int64, error) {
	w.saw()
	return w.ResponseWriter.(io.ReaderFrom).ReadFrom(r)
}

// start runs h on a real server.
func start(t testing.TB, protocol string, h http.Handler) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if protocol == "HTTP/2.0" {
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Start()
		s.Client().Transport.(*http.Transport).DisableKeepAlives = true // no silent retries
	}
	t.Cleanup(s.Close)
	return s
}
