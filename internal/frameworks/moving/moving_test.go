package moving_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/memstore"
)

// Session is what the old programs kept under the keys "user" and "visits".
type Session struct {
	User   string
	Visits int `sesame:"sum"`
}

func (s Session) Owner() string { return s.User }

// lastOld is when the last old session ends.
var lastOld = time.Now().Add(30 * 24 * time.Hour)

// A peer is a program that keeps its sessions with another library, and the
// function that imports them.
type peer struct {
	old       func(t *testing.T) (program http.Handler, fail func()) // /login logs ann in, / says who has logged in
	imports   func(*http.Request) (sesame.Import[Session], bool)
	cookie    string        // name of the old library's cookie
	life      time.Duration // lifetime of the cookie, 0 if it ends with the browser
	stateless bool          // the session is in the cookie
	gin       bool
}

var peers = map[string]peer{
	"scs":                 {old: startSCS, imports: fromSCS, cookie: "session", life: 24 * time.Hour},
	"gorilla, cookie":     {old: startGorilla, imports: fromGorilla, cookie: "session", life: 30 * 24 * time.Hour, stateless: true},
	"gorilla, redistore":  {old: startRediStore, imports: fromRediStore, cookie: "session", life: 30 * 24 * time.Hour},
	"gin-contrib, cookie": {old: startGinCookie, imports: fromGinCookie, cookie: "session", life: 30 * 24 * time.Hour, stateless: true, gin: true},
	"gin-contrib, redis":  {old: startGinRedis, imports: fromGinRedis, cookie: "session", life: 30 * 24 * time.Hour, gin: true},
	"fiber":               {old: startFiber, imports: fromFiber, cookie: "session_id"},
}

// redisAddress is the address of the server that scripts/services has started. Other
// packages use its first databases at the same time.
func redisAddress(t *testing.T) string {
	address := os.Getenv("SESAME_TEST_REDIS")
	if address == "" {
		t.Fatal("SESAME_TEST_REDIS is not set: run the tests by scripts/services run redis -- go test")
	}
	return address
}

const redisDatabase = 7

// A site is the old program and the new one, and a browser that has logged in
// with the old one.
type site struct {
	peer
	store    *memstore.Store
	sessions *sesame.Manager[Session]
	failOld  func()
	old, new *httptest.Server
	browser  *browser
}

func start(t *testing.T, p peer) *site {
	st := memstore.New()
	s := &site{peer: p, store: st, sessions: sesame.New[Session](sesame.WithStore(st), sesame.WithImport(p.imports))}
	program, fail := p.old(t)
	s.failOld = sync.OnceFunc(fail)
	t.Cleanup(s.failOld)
	s.old, s.new = httptest.NewTLSServer(program), httptest.NewTLSServer(s.program())
	t.Cleanup(s.old.Close)
	t.Cleanup(s.new.Close)
	s.browser = newBrowser(t, s.new)
	require.Equal(t, "welcome", s.browser.get(s.old, "/login").body)
	require.Equal(t, "ann 3", s.browser.get(s.old, "/").body)
	return s
}

// program returns the new program.
func (s *site) program() http.Handler {
	var together sync.WaitGroup
	together.Add(6)
	visit := func(r *http.Request) *Session {
		session := s.sessions.Get(r.Context())
		session.Visits++
		return session
	}
	pages := map[string]http.HandlerFunc{
		"/": func(w http.ResponseWriter, r *http.Request) {
			session := s.sessions.Get(r.Context())
			fmt.Fprint(w, session.User, " ", session.Visits)
		},
		"/together": func(w http.ResponseWriter, r *http.Request) {
			session := visit(r)
			together.Done()
			together.Wait()
			fmt.Fprint(w, session.User)
		},
		"/visit":  func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, visit(r).User) },
		"/logout": s.logOut,
	}
	mux, engine := http.NewServeMux(), gin.New()
	for path, page := range pages {
		mux.HandleFunc(path, page)
		engine.GET(path, func(c *gin.Context) { page(c.Writer, c.Request) })
	}
	if s.gin {
		return s.sessions.Handler(engine)
	}
	return s.sessions.Handler(mux)
}

// logOut also deletes the old cookie.
func (s *site) logOut(w http.ResponseWriter, r *http.Request) {
	sessions, oldCookie := s.sessions, s.cookie
	sessions.Destroy(r.Context())
	http.SetCookie(w, &http.Cookie{Name: oldCookie, Path: "/", MaxAge: -1})
	fmt.Fprint(w, "bye")
}

// browser is a client with cookies.
type browser struct {
	t *testing.T
	http.Client
}

func newBrowser(t *testing.T, s *httptest.Server, cookies ...*http.Cookie) *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	b := &browser{t, http.Client{Jar: jar, Transport: s.Client().Transport, Timeout: 20 * time.Second}}
	at, err := url.Parse(s.URL)
	require.NoError(t, err)
	jar.SetCookies(at, cookies)
	return b
}

// copyOf returns another browser that has only the old cookie.
func (s *site) copyOf(b *browser) *browser { return newBrowser(b.t, s.new, b.has(s.new, s.cookie)) }

