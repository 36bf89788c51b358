package browser_test

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
)

type session struct{ User, Note string }

// pages serves a log-in, a log-out, and a page with a link to itself that shows the
// user.
func pages(sessions *sesame.Manager[session]) *http.ServeMux {
	mux := http.NewServeMux()
	who := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<a href="/">%s</a>`, cmp.Or(sessions.Get(r.Context()).User, "anonymous"))
	}
	mux.HandleFunc("/{$}", who)
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		sessions.Renew(r.Context())
		sessions.Get(r.Context()).User = r.FormValue("user")
		who(w, r)
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		sessions.Destroy(r.Context())
		who(w, r)
	})
	return mux
}

// Mallory has her own session, and a script in Ann's page that tries to make Ann's
// browser use it. With the prefix __Host- this works if the browser has no HttpOnly
// cookie of that name, which a script can achieve. With the default name it never
// works: browsers accept such a cookie only from a Set-Cookie header.
func TestScriptsCannotPlantTheCookie(t *testing.T) {
	// Chromium keeps at most 180 cookies of a site and evicts the oldest. Setting a
	// cookie may return before it has happened; reading waits for it.
	const flood = `for (let i = 0; i < 200; i++) document.cookie = "c" + i + "=x; Secure; Path=/"; document.cookie;`
	cases := []struct {
		when, page, first string
		hostPrefix, ours  string // the user that Ann's page then shows, by the cookie's name
	}{
		{"before there is a session", "/", "", "mallory", "anonymous"},
		{"over a session", "/login?user=ann", "", "ann", "ann"},
		{"after evicting the session", "/login?user=ann", flood, "mallory", "anonymous"},
	}
	scripts := map[string]string{
		"document.cookie": `document.cookie = name + "=" + value + "; Secure; Path=/";`,
		"cookieStore.set": `await cookieStore.set({name, value}).catch(() => {});`,
	}
	for _, test := range cases {
		for how, script := range scripts {
			t.Run(how+" "+test.when, func(t *testing.T) {
				script := test.first + script
				control := sesame.WithCookie(http.Cookie{Name: "__Host-session_id"})
				require.Equal(t, test.hostPrefix, plant(t, "__Host-session_id", test.page, script, control))
				require.Equal(t, test.ours, plant(t, "__Host-Http-session_id", test.page, script))
			})
		}
	}
}

// plant runs the script in a page of Ann's, with the cookie's name and Mallory's
// value, and returns the user that Ann's page shows afterwards.
func plant(t *testing.T, name, page, script string, options ...sesame.Option) string {
	sessions := sesame.New[session](options...)
	server := httptest.NewTLSServer(sessions.Handler(pages(sessions)))
	t.Cleanup(server.Close)
	res, err := server.Client().Get(server.URL + "/login?user=mallory")
	require.NoError(t, err)
	res.Body.Close()
	cookie := res.Cookies()[0]
	require.Equal(t, name, cookie.Name)

	ann := newWindow(t)
	ann.visit(server.URL + page)
	eval[string](ann, fmt.Sprintf(`(async (name, value) => { %s return document.cookie })(%q, %q)`, script, name, cookie.Value))
	planted := slices.ContainsFunc(ann.cookies(), func(c *network.Cookie) bool { return c.Value == cookie.Value })
	who := ann.visit(server.URL)
	require.Equal(t, who == "mallory", planted, "not even beside her own")
	return who
}

// Chromium keeps the cookie and sends it back even if a developer runs the program
// without HTTPS, on localhost.
func TestDefaultCookieIsKept(t *testing.T) {
	for name, test := range map[string]struct {
		start func(http.Handler) *httptest.Server
		host  string
	}{
		"https, 127.0.0.1": {httptest.NewTLSServer, "127.0.0.1"},
		"https, localhost": {httptest.NewTLSServer, "localhost"},
		"http, localhost":  {httptest.NewServer, "localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			server := test.start(counter())
			t.Cleanup(server.Close)
			url := strings.Replace(server.URL, "127.0.0.1", test.host, 1)

			b := newWindow(t)
			require.Equal(t, "1 times!", b.visit(url))
			require.Len(t, b.cookies(), 1)
			c := b.cookies()[0]
			require.Equal(t, "__Host-Http-session_id", c.Name)
			require.Equal(t, []any{test.host, "/", true, true, true, network.CookieSameSiteLax},
				[]any{c.Domain, c.Path, c.Secure, c.HTTPOnly, c.Session, c.SameSite})
			require.Equal(t, "2 times!", b.visit(url))
			require.Equal(t, c.Value, b.cookies()[0].Value)
		})
	}
}

// In a browser that does not know __Host-Http-, the rules of __Host- apply (RFC
// 6265bis, section 4.1.3.2), even when the cookie is replaced or deleted.
func TestRulesOfHostPrefix(t *testing.T) {
	sessions := sesame.New[session]()
	mux := pages(sessions)
	mux.HandleFunc("/remember", func(_ http.ResponseWriter, r *http.Request) {
		sessions.Remember(r.Context(), time.Hour, time.Hour)
	})
	site := sessions.Handler(mux)

	var cookie *http.Cookie
	for _, page := range []string{"/login?user=ann", "/remember", "/logout"} {
		r := httptest.NewRequest("GET", "https://shop.example"+page, nil)
		if cookie != nil {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		lines := w.Header().Values("Set-Cookie")
		require.Len(t, lines, 1, page)
		require.True(t, strings.HasPrefix(lines[0], "__Host-Http-session_id="), lines[0])
		attributes := strings.Split(lines[0], "; ")[1:]
		require.Contains(t, attributes, "Secure")
		require.Contains(t, attributes, "Path=/")
		require.NotContains(t, strings.ToLower(lines[0]), "domain=")
		cookie = w.Result().Cookies()[0]
	}
	require.Negative(t, cookie.MaxAge, "the last one deletes it")
}
