package sesame_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/memstore"
)

// app is a program that uses an API: a plain http.Client that keeps the token of
// a header field.
type app struct {
	t      *testing.T
	client *http.Client
	url    string
	field  string
	value  string // what it sends, "" if it has none
}

// newAPI serves h, by HTTP/2 or HTTP/1.1, and returns an app without a token.
func newAPI(t *testing.T, h http.Handler, field string, http2 bool) *app {
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = http2
	server.StartTLS()
	t.Cleanup(server.Close)
	return &app{t: t, client: server.Client(), url: server.URL, field: field}
}

// get sends the token, and keeps the one that it gets.
func (a *app) get(path string) *response {
	r, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, a.url+path, nil)
	require.NoError(a.t, err)
	if a.value != "" {
		r.Header.Set(a.field, a.value)
	}
	res, err := a.client.Do(r)
	require.NoError(a.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if values, ok := res.Header[http.CanonicalHeaderKey(a.field)]; ok {
		require.Len(a.t, values, 1)
		a.value = values[0]
	}
	return &response{res, string(body), err != nil}
}

// token is the token in what the app sends.
func (a *app) token() string { return a.value[strings.LastIndexByte(a.value, ' ')+1:] }

// api is all that a handler does with sessions.
func api(m *sesame.Manager[counter]) http.Handler {
	mux := http.NewServeMux()
	handle := func(path string, f func(ctx context.Context, w http.ResponseWriter)) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { f(r.Context(), w) })
	}
	handle("/static", func(_ context.Context, w http.ResponseWriter) { fmt.Fprint(w, "static") })
	handle("/n", func(ctx context.Context, w http.ResponseWriter) { fmt.Fprint(w, m.Get(ctx).N) })
	handle("/id", func(ctx context.Context, w http.ResponseWriter) { fmt.Fprint(w, m.Info(ctx).ID) })
	handle("/add", func(ctx context.Context, w http.ResponseWriter) { m.Get(ctx).N++; fmt.Fprint(w, m.Get(ctx).N) })
	handle("/stream", func(ctx context.Context, w http.ResponseWriter) {
		m.Get(ctx).N++
		must(http.NewResponseController(w).Flush())
		fmt.Fprint(w, "streamed")
	})
	handle("/renew", func(ctx context.Context, _ http.ResponseWriter) { m.Renew(ctx) })
	handle("/remember", func(ctx context.Context, w http.ResponseWriter) {
		m.Remember(ctx, 30*time.Minute, 30*24*time.Hour)
		must(m.Save(ctx))
		fmt.Fprint(w, m.Info(ctx).Remembered)
	})
	handle("/destroy", func(ctx context.Context, _ http.ResponseWriter) { m.Destroy(ctx) })
	return m.Handler(mux)
}

// TestHeader: the token is in the response's field when it is new, was replaced or
// is gone, and only then; no cookie takes part.
func TestHeader(t *testing.T) {
	for _, field := range []string{"X-Session", "authorization"} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, HTTP/2: %t", field, http2), func(t *testing.T) {
				name := http.CanonicalHeaderKey(field)
				m := sesame.New[counter](sesame.WithHeader(field))
				a := newAPI(t, api(m), field, http2)
				// told demands what a response says of the token, and that the rest of its header fits.
				told := func(path, body string, tells bool) *response {
					t.Helper()
					res := a.get(path)
					require.Equal(t, http2, res.ProtoMajor == 2)
					require.Equal(t, http.StatusOK, res.StatusCode)
					require.Equal(t, body, res.body)
					require.Empty(t, res.Header.Values("Set-Cookie"))
					_, said := res.Header[name]
					require.Equal(t, tells, said, "a field in the response of %s", path)
					cache := []string(nil)
					if tells {
						cache = []string{"no-store"}
					}
					require.Equal(t, cache, res.Header["Cache-Control"])
					vary := []string{name}
					if path == "/static" {
						vary = nil
					}
					require.Equal(t, vary, res.Header["Vary"])
					return res
				}

				told("/static", "static", false)
				told("/n", "0", false)
				require.Empty(t, a.value)
				told("/add", "1", true)
				first := a.value
				require.Len(t, a.token(), 45)
				require.Equal(t, name == "Authorization", strings.HasPrefix(first, "Bearer "))
				told("/n", "1", false)
				told("/add", "2", false)
				id := keyOf(a.token()).String()
				told("/id", id, false)

				told("/renew", "", true)
				require.NotEqual(t, first, a.value)
				require.Equal(t, id, keyOf(a.token()).String(), "the session keeps its ID")
				second := a.value
				told("/n", "2", false)
				told("/remember", "true", false)
				require.Equal(t, second, a.value)

				a.value = first
				told("/add", "1", false) // superseded: it gets nothing and stores nothing
				a.value = second
				told("/add", "3", false)

				told("/destroy", "", true)
				require.Empty(t, a.value, "an empty field")
				a.value = second
				told("/n", "0", false)
				told("/destroy", "", true) // of a token that is no longer known
				told("/n", "0", false)
				told("/destroy", "", false) // there is nothing to forget

				told("/stream", "streamed", true) // before its first byte
				require.NotEmpty(t, a.value)
				told("/n", "1", false)
			})
		}
	}
}

