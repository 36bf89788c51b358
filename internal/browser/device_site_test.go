package browser_test

import (
	"cmp"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/dbsc"
)

// member is a session that a log-in binds to the device.
type member struct {
	User  string
	Times int `sesame:"sum"`
}

func (m *member) Owner() string { return m.User }

const (
	sessionCookie = "__Host-Http-session_id"
	proofCookie   = "__Host-session_id_device"
	register      = "POST /session-device/register"
	refresh       = "POST /session-device/refresh"
)

// members serves the pages of a program with a log-in. Each shows the user, and
// whether the session is bound.
func members(sessions *sesame.Manager[member]) http.Handler {
	mux := http.NewServeMux()
	who := func(w http.ResponseWriter, r *http.Request) {
		s := sessions.Get(r.Context())
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<link rel="icon" href="data:,"><a href="/">%s %s</a><form action="/login" method="post"><button></button></form>`,
			cmp.Or(s.User, "anonymous"), sessions.Info(r.Context()).Device)
	}
	mux.HandleFunc("/{$}", who)
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) {
		s := sessions.Get(r.Context())
		s.Times++
		fmt.Fprintf(w, "%s %d", s.User, s.Times)
	})
	logIn := func(r *http.Request) {
		sessions.Renew(r.Context())
		sessions.Get(r.Context()).User = "ann"
	}
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("remember") != "" {
			sessions.Remember(r.Context(), time.Hour, 0)
		}
		logIn(r)
		who(w, r)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		logIn(r)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /login/fetch", func(_ http.ResponseWriter, r *http.Request) { logIn(r) })
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("clear") != "" {
			w.Header().Set("Clear-Site-Data", `"cookies"`)
		}
		sessions.Destroy(r.Context())
		who(w, r)
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", sessions.Get(r.Context()).User, body)
	})
	mux.HandleFunc("POST /password", func(w http.ResponseWriter, r *http.Request) {
		if sessions.Prove(w, r) {
			fmt.Fprintf(w, "%s %s", sessions.Get(r.Context()).User, r.FormValue("new"))
		}
	})
	mux.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) { say(w, r, "hello "+sessions.Get(r.Context()).User) })
	return http.NewCrossOriginProtection().Handler(sessions.Handler(mux))
}

// say answers with a WebSocket that sends one message (RFC 6455).
func say(w http.ResponseWriter, r *http.Request, word string) {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprintf(buf, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	fmt.Fprintf(buf, "\x81%c%s", len(word), word)
	buf.Flush()
}

// A site is a program on HTTPS that records its requests. It has its own name, because
// browsers count signatures for each site.
type site struct {
	t      *testing.T
	url    string
	direct string // its address without the name
	client *http.Client

	mu   sync.Mutex
	seen []request
}

// request is a browser's request and the answer.
type request struct {
	what   string // such as GET /
	status int
	header http.Header // of the request
	answer http.Header
}

func (r request) String() string { return fmt.Sprintf("%s %d", r.what, r.status) }

var names atomic.Int64

// serve serves a program until the test ends.
func serve(t *testing.T, program http.Handler) *site {
	s := &site{t: t}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/favicon.ico" {
			return
		}
		noted := &statusWriter{ResponseWriter: w, status: 200}
		program.ServeHTTP(noted, r)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen = append(s.seen, request{r.Method + " " + r.URL.Path, noted.status, r.Header, w.Header().Clone()})
	}))
	server.EnableHTTP2 = names.Add(1)%2 == 0 // every other site
	server.StartTLS()
	t.Cleanup(server.Close)
	s.direct, s.client = server.URL, server.Client()
	s.url = strings.Replace(server.URL, "127.0.0.1", fmt.Sprintf("site-%d.test", names.Load()), 1)
	return s
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// bound serves the pages of members with sessions in memory.
func bound(t *testing.T, opts ...sesame.Option) *site {
	return serve(t, members(sesame.New[member](append([]sesame.Option{sesame.WithDeviceBinding()}, opts...)...)))
}

// all returns the requests since the last call of forget.
func (s *site) all() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

func (s *site) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = nil
}

// asked returns these requests as text, such as GET / 200.
func (s *site) asked() []string {
	asked := []string{}
	for _, r := range s.all() {
		asked = append(asked, r.String())
	}
	return asked
}

// await waits for a certain request to the site, and returns it.
func (s *site) await(what string) (found request) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		for _, r := range s.all() {
			if r.String() == what {
				found = r
				return true
			}
		}
		return false
	}, patience, 5*time.Millisecond, what)
	return found
}

// login logs in and waits until the window's session is bound.
func (s *site) login(b tab) tab {
	s.t.Helper()
	b.visit(s.url + "/login")
	s.await(register + " 200")
	b.await(func() bool { return b.cookie(proofCookie) != nil })
	return b
}

// window opens a window and logs in, with a bound session.
func (s *site) window() tab { return s.login(newWindow(s.t)) }

// later lets time pass for the server: longer than a session that was just bound can
// be used without a proof.
func later(d time.Duration) { dbsc.Ahead.Add(int64(d)) }

const begun = 10 * time.Second

func (b tab) await(what func() bool) {
	b.t.Helper()
	require.Eventually(b.t, what, patience, 5*time.Millisecond)
}

func (b tab) cookie(name string) *network.Cookie {
	for _, c := range b.cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// expire removes the proof from the browser, as its expiry would.
func (b tab) expire(url string) {
	_, err := chromedp.Call(b.ctx, network.DeleteCookies, network.DeleteCookiesParams{Name: proofCookie, URL: url})
	require.NoError(b.t, err)
	b.await(func() bool { return b.cookie(proofCookie) == nil })
}

// submit submits the page's form and returns the text of the next page.
func (b tab) submit() string {
	_, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS("button")))
	require.NoError(b.t, err)
	return b.text()
}

// followLink clicks on the page's link and waits for a page whose text begins with
// want. Other pages may come before it.
func (b tab) followLink(want string) {
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS("a"))))
	b.await(func() bool {
		text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText.trim()"))
		return err == nil && strings.HasPrefix(text, want)
	})
}

// fetch makes a request by a script and returns the text of the response.
func (b tab) fetch(path, options string) string {
	return eval[string](b, fmt.Sprintf(`fetch(%q, %s).then(res => res.text())`, path, cmp.Or(options, "{}")))
}
