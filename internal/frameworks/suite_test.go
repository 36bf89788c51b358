package frameworks_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

type Session struct{ N int }

// A site has the pages that each framework serves; they count visits.
type site struct {
	m     *sesame.Manager[Session]
	store *failing
}

func newSite() *site {
	st := &failing{Store: memstore.New()}
	return &site{store: st, m: sesame.New[Session](
		sesame.WithStore(st), sesame.WithInsecureCookie(), sesame.WithLogger(slog.New(slog.DiscardHandler)))}
}

// pages are the paths and what is served there.
func (s *site) pages() map[string]http.HandlerFunc {
	count := func(r *http.Request) int {
		session := s.m.Get(r.Context())
		session.N++
		return session.N
	}
	return map[string]http.HandlerFunc{
		"/visit": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, count(r)) },
		"/redirect": func(w http.ResponseWriter, r *http.Request) {
			count(r)
			http.Redirect(w, r, "/visit", http.StatusSeeOther)
		},
		"/late":    func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "page "); fmt.Fprint(w, count(r)) },
		"/missing": func(w http.ResponseWriter, r *http.Request) { count(r); http.Error(w, "missing", http.StatusNotFound) },
		"/error": func(w http.ResponseWriter, r *http.Request) {
			count(r)
			http.Error(w, "broken", http.StatusInternalServerError)
		},
		"/panic": func(_ http.ResponseWriter, r *http.Request) { count(r); panic("boom") },
		"/304":   func(w http.ResponseWriter, r *http.Request) { count(r); w.WriteHeader(http.StatusNotModified) },
		"/flush": func(w http.ResponseWriter, r *http.Request) {
			count(r)
			io.WriteString(w, "a")
			_ = http.NewResponseController(w).Flush()
			io.WriteString(w, "b")
		},
		"/ws": func(w http.ResponseWriter, r *http.Request) {
			n := count(r)
			c, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			defer c.CloseNow()
			_ = c.Write(r.Context(), websocket.MessageText, []byte(fmt.Sprint(n)))
			_ = c.Close(websocket.StatusNormalClosure, "")
		},
	}
}

// A mount is a way to use Handler in a framework, with the middlewares that its users
// commonly have.
type mount struct {
	name    string
	handler func(s *site) http.Handler
	noWS    bool // no websockets
}

// run tests what the users of a site rely on.
func (mt mount) run(t *testing.T) {
	start := func(t *testing.T) (*site, *client) {
		s := newSite()
		server := quietServer(mt.handler(s))
		t.Cleanup(server.Close)
		return s, newClient(t, server.URL)
	}
	t.Run("first visit and change", func(t *testing.T) {
		s, c := start(t)
		c.get("/visit").is(200, "1")
		require.True(t, c.last.sets)
		c.get("/visit").is(200, "2")
		require.False(t, c.last.sets)
		c.get("/late").is(200, "page 3")
		require.Equal(t, []int{3}, s.stored(t))
	})
	t.Run("first visit after a write", func(t *testing.T) {
		_, c := start(t)
		c.get("/late").is(200, "page 1")
		require.True(t, c.last.sets, "net/http has sent nothing yet either")
	})
	for path, want := range map[string]struct {
		status int
		body   string
	}{"/redirect": {303, ""}, "/flush": {200, "ab"}, "/missing": {404, "missing"}, "/304": {304, ""}} {
		t.Run(path, func(t *testing.T) {
			s, c := start(t)
			c.get(path)
			require.Equal(t, want.status, c.last.status)
			if want.body != "" {
				require.Contains(t, c.last.body, want.body)
			}
			require.True(t, c.last.sets)
			require.Equal(t, []int{1}, s.stored(t))
			c.get("/visit").is(200, "2")
		})
	}
	t.Run("HEAD", func(t *testing.T) {
		s, c := start(t)
		c.do(http.MethodHead, "/visit").is(200, "")
		require.True(t, c.last.sets)
		require.Equal(t, []int{1}, s.stored(t))
	})
	t.Run("error page", func(t *testing.T) {
		s, c := start(t)
		c.get("/visit")
		c.get("/error")
		require.Equal(t, 500, c.last.status)
		require.Contains(t, c.last.body, "broken")
		require.Equal(t, []int{1}, s.stored(t), "the change is dropped")
	})
	t.Run("panic", func(t *testing.T) {
		s, c := start(t)
		c.get("/visit")
		c.get("/panic")
		require.True(t, c.last.err != nil || c.last.status == 500, "%+v", c.last)
		require.Equal(t, []int{1}, s.stored(t), "nothing is saved")
	})
	for _, op := range []string{"load", "save"} {
		t.Run("store down, "+op, func(t *testing.T) {
			s, c := start(t)
			c.get("/visit")
			s.store.down.Store(&op)
			for _, path := range []string{"/visit", "/late", "/redirect", "/missing", "/flush", "/304"} {
				c.get(path).is(503, "Service Unavailable\n")
				require.False(t, c.last.sets)
			}
			s.store.down.Store(nil)
			c.get("/visit").is(200, "2")
		})
	}
	if mt.noWS {
		return
	}
	t.Run("websocket", func(t *testing.T) {
		s, c := start(t)
		c.get("/visit")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		conn, _, err := websocket.Dial(ctx, c.url+"/ws", &websocket.DialOptions{HTTPClient: c.http})
		require.NoError(t, err)
		defer conn.CloseNow()
		_, message, err := conn.Read(ctx)
		require.NoError(t, err)
		require.Equal(t, "2", string(message))
		require.Equal(t, []int{2}, s.stored(t), "saved before the connection was taken over")
	})
}

// client is a browser.
type client struct {
	t    *testing.T
	url  string
	http *http.Client
	last answer
}

type answer struct {
	t      *testing.T
	status int
	body   string
	sets   bool // a cookie
	err    error
}

func newClient(t *testing.T, url string) *client {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &client{t: t, url: url, http: &http.Client{
		Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *client) get(path string) answer { return c.do(http.MethodGet, path) }

func (c *client) do(method, path string) answer {
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, nil)
	require.NoError(c.t, err)
	res, err := c.http.Do(r)
	c.last = answer{t: c.t, err: err}
	if err == nil {
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		c.last = answer{c.t, res.StatusCode, string(body), len(res.Header["Set-Cookie"]) > 0, err}
	}
	return c.last
}

func (a answer) is(status int, body string) {
	a.t.Helper()
	require.NoError(a.t, a.err)
	require.Equal(a.t, status, a.status, a.body)
	require.Equal(a.t, body, a.body)
}

// failing is a store whose loads or saves can be made to fail.
type failing struct {
	*memstore.Store
	down atomic.Pointer[string]
}

var errDown = errors.New("connection refused")

func (f *failing) fails(op string) error {
	if down := f.down.Load(); down != nil && *down == op {
		return errDown
	}
	return nil
}

func (f *failing) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if err := f.fails("load"); err != nil {
		return store.Record{}, err
	}
	return f.Store.Load(ctx, k)
}

func (f *failing) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if err := f.fails("save"); err != nil {
		return 0, err
	}
	return f.Store.Save(ctx, k, r)
}

// stored returns N of all sessions.
func (s *site) stored(t *testing.T) (all []int) {
	for e, err := range s.m.All(t.Context()) {
		require.NoError(t, err)
		all = append(all, e.Data.N)
	}
	return all
}

// quietServer starts a server that does not log the panics of the tests.
func quietServer(h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	return server
}