// TestHeaderAlone: neither a cookie nor another field carries the token, be it a
// good one.
func TestHeaderAlone(t *testing.T) {
	m := sesame.New[counter](sesame.WithHeader("X-Session"))
	a := newAPI(t, api(m), "X-Session", false)
	a.get("/add")
	good := a.value
	for name, value := range map[string]string{
		"Cookie": "__Host-Http-session_id=" + good + "; X-Session=" + good + "; session_id=" + good, "Authorization": "Bearer " + good, "X-Session-": good, "X_Session": good,
	} {
		a.field, a.value = name, value
		require.Equal(t, "0", a.get("/n").body, name)
	}
	a.field, a.value = "x-sESSION", good
	require.Equal(t, "1", a.get("/n").body, "the names of fields have no case")
}

// TestHeaderHostile: what is no token costs no call of the store, and what names
// several sessions opens none.
func TestHeaderHostile(t *testing.T) {
	for _, field := range []string{"X-Session", "Authorization"} {
		scheme := map[string]string{"Authorization": "Bearer "}[field]
		st, w := newFake(), newWitness()
		m := sesame.New[counter](sesame.WithHeader(field), sesame.WithStore(st), w.observer(), w.logger())
		read := func(lines ...string) (n int, res *http.Response) {
			r := httptest.NewRequest("GET", "https://example.com/", nil)
			r.Header[field] = lines
			st.up()
			res = visitWith(m, r, func(_ http.ResponseWriter, r *http.Request) { n = m.Get(r.Context()).N })
			require.NotContains(t, res.Header, field)
			return n, res
		}
		var tokens []string
		for range 6 {
			res := visit(m, "", func(_ http.ResponseWriter, r *http.Request) { m.Get(r.Context()).N = 5 })
			tokens = append(tokens, res.Header[field][0])
		}
		for _, line := range []string{
			"", " ", ",", scheme, scheme + "x", scheme + strings.Repeat("A", 45), scheme + strings.Repeat("A", 100_000), scheme + "__proto__", scheme + "../../etc/passwd",
			scheme + "' OR 1=1 --", scheme + "\xff\xff", tokens[0] + "\x00", tokens[0] + "=", tokens[0][:len(tokens[0])-1], strings.Repeat("Bearer ", 1000), strings.Repeat(",", 100_000),
		} {
			n, _ := read(line)
			require.Zero(t, n, "%.40q", line)
			require.Empty(t, st.called(), "%.40q", line)
		}

		n, _ := read(tokens[0])
		require.Equal(t, 5, n)
		n, _ = read(scheme+freshToken(), tokens[0])
		require.Equal(t, 5, n, "an unknown one beside it is no harm")
		w.reset()
		n, _ = read(tokens[0] + ", " + tokens[1])
		require.Zero(t, n, "neither the one nor the other")
		require.Equal(t, []sesame.EventKind{sesame.EventAmbiguous}, w.kinds())
		require.NotContains(t, w.log.String(), "cookie")
		read(tokens...)
		require.Equal(t, []string{"load", "load", "load", "load"}, st.called())
	}
}

