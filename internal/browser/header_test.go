package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/memstore"
)

// cors lets scripts of some origins use an API: they may send the header field if it is
// allowed, and read it if it is exposed.
type cors struct {
	origins          []string
	allowed, exposed string
	preflights       atomic.Int32
}

func (c *cors) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); slices.Contains(c.origins, origin) {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Expose-Headers", c.exposed)
		}
		if r.Method == http.MethodOptions {
			c.preflights.Add(1)
			w.Header().Set("Access-Control-Allow-Headers", c.allowed)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// script is the script of a page of another origin. It keeps the token, and calls the
// API with it.
const script = `
	window.token = null;
	window.ask = async path => {
		const res = await fetch(%q + path, {headers: token ? {%[2]q: token} : {}});
		const given = res.headers.get(%[2]q);
		if (given !== null) token = given;
		return res.status + " " + await res.text();
	};
	true`

// TestHeaderAcrossOrigins tests a page whose script keeps the token in a variable and
// uses an API of another origin. The browser sends preflight requests, and no cookies.
func TestHeaderAcrossOrigins(t *testing.T) {
	for _, field := range []string{"X-Session", "Authorization"} {
		t.Run(field, func(t *testing.T) {
			page := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a page") }))
			t.Cleanup(page.Close)
			engine := &breakable{Store: memstore.New()}
			sessions := sesame.New[session](sesame.WithHeader(field), sesame.WithStore(engine))
			mux := pages(sessions)
			mux.HandleFunc("/note", func(w http.ResponseWriter, r *http.Request) {
				s := sessions.Get(r.Context())
				s.Note += "x"
				fmt.Fprint(w, s.User, s.Note)
			})
			access := &cors{origins: []string{page.URL}, allowed: field, exposed: field}
			api := httptest.NewUnstartedServer(access.handler(sessions.Handler(mux)))
			api.EnableHTTP2 = true
			api.StartTLS()
			t.Cleanup(api.Close)

			b := newWindow(t)
			b.visit(page.URL)
			eval[bool](b, fmt.Sprintf(script, api.URL, field))
			ask := func(path string) string { return eval[string](b, fmt.Sprintf("ask(%q)", path)) }
			token := func() string { return eval[string](b, "String(token)") }

			require.Equal(t, "200 x", ask("/note"))
			require.Zero(t, access.preflights.Load(), "there is no token to send yet")
			visitor := token()
			require.Equal(t, field == "Authorization", strings.HasPrefix(visitor, "Bearer "))
			require.Equal(t, "200 xx", ask("/note"))
			require.Positive(t, access.preflights.Load())
			require.Equal(t, visitor, token())
			ask("/login?user=ann")
			require.NotEqual(t, visitor, token())
			require.Equal(t, "200 annxxx", ask("/note"))

			engine.down.Store(true)
			require.Equal(t, "503 Service Unavailable\n", ask("/note"), "the script can read the status of an error")
			engine.down.Store(false)
			require.Equal(t, "200 annxxxx", ask("/note"), "and keeps its token")

			ask("/logout")
			require.Equal(t, "", token())
			require.Equal(t, "200 x", ask("/note"))
			require.Equal(t, 1, engine.Len())
			require.Empty(t, b.cookies())

			// From a page of a third origin the API gets nothing but the preflight.
			other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a page") }))
			t.Cleanup(other.Close)
			stolen := token()
			b.visit(other.URL)
			eval[bool](b, fmt.Sprintf(script, api.URL, field))
			eval[bool](b, fmt.Sprintf("token = %q, true", stolen))
			require.Equal(t, "TypeError", eval[string](b, `ask("/note").catch(err => err.name)`))
			require.Equal(t, "x", only(t, sessions).Note)
		})
	}
}

// TestHeaderNeedsCORS tests what a script cannot do if one of the two lists is missing.
func TestHeaderNeedsCORS(t *testing.T) {
	page := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a page") }))
	t.Cleanup(page.Close)
	for name, access := range map[string]*cors{
		"not exposed": {origins: []string{page.URL}, allowed: "X-Session"},
		"not allowed": {origins: []string{page.URL}, exposed: "X-Session"},
	} {
		t.Run(name, func(t *testing.T) {
			sessions := sesame.New[session](sesame.WithHeader("X-Session"))
			api := httptest.NewTLSServer(access.handler(sessions.Handler(pages(sessions))))
			t.Cleanup(api.Close)
			b := newWindow(t)
			b.visit(page.URL)
			eval[bool](b, fmt.Sprintf(script, api.URL, "X-Session"))
			eval[string](b, `ask("/login?user=ann")`)
			require.Equal(t, access.exposed == "", eval[bool](b, "token === null"))
			if access.exposed != "" {
				require.Equal(t, "TypeError", eval[string](b, `ask("/logout").catch(err => err.name)`))
			}
			require.Equal(t, "ann", only(t, sessions).User)
		})
	}
}

// only returns the only stored session.
func only(t *testing.T, sessions *sesame.Manager[session]) (found session) {
	n := 0
	for e, err := range sessions.All(t.Context()) {
		require.NoError(t, err)
		found = e.Data
		n++
	}
	require.Equal(t, 1, n)
	return found
}
