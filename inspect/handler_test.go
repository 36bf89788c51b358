package inspect_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/inspect"
)

func TestHandlerPanicsWithTheCure(t *testing.T) {
	m := sesame.New[Session]()
	for cure, build := range map[string]func(){
		"inspect.Allow(func":   func() { inspect.Handler(m) },
		"say who may see it":   func() { inspect.Handler(m, inspect.Allow(nil)) },
		"leave it out for 404": func() { inspect.Handler(m, inspect.Allow(everyone), inspect.Refused(nil)) },
		"KeepEvents(0): use 1": func() { inspect.Handler(m, inspect.Allow(everyone), inspect.KeepEvents(0)) },
		"an option is nil":     func() { inspect.Handler(m, inspect.Allow(everyone), nil) },
		"give it the manager":  func() { inspect.Handler[Session](nil, inspect.Allow(everyone)) },
	} {
		var said any
		func() {
			defer func() { said = recover() }()
			build()
		}()
		require.Contains(t, said, cure)
		require.Contains(t, said, "inspect: Handler")
	}
}

// everything there is to ask for, with a session's ID.
func addresses(id string) (gets, posts []string) {
	return []string{"", "sessions", "events", "live", "live?page=session&session=" + id, "style.css", "script.js", "icon.svg", "session/" + id, "owner/" + id, "nothing"},
		[]string{"search", "end", "count", "nothing", ""}
}

// A request that Allow refuses learns nothing, ends nothing, and cannot tell
// what is there.
func TestAllowIsAskedForEverything(t *testing.T) {
	m := sesame.New[Session](quiet)
	id, _ := login(t, m, Session{User: "ann"})
	asked := 0
	no := inspect.Allow(func(r *http.Request) bool { asked++; return r.Header.Get("Operator") == "yes" })
	gets, posts := addresses(id)
	form := url.Values{"id": {id}, "q": {"ann"}}

	bare := http.StripPrefix("/inspect", inspect.Handler(m, no))
	sent := inspect.Handler(m, no, inspect.Refused(http.RedirectHandler("/login", http.StatusSeeOther)))
	for _, path := range gets {
		w := ask(bare, "GET", "/inspect/"+path, nil, nil)
		require.Equal(t, http.StatusNotFound, w.Code, path)
		require.Equal(t, "404 page not found\n", w.Body.String(), path)
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		w = ask(sent, "GET", "/inspect/"+path, nil, nil)
		require.Equal(t, "/login", w.Header().Get("Location"), path)
	}
	for _, path := range posts {
		require.Equal(t, http.StatusNotFound, ask(bare, "POST", "/inspect/"+path, form, nil).Code)
		require.Equal(t, http.StatusSeeOther, ask(sent, "POST", "/inspect/"+path, form, nil).Code)
	}
	require.Equal(t, 2*(len(gets)+len(posts)), asked)
	require.True(t, lives(t, m, id))
	require.Equal(t, http.StatusOK, ask(bare, "GET", "/inspect/", nil, map[string]string{"Operator": "yes"}).Code)
	require.Equal(t, http.StatusMethodNotAllowed, ask(bare, "DELETE", "/inspect/session/"+id, nil, map[string]string{"Operator": "yes"}).Code)
}

// All links, forms, scripts and styles of every page lead to one, wherever the
// program mounts it.
func TestLinksHoldBelowAnyPrefix(t *testing.T) {
	known := regexp.MustCompile(`^(|sessions|events|style\.css|script\.js|icon\.svg|search|end|count|(session|owner)/[\w-]{22})$`)
	for prefix, mount := range map[string]func(h http.Handler) http.Handler{
		"/inspect/":    func(h http.Handler) http.Handler { return h },
		"/":            func(h http.Handler) http.Handler { return h },
		"/a/b/c/":      func(h http.Handler) http.Handler { return http.StripPrefix("/a/b/c", h) },
		"/with/slash/": func(h http.Handler) http.Handler { return http.StripPrefix("/with/slash/", h) },
	} {
		t.Run(prefix, func(t *testing.T) {
			m := sesame.New[Session](quiet)
			mux := http.NewServeMux()
			mux.Handle(prefix, mount(inspect.Handler(m, inspect.Allow(everyone))))
			many := map[bool]int{true: 60, false: 3}[prefix == "/inspect/"]
			for n := range many {
				login(t, m, Session{User: fmt.Sprint("user ", n/55)})
			}
			seen, waiting := map[string]bool{}, []string{prefix}
			for len(waiting) > 0 {
				at := waiting[0]
				waiting = waiting[1:]
				if seen[at] || len(seen) > 60 {
					continue
				}
				seen[at] = true
				w := ask(mux, "GET", at, nil, nil)
				require.Equal(t, http.StatusOK, w.Code, at)
				here, err := url.Parse(at)
				require.NoError(t, err)
				for _, found := range regexp.MustCompile(` (href|src|action)="([^"#]+)"`).FindAllStringSubmatch(w.Body.String(), -1) {
					to, err := here.Parse(strings.ReplaceAll(found[2], "&amp;", "&"))
					require.NoError(t, err)
					require.Regexp(t, known, strings.TrimPrefix(to.Path, prefix), "%s on %s leads to %s", found[0], at, to)
					if found[1] != "action" {
						waiting = append(waiting, to.String())
						continue
					}
					if seen["POST "+to.Path] {
						continue
					}
					seen["POST "+to.Path] = true
					require.NotEqual(t, http.StatusNotFound, ask(mux, "POST", to.Path, url.Values{"id": {"AAAAAAAAAAAAAAAAAAAAAA"}}, map[string]string{"Sec-Fetch-Site": "same-origin"}).Code, to)
				}
			}
			require.Greater(t, len(seen), 40)
		})
	}
}

