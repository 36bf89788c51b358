package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sesame-go/sesame/sesametest"
)

func TestLogInAndOut(t *testing.T) {
	ann := browser{sesametest.NewClient(t, handler())}

	if got := ann.home(); !strings.Contains(got, "<h1>Log in</h1>") {
		t.Errorf("a stranger is not asked to log in: %s", got)
	}
	if ann.cookie() != "" {
		t.Error("a stranger has a session already")
	}
	if got := ann.logIn("ann", "banana"); !strings.Contains(got, "do not match") {
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
	if got := ann.press("/logout"); !strings.Contains(got, "<h1>Log in</h1>") {
		t.Errorf("logging out does not log out: %s", got)
	}
	if ann.cookie() != "" {
		t.Error("logging out left the cookie")
	}
}

func TestLogOutOthers(t *testing.T) {
	desktop := browser{sesametest.NewClient(t, handler())}
	phone, other := browser{desktop.Another()}, browser{desktop.Another()}
	desktop.logIn("ann", "apple")
	phone.logIn("ann", "apple")
	other.logIn("bob", "banana")

	if got := strings.Count(desktop.home(), "<li>"); got != 2 {
		t.Errorf("ann sees %d sessions, want her own 2", got)
	}
	if got := desktop.press("/logout-others"); !strings.Contains(got, "Other sessions ended: 1.") {
		t.Errorf("no notice of what was ended: %s", got)
	}
	if got := desktop.home(); !strings.Contains(got, "Hello, ann") || strings.Contains(got, "ended") {
		t.Errorf("the notice is not shown once: %s", got)
	}
	if got := phone.home(); !strings.Contains(got, "<h1>Log in</h1>") {
		t.Errorf("the other session of ann lives on: %s", got)
	}
	if got := other.home(); !strings.Contains(got, "Hello, bob") {
		t.Errorf("bob was signed out too: %s", got)
	}
}

func TestForeignFormIsRefused(t *testing.T) {
	client := sesametest.NewClient(t, handler())
	r, err := http.NewRequest(http.MethodPost, "https://example.com/login", strings.NewReader("user=ann&password=apple"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, _ := client.Do(r)
	if resp.StatusCode != http.StatusForbidden || len(resp.Cookies()) > 0 {
		t.Errorf("a form of another site: status %d, cookies %v; want 403 and none", resp.StatusCode, resp.Cookies())
	}
}

// A browser uses the pages as a user does. Its methods return the page that it
// shows then.
type browser struct{ *sesametest.Client }

func (b browser) home() string {
	_, page := b.Get("/")
	return page
}

// press sends the form of a button.
func (b browser) press(path string) string {
	_, page := b.Post(path, nil)
	return page
}

func (b browser) logIn(user, password string) string {
	_, page := b.Post("/login", url.Values{"user": {user}, "password": {password}})
	return page
}

// cookie returns the session's, "" if the browser has none.
func (b browser) cookie() string {
	for _, c := range b.Cookies("/") {
		return c.Value
	}
	return ""
}