// TestHeaderRemember: the token moves with no touch, since an app keeps it as long
// as it likes; the session moves all the same.
func TestHeaderRemember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWitness()
		m := sesame.New[counter](sesame.WithHeader("X-Session"), w.observer(), w.logger())
		token := ""
		step := func(f func(ctx context.Context, w http.ResponseWriter)) *http.Response {
			r := httptest.NewRequest("GET", "https://example.com/", nil)
			if token != "" {
				r.Header.Set("X-Session", token)
			}
			w.reset()
			res := visitWith(m, r, func(w http.ResponseWriter, r *http.Request) { f(r.Context(), w) })
			if values, ok := res.Header["X-Session"]; ok {
				token = values[0]
			}
			return res
		}
		step(func(ctx context.Context, _ http.ResponseWriter) {
			m.Get(ctx).N = 5
			m.Remember(ctx, 10*24*time.Hour, 100*24*time.Hour)
		})
		first := token
		require.NotEmpty(t, first)
		for range 12 {
			time.Sleep(8 * 24 * time.Hour)
			res := step(func(ctx context.Context, _ http.ResponseWriter) {
				require.Equal(t, 5, m.Get(ctx).N)
				require.True(t, m.Info(ctx).Remembered)
			})
			require.NotContains(t, res.Header, "X-Session")
			require.NotContains(t, res.Header, "Cache-Control")
			require.Equal(t, []sesame.EventKind{sesame.EventLoaded, sesame.EventTouched}, w.kinds())
		}
		time.Sleep(8 * 24 * time.Hour)
		step(func(ctx context.Context, _ http.ResponseWriter) {
			require.True(t, m.Info(ctx).New, "a hundred days are over")
		})

		// A client that is told nothing cannot be told too late.
		token = ""
		step(func(ctx context.Context, _ http.ResponseWriter) { m.Get(ctx).N = 6 })
		step(func(ctx context.Context, w http.ResponseWriter) {
			m.Get(ctx)
			w.(http.Flusher).Flush()
			m.Remember(ctx, time.Hour, 48*time.Hour)
		})
		require.Equal(t, []sesame.EventKind{sesame.EventLoaded, sesame.EventSaved}, w.kinds())
		require.Empty(t, w.log.String())
		time.Sleep(30 * time.Minute)
		step(func(ctx context.Context, _ http.ResponseWriter) { require.True(t, m.Info(ctx).Remembered) })
	})
}

// TestHeaderRedirect: clients follow a redirect with the fields of the request and
// show none of it, so a token that it brings is lost, as WithHeader says.
func TestHeaderRedirect(t *testing.T) {
	m := sesame.New[counter](sesame.WithHeader("X-Session"))
	mux := http.NewServeMux()
	mux.Handle("/", api(m))
	mux.Handle("/login", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.Renew(r.Context())
		http.Redirect(w, r, "/n", http.StatusSeeOther)
	})))
	a := newAPI(t, mux, "X-Session", false)
	a.get("/add")
	visitor := a.value
	require.Equal(t, "0", a.get("/login").body, "the redirect went out with the token of before")
	require.Equal(t, visitor, a.value)

	a.value = ""
	a.get("/add")
	visitor = a.value
	a.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	require.Equal(t, http.StatusSeeOther, a.get("/login").StatusCode)
	require.NotEqual(t, visitor, a.value)
	require.Equal(t, "1", a.get("/n").body)
}

// TestHeaderElsewhere: to another host Go's client takes along a field that it does
// not know, and no Authorization.
func TestHeaderElsewhere(t *testing.T) {
	got := make(chan http.Header, 1)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header }))
	t.Cleanup(elsewhere.Close)
	server := httptest.NewServer(http.RedirectHandler(strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1), http.StatusFound))
	t.Cleanup(server.Close)
	for field, along := range map[string]bool{"X-Session": true, "Authorization": false} {
		a := &app{t: t, client: server.Client(), url: server.URL, field: field, value: "Bearer token"}
		a.get("/")
		_, sent := (<-got)[field]
		require.Equal(t, along, sent, field)
	}
}

// TestHeaderImport: a session of another library gets a token in the field.
func TestHeaderImport(t *testing.T) {
	m := sesame.New[counter](sesame.WithHeader("X-Session"), sesame.WithImport(func(r *http.Request) (sesame.Import[counter], bool) {
		old := r.Header.Get("X-Old-Session")
		return sesame.Import[counter]{Token: old, Session: counter{N: 7}, Expires: time.Now().Add(time.Hour), Remember: true}, old != ""
	}))
	a := newAPI(t, api(m), "X-Old-Session", false)
	a.value = "what only the client knows"
	res := a.get("/add")
	require.Equal(t, "8", res.body)
	require.Len(t, res.Header.Get("X-Session"), 45)
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	a.field, a.value = "X-Session", res.Header.Get("X-Session")
	require.Equal(t, "8", a.get("/n").body)
}

// TestHeaderLive: a stream of an app ends with its session.
func TestHeaderLive(t *testing.T) {
	st := memstore.New()
	m := sesame.New[counter](sesame.WithHeader("Authorization"), sesame.WithStore(st))
	mux := http.NewServeMux()
	mux.Handle("/", api(m))
	mux.Handle("/live", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		live := m.Live(r.Context())
		must(st.Delete(r.Context(), keyOf(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))))
		<-live.Done()
		fmt.Fprint(w, context.Cause(live) == sesame.ErrNotFound)
	})))
	a := newAPI(t, mux, "Authorization", true)
	a.get("/add")
	require.Equal(t, "true", a.get("/live").body)
}
