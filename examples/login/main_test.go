package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestLogInAndOut(t *testing.T) {
	server := serve(t)
	ann := server.browser(t)

	if got := ann.get("/"); !strings.Contains(got, "<h1>Log in</h1>") {
		t.Errorf("a stranger is not asked to log in: %s", got)
	}
	if ann.cookie() != "" {
		t.Error("a stranger has a session already")
	}
	if got := ann.post("/login", "user", "ann", "password", "banana"); !strings.Contains(got, "do not match") {
		t.Errorf("the wrong password is not refused: %s", got)
	}
	if got := ann.logIn("ann", "apple"); !strings.Contains(got, "Hello, ann") {
		t.Errorf("the right password does not log in: %s", got)
	}
	first := ann.cookie()
	ann.logIn("ann", "apple")
	if second := ann.cookie(); second == first {
		t.Error("logging in again left the token as it was")
	}
	if got := ann.post("/logout"); !strings.Contains(got, "<h1>Log in</h1>") {
		t.Errorf("logging out does not log out: %s", got)
	}
	if ann.cookie() != "" {
		t.Error("logging out left the cookie")
	}
}

func TestLogOutOthers(t *testing.T) {
	server := serve(t)
	desktop, phone, other := server.browser(t), server.browser(t), server.browser(t)
	desktop.logIn("ann", "apple")
	phone.logIn("ann", "apple")
	other.logIn("bob", "banana")

	if got := strings.Count(desktop.get("/"), "<li>"); got != 2 {
		t.Errorf("ann sees %d sessions, want her own 2", got)
	}
	if got := desktop.post("/logout-others"); !strings.Contains(got, "Other sessions ended: 1.") {
		t.Errorf("no notice of what was ended: %s", got)
	}
	if got := desktop.get("/"); !strings.Contains(got, "Hello, ann") || strings.Contains(got, "ended") {
		t.Errorf("the notice is not shown once: %s", got)
	}
	if got := phone.get("/"); !strings.Contains(got, "<h1>Log in</h1>") {
		t.Errorf("the other session of ann lives on: %s", got)
	}
	if got := other.get("/"); !strings.Contains(got, "Hello, bob") {
		t.Errorf("bob was signed out too: %s", got)
	}
}

func TestForeignFormIsRefused(t *testing.T) {
	server := serve(t)
	req, err := http.NewRequest(http.MethodPost, server.URL+"/login", strings.NewReader("user=ann&password=apple"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden || len(resp.Cookies()) > 0 {
		t.Errorf("a form of another site: status %d, cookies %v; want 403 and none", resp.StatusCode, resp.Cookies())
	}
}

type server struct{ *httptest.Server }

// serve serves over TLS, since Go's cookie jar sends no Secure cookies to plain
// http://localhost.
func serve(t *testing.T) server {
	s := httptest.NewTLSServer(handler())
	t.Cleanup(s.Close)
	return server{s}
}

func (s server) browser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, s.URL, &http.Client{Transport: s.Client().Transport, Jar: jar}}
}

// browser is one with cookies of its own.
type browser struct {
	t      *testing.T
	site   string
	client *http.Client
}

func (b *browser) get(path string) string {
	b.t.Helper()
	return b.body(b.client.Get(b.site + path))
}

// post sends a form of names and values and follows the redirect.
func (b *browser) post(path string, fields ...string) string {
	b.t.Helper()
	form := make(url.Values)
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.body(b.client.PostForm(b.site+path, form))
}

func (b *browser) logIn(user, password string) string {
	b.t.Helper()
	return b.post("/login", "user", user, "password", password)
}

// cookie returns the session's, "" if the browser has none.
func (b *browser) cookie() string {
	site, err := url.Parse(b.site)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(site) {
		return c.Value
	}
	return ""
}

func (b *browser) body(resp *http.Response, err error) string {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(body)
}