// Browsers keep no page, put none in a frame, and run no script but the one.
func TestHeaders(t *testing.T) {
	m, h := newPage(t)
	id, _ := login(t, m, Session{User: "ann"})
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script(?: nonce="[^"]*")?>|<script[^>]*>[^<]`)
	gets, _ := addresses(id)
	nonces := map[string]bool{}
	for _, path := range gets {
		if strings.HasPrefix(path, "live") {
			continue
		}
		w := ask(h, "GET", "/inspect/"+path, nil, nil)
		header := w.Header()
		require.Equal(t, "no-store", header.Get("Cache-Control"), path)
		require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
		require.Equal(t, "DENY", header.Get("X-Frame-Options"))
		require.Equal(t, "same-origin", header.Get("Cross-Origin-Resource-Policy"))
		csp := header.Get("Content-Security-Policy")
		require.Contains(t, csp, "default-src 'none'", path)
		require.Contains(t, csp, "frame-ancestors 'none'", path)
		require.NotContains(t, csp, "unsafe", path)
		if !strings.HasPrefix(header.Get("Content-Type"), "text/html") {
			continue
		}
		require.Empty(t, inline.FindString(w.Body.String()), path)
		nonce := regexp.MustCompile(`script-src 'nonce-(\w{26,})'; style-src 'nonce-\w+'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'`).FindStringSubmatch(csp)
		require.NotNil(t, nonce, csp)
		require.Equal(t, 2, strings.Count(w.Body.String(), `nonce="`+nonce[1]+`"`))
		require.False(t, nonces[nonce[1]], "used once")
		nonces[nonce[1]] = true
	}
	_, page := get(t, h, "")
	style := regexp.MustCompile(`style\.css\?v=\w+`).FindString(page)
	require.Contains(t, ask(h, "GET", "/inspect/"+style, nil, nil).Header().Get("Cache-Control"), "private, max-age=31536000, immutable")
	require.Equal(t, "no-store", ask(h, "GET", "/inspect/style.css?v=old", nil, nil).Header().Get("Cache-Control"))
}

// Another site can send no form and load no part, neither of an old browser nor
// through a proxy that removes headers.
func TestOtherSitesAreRefused(t *testing.T) {
	m, h := newPage(t)
	id, _ := login(t, m, Session{User: "ann"})
	owner := base64.RawURLEncoding.EncodeToString([]byte("ann"))
	for name, header := range map[string]map[string]string{
		"another site":       {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": "https://evil.example"},
		"a subdomain":        {"Sec-Fetch-Site": "same-site", "Origin": "https://blog.shop.example"},
		"an old browser":     {"Origin": "https://evil.example"},
		"a sandboxed frame":  {"Origin": "null"},
		"nothing that tells": {},
		"the wrong port":     {"Origin": "https://shop.example:8443"},
	} {
		for _, form := range []url.Values{{"id": {id}}, {"owner": {owner}}} {
			w := ask(h, "POST", "/inspect/end", form, header)
			require.Equal(t, http.StatusForbidden, w.Code, name)
		}
		require.Equal(t, http.StatusForbidden, ask(h, "POST", "/inspect/search", url.Values{"q": {"ann"}}, header).Code, name)
		require.True(t, lives(t, m, id), name)
	}
	for path, mode := range map[string]string{"live": "cors", "script.js": "no-cors", "": "no-cors", "icon.svg": "no-cors"} {
		require.Equal(t, http.StatusForbidden, ask(h, "GET", "/inspect/"+path, nil, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}).Code, path)
	}
	require.Equal(t, http.StatusOK, ask(h, "GET", "/inspect/", nil, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}).Code, "a link in a chat")
	require.Equal(t, http.StatusOK, ask(h, "POST", "/inspect/end", url.Values{"id": {id}}, map[string]string{"Origin": "https://shop.example"}).Code, "an old browser, this site")
	require.False(t, lives(t, m, id))
}

// A form is answered, not read on a GET, so that no link ends a session.
func TestLinksEndNothing(t *testing.T) {
	m, h := newPage(t)
	id, _ := login(t, m, Session{User: "ann"})
	for _, path := range []string{"end?id=" + id, "end", "search?q=ann", "count"} {
		code, _ := get(t, h, path)
		require.Equal(t, http.StatusNotFound, code, path)
	}
	w := post(t, h, "end?id="+id, url.Values{"x": {"y"}})
	require.Equal(t, http.StatusNotFound, w.Code, "only what is in the form counts")
	require.True(t, lives(t, m, id))
}