// has returns a cookie of the browser, or nil.
func (b *browser) has(s *httptest.Server, name string) *http.Cookie {
	at, err := url.Parse(s.URL)
	require.NoError(b.t, err)
	for _, c := range b.Jar.Cookies(at) {
		if c.Name == name {
			return &http.Cookie{Name: c.Name, Value: c.Value, Path: "/", Secure: true}
		}
	}
	return nil
}

type answer struct {
	status  int
	body    string
	cookies []*http.Cookie
}

func (b *browser) get(s *httptest.Server, path string) answer {
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, s.URL+path, nil)
	require.NoError(b.t, err)
	res, err := b.Do(r)
	require.NoError(b.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	return answer{res.StatusCode, string(body), res.Cookies()}
}

// TestMove checks that the user stays logged in, and that the old library's session is
// gone.
func TestMove(t *testing.T) {
	for name, p := range peers {
		t.Run(name, func(t *testing.T) {
			s := start(t, p)
			first := s.browser.get(s.new, "/")
			require.Equal(t, "ann 3", first.body)
			require.Len(t, first.cookies, 1)
			require.Equal(t, "__Host-Http-session_id", first.cookies[0].Name)
			require.InDelta(t, p.life.Seconds(), first.cookies[0].MaxAge, 60, "it outlives the browser if the old one did")

			second := s.browser.get(s.new, "/")
			require.Equal(t, "ann 3", second.body)
			require.Empty(t, second.cookies)
			require.Equal(t, "ann 3", newBrowser(t, s.new, first.cookies...).get(s.new, "/").body, "without the old cookie")

			late := s.copyOf(s.browser)
			old := s.browser.get(s.old, "/").body
			if p.stateless {
				require.Equal(t, "ann 3", old)
			} else {
				require.Equal(t, " 0", old)
			}
			require.Equal(t, "ann 3", late.get(s.new, "/").body, "a client that has missed the new cookie")
			require.Equal(t, "ann 3", s.browser.get(s.new, "/").body, "whatever an old instance has answered")
			require.Equal(t, 1, s.store.Len())
		})
	}
}

// TestMoveAtOnce checks that the first requests of a browser make one session, whether
// they are concurrent or some arrive after the others are done.
func TestMoveAtOnce(t *testing.T) {
	for name, p := range peers {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/together", "/visit"} {
				s := start(t, p)
				var done sync.WaitGroup
				answers := make([]answer, 6)
				for i := range answers {
					b := s.copyOf(s.browser) // one that sends them before the first answer has come
					done.Go(func() { answers[i] = b.get(s.new, path) })
				}
				done.Wait()
				for _, a := range answers {
					require.Equal(t, "ann", a.body)
					require.Len(t, a.cookies, 1)
					require.Equal(t, answers[0].cookies[0].Value, a.cookies[0].Value)
				}
				require.Equal(t, 1, s.store.Len())
				require.Equal(t, "ann 9", newBrowser(t, s.new, answers[0].cookies...).get(s.new, "/").body)
			}
		})
	}
}

// TestMoveLogOut checks that a log-out is final, as the first request or a later one.
// A session that is in the cookie alone can only be deleted in the browser.
func TestMoveLogOut(t *testing.T) {
	for name, p := range peers {
		for _, first := range []string{"/", "/logout"} {
			t.Run(name+", first "+first, func(t *testing.T) {
				s := start(t, p)
				thief := s.copyOf(s.browser)
				s.browser.get(s.new, first)
				require.Equal(t, "bye", s.browser.get(s.new, "/logout").body)
				require.Nil(t, s.browser.has(s.new, s.cookie))
				require.Equal(t, " 0", s.browser.get(s.new, "/").body)
				require.Zero(t, s.store.Len())
				if p.stateless {
					require.Equal(t, "ann 3", thief.get(s.new, "/").body, "docs/MOVING.md says so")
					return
				}
				require.Equal(t, " 0", thief.get(s.new, "/").body)
				require.Zero(t, s.store.Len())
			})
		}
	}
}

// TestMoveForged checks that a cookie which the old library rejects is not imported.
func TestMoveForged(t *testing.T) {
	for name, p := range peers {
		t.Run(name, func(t *testing.T) {
			s := start(t, p)
			forged := s.browser.has(s.new, s.cookie)
			forged.Value = "A" + forged.Value[1:len(forged.Value)-2] + "AA"
			for _, cookies := range [][]*http.Cookie{{forged}, {{Name: s.cookie, Path: "/"}}, nil} {
				a := newBrowser(t, s.new, cookies...).get(s.new, "/")
				require.Equal(t, answer{http.StatusOK, " 0", []*http.Cookie{}}, a)
			}
			require.Zero(t, s.store.Len())
		})
	}
}

// TestMoveOutage checks that while the old store is down its users are neither logged
// in nor out, and that other visitors are served.
func TestMoveOutage(t *testing.T) {
	for name, p := range peers {
		if p.stateless {
			continue // there is no store
		}
		t.Run(name, func(t *testing.T) {
			s := start(t, p)
			s.failOld()
			a := s.browser.get(s.new, "/")
			require.Equal(t, http.StatusServiceUnavailable, a.status)
			require.Empty(t, a.cookies)
			require.Equal(t, http.StatusOK, newBrowser(t, s.new).get(s.new, "/").status)
		})
	}
}
