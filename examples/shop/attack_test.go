package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/sesametest"
)

// attacker is a client that looks at redirects instead of following them.
func attacker(t *testing.T, s *shop) *sesametest.Client { return still(client(t, s)) }

// still makes a client that does not follow redirects.
func still(c *sesametest.Client) *sesametest.Client {
	c.HTTP.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// logInAs signs a client in.
func logInAs(t *testing.T, c *sesametest.Client, user, password string) *sesametest.Client {
	t.Helper()
	res, _ := c.Post("/login", url.Values{"user": {user}, "password": {password}})
	require.Less(t, res.StatusCode, 400)
	return c
}

// id returns the ID of the client's session, which is no secret.
func id(c *sesametest.Client) string {
	id, _, _ := strings.Cut(c.Cookies("/")[0].Value, ".")
	return id
}

// Links to the log-in lead to no other site, as Chromium understands them.
func TestNoOpenRedirects(t *testing.T) {
	s := testShop()
	newTestProvider(t).join(s, "https://example.com")
	ann, visitor := attacker(t, s), attacker(t, s)
	logInAs(t, ann, "ann", "apple")
	var led []string
	follow := func(res *http.Response) {
		require.Equal(t, http.StatusSeeOther, res.StatusCode)
		led = append(led, res.Header.Get("Location"))
	}
	for _, next := range []string{
		"https://evil.example/", "http:evil.example", "//evil.example", "///evil.example", "////evil.example", `/\evil.example`, `\\evil.example`,
		`/\/evil.example`, "/\t/evil.example", "\t//evil.example", " //evil.example", "/\n/evil.example", "\x00//evil.example", "//evil.example@example.com",
		"https:///evil.example", "javascript:alert(1)", "data:text/html,x", "/%5cevil.example", "/%2fevil.example", "//%2fevil.example", "/%09/evil.example",
		"evil.example", "../..//evil.example", "/..//evil.example", "/.//evil.example", "/x/..//evil.example", "?//evil.example", "#//evil.example",
		"https://example.com@evil.example", "//evil.example:443/x", "/\u2028/evil.example", "／／evil.example", "",
	} {
		res, _ := ann.Get("/login?next=" + url.QueryEscape(next))
		follow(res)
		res, _ = ann.Post("/login", url.Values{"user": {"ann"}, "password": {"apple"}, "next": {next}})
		follow(res)
		res, _ = ann.Post("/confirm", url.Values{"password": {"apple"}, "next": {next}})
		follow(res)
		res, _ = visitor.Post("/cart/add", url.Values{"good": {"chai"}, "next": {next}})
		follow(res)
		res, _ = visitor.Post("/oidc/login", url.Values{"next": {next}})
		require.Contains(t, res.Header.Get("Location"), s.provider.oauth.Endpoint.AuthURL)
		session, _ := sesametest.Session(t, s.sessions, cookieOf(visitor))
		led = append(led, session.Exchange.Next)
	}
	list, err := json.Marshal(led)
	require.NoError(t, err)
	b := newWindow(t)
	b.visit("about:blank")
	hosts := eval[map[string]int](b, `Object.fromEntries(`+string(list)+`.map(l => [new URL(l, "https://example.com/login").origin, 1]))`)
	require.Equal(t, map[string]int{"https://example.com": 1}, hosts, "%q", led)

	res, _ := visitor.Get("/devices?sort=used&from=%2Fmail")
	require.Equal(t, "/login?next=%2Fdevices%3Fsort%3Dused%26from%3D%252Fmail", res.Header.Get("Location"))
	res, _ = ann.Get(res.Header.Get("Location"))
	require.Equal(t, "/devices?sort=used&from=%2Fmail", res.Header.Get("Location"), "what is safe is kept")
}

func cookieOf(c *sesametest.Client) *http.Cookie { return c.Cookies("/")[0] }

// Bob writes the ID of ann's session into his form. It stays, and he is told
// what he is told of an ID that does not exist.
func TestForeignSessionID(t *testing.T) {
	s := testShop()
	ann := logInAs(t, client(t, s), "ann", "apple")
	bob := logInAs(t, ann.Another(), "bob", "banana")
	gone := logInAs(t, ann.Another(), "bob", "banana")
	goneID := id(gone)
	require.NoError(t, s.sessions.Revoke(t.Context(), goneID))
	bob.Get("/") // takes the welcome

	var said []string
	for _, id := range []string{id(ann), goneID, "made up", ""} {
		res, page := bob.Post("/devices/end", url.Values{"id": {id}})
		require.Equal(t, http.StatusOK, res.StatusCode)
		said = append(said, page)
	}
	for _, page := range said {
		require.Equal(t, said[0], page)
		require.Contains(t, page, "This device was signed out already.")
	}
	_, page := ann.Get("/account")
	require.Contains(t, page, "Your orders")

	for path, form := range map[string]url.Values{"/admin/end": {"id": {id(ann)}}, "/admin/end-owner": {"owner": {"ann"}}} {
		res, _ := bob.Post(path, form)
		require.Equal(t, http.StatusNotFound, res.StatusCode, path)
	}
	_, page = ann.Get("/account")
	require.Contains(t, page, "Your orders")
}

// Nothing of a member's is there for a visitor, nor for forms of other sites.
func TestStrangers(t *testing.T) {
	s := testShop()
	visitor := attacker(t, s)
	ann := logInAs(t, visitor.Another(), "ann", "apple")
	for _, path := range []string{"/account", "/account/chat", "/devices", "/password", "/confirm", "/admin", "/admin/inspect/"} {
		res, _ := visitor.Get(path)
		require.Equal(t, "/login?next="+url.QueryEscape(path), res.Header.Get("Location"))
	}
	for _, path := range []string{"/cart/buy", "/confirm", "/password", "/devices/end", "/devices/end-others", "/admin/end", "/admin/end-owner"} {
		res, _ := visitor.Post(path, nil)
		require.Equal(t, "/login?next=/account", res.Header.Get("Location"), path)
	}
	res, _ := visitor.Get("/account/orders")
	require.Equal(t, http.StatusNoContent, res.StatusCode)
	require.Empty(t, visitor.Cookies("/"))

	for _, path := range []string{"/login", "/logout", "/cart/add", "/cart/buy", "/devices/end-others", "/password"} {
		r, err := http.NewRequest("POST", "https://example.com"+path, strings.NewReader("good=chai&user=ann&password=apple"))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		res, _ := ann.Do(r)
		require.Equal(t, http.StatusForbidden, res.StatusCode, path)
	}
	_, page := ann.Get("/cart")
	require.Contains(t, page, "Nothing in it yet.")
}

// Two tabs ask at once, and have both loaded the session with its message
// before one of them takes it. One shows it.
func TestTwoTabsTakeOneMessage(t *testing.T) {
	gate := newGate()
	s := testShopOn(gate)
	ann := attacker(t, s)
	for range 20 {
		ann.Post("/cart/add", url.Values{"good": {"chai"}})
		gate.hold(2)
		pages := make(chan string, 2)
		for range 2 {
			go func() {
				_, page := ann.Get("/")
				pages <- page
			}()
		}
		require.Equal(t, 1, strings.Count(<-pages+<-pages, "Bazaar Chai is in your cart."))
	}
}

// Two clicks on "buy" make one order.
func TestDoubleClickBuysOnce(t *testing.T) {
	gate := newGate()
	s := testShopOn(gate)
	ann := logInAs(t, attacker(t, s), "ann", "apple")
	ann.Post("/cart/add", url.Values{"good": {"chai"}})
	gate.hold(2)
	done := make(chan *http.Response, 2)
	for range 2 {
		go func() {
			res, _ := ann.Post("/cart/buy", nil)
			done <- res
		}()
	}
	for range 2 {
		require.Equal(t, http.StatusSeeOther, (<-done).StatusCode)
	}
	require.Len(t, s.orders.of("ann"), 1)
}
