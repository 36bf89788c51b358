package browser_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/inspect"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// shopper is a session that the operator's page shows.
type shopper struct {
	User string
	CSRF string `sesame:"secret"`
	Cart map[string]int
	Note string
}

func (s shopper) Owner() string { return s.User }

// breakable is a store that can be made to fail.
type breakable struct {
	*memstore.Store
	down atomic.Bool
}

func (s *breakable) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if s.down.Load() {
		return store.Record{}, errors.New("connection refused <img src=x onerror=alert(1)>")
	}
	return s.Store.Load(ctx, k)
}

func (s *breakable) Count(ctx context.Context) (int, error) {
	if s.down.Load() {
		return 0, errors.New("connection refused <img src=x onerror=alert(1)>")
	}
	return s.Store.Count(ctx)
}

// operated is a program with an operator's page.
type operated struct {
	t        *testing.T
	store    *breakable
	sessions *sesame.Manager[shopper]
	site     http.Handler
	url      string       // of the page
	styles   atomic.Int64 // how often its stylesheet was requested
}

func operate(t *testing.T) *operated {
	s := &breakable{Store: memstore.New()}
	m := sesame.New[shopper](sesame.WithStore(s), sesame.WithLogger(slog.New(slog.DiscardHandler)))
	mux := http.NewServeMux()
	mux.Handle("/inspect/", inspect.Handler(m, inspect.Allow(func(*http.Request) bool { return true })))
	mux.HandleFunc("/set", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(body, m.Get(r.Context()))
	})
	o := &operated{t: t, store: s, sessions: m, site: m.Handler(mux)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/inspect/style.css" {
			o.styles.Add(1)
		}
		o.site.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	o.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/inspect/"
	return o
}

// visit makes a request of a shopper's, with an earlier cookie or none. It returns the
// cookie and the session ID.
func (o *operated) visit(cookie string, s shopper) (now, id string) {
	body, err := json.Marshal(s)
	require.NoError(o.t, err)
	r := httptest.NewRequest("POST", "https://shop.example/set", strings.NewReader(string(body)))
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	w := httptest.NewRecorder()
	o.site.ServeHTTP(w, r)
	if c := w.Result().Cookies(); len(c) > 0 {
		cookie = c[0].Name + "=" + c[0].Value
	}
	_, value, _ := strings.Cut(cookie, "=")
	id, _, _ = strings.Cut(value, ".")
	return cookie, id
}

func (o *operated) lives(id string) bool {
	_, err := o.sessions.Find(o.t.Context(), id)
	return err == nil
}

// until waits until a script is true. An error counts as false, since a script fails
// while a page unloads.
func (b tab) until(script string) {
	b.t.Helper()
	for {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+script+")"))
		if err == nil && ok {
			return
		}
		require.NoError(b.t, b.ctx.Err(), script)
		time.Sleep(50 * time.Millisecond)
	}
}

// follow runs a script that leads to another page, and waits for that page.
func (b tab) follow(script string) string {
	b.t.Helper()
	eval[bool](b, "window.before = true")
	eval[bool](b, script+", true")
	b.until(`!window.before && document.readyState === "complete"`)
	return b.text()
}

// press types text, or presses keys of package kb.
func (b tab) press(keys string) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.KeyEvent(keys)))
}

// look opens a window of a given width, in light or dark colours, that records
// violations of a page's security policy.
func look(t *testing.T, width int64, scheme string) tab {
	b := newWindow(t)
	_, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 600})
	require.NoError(t, err)
	_, err = chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	require.NoError(t, err)
	_, err = chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.wrong = [];
		addEventListener("securitypolicyviolation", (e) => wrong.push(e.violatedDirective + " " + e.blockedURI));
		addEventListener("error", (e) => wrong.push(e.message));
		window.alert = (what) => wrong.push("alert " + what);
	`})
	require.NoError(t, err)
	return b
}

// clean fails if the page has violated its security policy, or contains a user's
// markup.
func (b tab) clean() {
	b.t.Helper()
	require.Empty(b.t, eval[[]string](b, "window.wrong"))
	require.Zero(b.t, eval[int](b, `document.querySelectorAll("main img, main iframe, main script, main style, [style], [onerror], [onload], [onmouseover]").length`))
}

// fill creates sessions, events and failures, and returns the ID of one of ann's
// sessions.
func (o *operated) fill() (id string) {
	evil := `<img src=x onerror=alert(1)>" onmouseover="alert(2)`
	var cookie string
	for range 3 {
		cookie, id = o.visit("", shopper{User: "ann", CSRF: "kept-secret", Cart: map[string]int{"tea": 2, "milk": 1}, Note: "hello"})
	}
	o.visit(cookie, shopper{User: "ann", CSRF: "kept-secret", Cart: map[string]int{"tea": 3}})
	o.visit("", shopper{User: evil, Cart: map[string]int{evil: 1}, Note: evil})
	o.visit("__Host-Http-session_id=AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA", shopper{Note: "visitor"})
	o.store.down.Store(true)
	o.visit(cookie, shopper{})
	o.store.down.Store(false)
	return id
}
