package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A caller is a browser that needs no network, for tests in which time passes.
type caller struct {
	shop    http.Handler
	cookie  *http.Cookie
	address string
}

func (c *caller) call(method, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://shop.example"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.address != "" {
		r.RemoteAddr = c.address
	}
	if c.cookie != nil {
		r.AddCookie(c.cookie)
	}
	w := httptest.NewRecorder()
	c.shop.ServeHTTP(w, r)
	for _, set := range w.Result().Cookies() {
		c.cookie = set
	}
	return w
}

func (c *caller) logIn(user, password string) {
	c.call("POST", "/login", url.Values{"user": {user}, "password": {password}})
}

// TestFresh: ten minutes after the log-in the password is asked for again, and
// then it is good for ten minutes more.
func TestFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ann := &caller{shop: testShop().handler()}
		ann.logIn("ann", "apple")
		where := func() string { return ann.call("GET", "/password", nil).Header().Get("Location") }
		require.Empty(t, where())
		time.Sleep(10 * time.Minute)
		require.Empty(t, where())
		time.Sleep(time.Second)
		require.Equal(t, "/confirm?next=%2Fpassword", where())
		require.Equal(t, "/confirm?next=/account", ann.call("POST", "/password", url.Values{"password": {"long enough"}}).Header().Get("Location"))
		require.Equal(t, http.StatusUnauthorized, ann.call("POST", "/confirm", url.Values{"password": {"banana"}}).Code)
		require.NotEmpty(t, where())
		require.Equal(t, "/password", ann.call("POST", "/confirm", url.Values{"password": {"apple"}, "next": {"/password"}}).Header().Get("Location"))
		time.Sleep(10 * time.Minute)
		require.Empty(t, where())
	})
}

// TestPolling: a page that polls does not keep its session alive, a user does.
func TestPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testShop()
		ann := &caller{shop: s.handler()}
		ann.logIn("ann", "apple")
		for range 3 {
			time.Sleep(50 * time.Minute)
			require.Equal(t, http.StatusOK, ann.call("GET", "/account", nil).Code)
		}
		for range 59 {
			time.Sleep(time.Minute)
			ann.call("GET", "/cart/count", nil)
		}
		require.Equal(t, 1, owned(t, s, "ann"))
		time.Sleep(2 * time.Minute)
		require.Zero(t, owned(t, s, "ann"))
		require.Equal(t, http.StatusSeeOther, ann.call("GET", "/account", nil).Code)
	})
}

// TestRemembered: a log-in that is kept lives as long as it is used each month,
// half a year at most; and a visitor's cart waits for a week.
func TestRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testShop()
		ann, visitor := &caller{shop: s.handler()}, &caller{shop: s.handler()}
		visitor.call("POST", "/cart/add", url.Values{"good": {"chai"}})
		time.Sleep(6 * day)
		require.Contains(t, visitor.call("GET", "/cart", nil).Body.String(), "Bazaar Chai")
		time.Sleep(8 * day)
		require.NotContains(t, visitor.call("GET", "/cart", nil).Body.String(), "Bazaar Chai")

		ann.call("POST", "/login", url.Values{"user": {"ann"}, "password": {"apple"}, "remember": {"yes"}})
		for range 6 {
			require.Equal(t, http.StatusOK, ann.call("GET", "/account", nil).Code)
			time.Sleep(29 * day)
		}
		require.Equal(t, http.StatusOK, ann.call("GET", "/account", nil).Code)
		time.Sleep(7 * day)
		require.Equal(t, http.StatusSeeOther, ann.call("GET", "/account", nil).Code)

		// A log-in that is not to be kept, over one that is.
		ann.call("POST", "/login", url.Values{"user": {"ann"}, "password": {"apple"}, "remember": {"yes"}})
		ann.logIn("bob", "banana")
		require.Zero(t, ann.cookie.MaxAge)
		require.Zero(t, owned(t, s, "ann"))
		time.Sleep(2 * time.Hour)
		require.Equal(t, http.StatusSeeOther, ann.call("GET", "/account", nil).Code)
	})
}

// TestCartsOfOthers: a cart goes along when a visitor logs in, and not when
// another user does.
func TestCartsOfOthers(t *testing.T) {
	c := &caller{shop: testShop().handler()}
	c.call("POST", "/cart/add", url.Values{"good": {"chai"}})
	c.logIn("ann", "apple")
	require.Contains(t, c.call("GET", "/cart", nil).Body.String(), "Bazaar Chai")
	c.logIn("ann", "apple")
	require.Contains(t, c.call("GET", "/cart", nil).Body.String(), "Bazaar Chai")
	c.logIn("bob", "banana")
	require.NotContains(t, c.call("GET", "/cart", nil).Body.String(), "Bazaar Chai")
}

// TestMaxDevices: the sixth log-in ends the one that is oldest.
func TestMaxDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testShop()
		var devices []*caller
		for range maxDevices + 1 {
			time.Sleep(time.Minute)
			devices = append(devices, &caller{shop: s.handler()})
			devices[len(devices)-1].logIn("ann", "apple")
		}
		require.Equal(t, maxDevices, owned(t, s, "ann"))
		require.Equal(t, http.StatusSeeOther, devices[0].call("GET", "/account", nil).Code)
		require.Equal(t, http.StatusOK, devices[1].call("GET", "/account", nil).Code)
	})
}

// TestDevicePage: what it says of when and where.
func TestDevicePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testShop()
		here, there := &caller{shop: s.handler(), address: "[2001:db8:7:1::5]:1234"}, &caller{shop: s.handler(), address: "203.0.113.9:99"}
		there.logIn("ann", "apple")
		time.Sleep(3 * time.Minute)
		here.logIn("ann", "apple")
		time.Sleep(20 * time.Minute)
		there.call("GET", "/account", nil)
		time.Sleep(2 * time.Minute)
		page := here.call("GET", "/devices", nil).Body.String()
		require.Regexp(t, `(?s)From 2001:db8:7::/48 · signed in <time [^>]*>22 minutes ago.*From 203.0.113.x · signed in <time [^>]*>25 minutes ago</time> · used <time [^>]*>2 minutes ago`, page)
		require.NotContains(t, page, "203.0.113.9")
	})
}

func TestDeviceNames(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":    "Edge on Windows",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36":                  "Chrome on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0":                                             "Firefox on Mac",
		"curl/8.5.0": "curl",
		"":           "A browser",
	} {
		require.Equal(t, want, Device{Agent: agent}.Name())
	}
	long := httptest.NewRequest("GET", "/", nil)
	long.Header.Set("User-Agent", strings.Repeat("ä", 500))
	require.Len(t, deviceOf(long).Agent, 200)
}

// TestRightsAreTheAccounts: an administrator who is one no more is told so at once.
func TestRightsAreTheAccounts(t *testing.T) {
	s := testShop()
	carol := &caller{shop: s.handler()}
	carol.logIn("carol", "cherry")
	require.Equal(t, http.StatusOK, carol.call("GET", "/admin", nil).Code)
	require.Equal(t, http.StatusOK, carol.call("GET", "/admin/inspect/", nil).Code)
	s.accounts.mu.Lock()
	user := s.accounts.byID["carol"]
	user.Admin = false
	s.accounts.byID["carol"] = user
	s.accounts.mu.Unlock()
	require.Equal(t, http.StatusNotFound, carol.call("GET", "/admin", nil).Code)
	require.Equal(t, http.StatusNotFound, carol.call("GET", "/admin/inspect/", nil).Code)
}
