package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A visitor fills a cart, is asked to log in to buy it, comes back to it, and
// buys it.
func TestCartIsKeptThroughLogIn(t *testing.T) {
	t.Parallel()
	url := serve(t, testShop())
	b := newWindow(t)
	b.visit(url)
	require.Empty(t, b.cookies(), "a visitor who only looks has no session")
	require.Contains(t, b.press(`form:has([value="sencha"]) button`), "Sencha Uji is in your cart.")
	require.NotContains(t, b.visit(url), "is in your cart", "a message is shown once")
	b.press(`form:has([value="saffron"]) button`)
	visitor := b.cookies()[0].Value

	require.Contains(t, b.visit(url+"/cart"), "Total €21.70")
	b.press(".total button")
	require.Equal(t, "/login?next=/account", b.path())
	require.Contains(t, b.signIn("ann", "banana"), "Name and password do not match.")
	require.Contains(t, b.signIn("ann", "apple"), "Welcome, Ann.")
	require.Equal(t, "/account", b.path())
	require.NotEqual(t, visitor, b.cookies()[0].Value)

	require.Contains(t, b.visit(url+"/cart"), "Total €21.70")
	require.Contains(t, b.press(".total button"), "This is your order 1001.")
	b.becomes(`document.querySelector("[data-order]").textContent === "received"`)
	require.Contains(t, b.visit(url+"/cart"), "Nothing in it yet.")
	b.visit(url + "/account")
	require.Contains(t, b.press(`form[action="/logout"] button`), "Sign in")
	require.Empty(t, b.cookies())
}

// A tab whose cart grows in another one shows it, without being moved.
func TestCartInAnotherTab(t *testing.T) {
	t.Parallel()
	url := serve(t, testShop())
	a := newWindow(t)
	a.visit(url)
	a.press(`form:has([value="chai"]) button`)
	b := a.another()
	b.visit(url)
	eval[bool](b, `fetch("/cart/add", {method: "POST", body: new URLSearchParams({good: "chai"}), redirect: "manual"}).then(() => true)`)
	eval[any](a, `document.querySelector("#count").textContent = "", null`)
	a.becomes(`!document.hidden && document.querySelector("#count").textContent === "2"`)
}

// The cookie of "keep me signed in" outlives the browser, the other does not.
func TestKeepMeSignedIn(t *testing.T) {
	t.Parallel()
	url := serve(t, testShop())
	b := newWindow(t).signedIn(url, "ann", "apple")
	require.True(t, b.cookies()[0].Session)
	b.visit(url + "/account")
	b.press(`form[action="/logout"] button`)

	b.visit(url + "/login")
	eval[bool](b, `document.querySelector("[name=remember]").checked = true`)
	b.signIn("ann", "apple")
	require.False(t, b.cookies()[0].Session)
	require.InDelta(t, time.Now().Add(30*day).Unix(), float64(b.cookies()[0].Expires), 60)
	require.Contains(t, b.visit(url+"/devices"), "kept signed in")
}

// Ann sees her two devices and which of them this is. She signs the other one
// out, and later all others.
func TestDevices(t *testing.T) {
	t.Parallel()
	url := serve(t, testShop())
	here, there, third := newWindow(t).signedIn(url, "ann", "apple"), newWindow(t).signedIn(url, "ann", "apple"), newWindow(t)
	newWindow(t).signedIn(url, "bob", "banana")
	require.Contains(t, here.visit(url+"/devices"), "From 127.0.0.x · signed in just now · used just now")
	require.Equal(t, 2, eval[int](here, `document.querySelectorAll("#devices li").length`))
	require.Equal(t, 1, eval[int](here, `document.querySelectorAll("#devices li:has(.badge)").length`))
	require.False(t, eval[bool](here, `!!document.querySelector("#devices .here button")`))

	require.Contains(t, here.press("#devices button"), "Chrome on Linux is signed out.")
	require.Contains(t, there.visit(url+"/devices"), "Sign in")
	require.Equal(t, "/login?next=%2Fdevices", there.path())
	there.signIn("ann", "apple")
	require.Equal(t, "/devices", there.path(), "the way back")

	third.signedIn(url, "ann", "apple")
	here.visit(url + "/devices")
	require.Contains(t, here.press(`form[action="/devices/end-others"] button`), "Other devices signed out: 2.")
	for _, other := range []tab{there, third} {
		require.Contains(t, other.visit(url+"/account"), "Keep me signed in")
	}
}

// A password that was given a while ago is asked for again before it can be
// changed, and the change signs out the other device.
func TestPasswordIsAskedForAgain(t *testing.T) {
	t.Parallel()
	s := testShop()
	impatient := *s
	impatient.freshFor = 0
	now, later := s.handler(), impatient.handler()
	var isLater atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isLater.Load() {
			later.ServeHTTP(w, r)
		} else {
			now.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	url := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)

	here, there := newWindow(t).signedIn(url, "ann", "apple"), newWindow(t).signedIn(url, "ann", "apple")
	require.Contains(t, here.visit(url+"/password"), "New password")
	isLater.Store(true)
	here.visit(url + "/password")
	require.Equal(t, "/confirm?next=%2Fpassword", here.path())
	isLater.Store(false)
	before := here.cookies()[0].Value
	here.fill("password", "banana")
	require.Contains(t, here.press("main button.large"), "This is not your password.")
	require.Equal(t, before, here.cookies()[0].Value)
	here.fill("password", "apple")
	here.press("main button.large")
	require.Equal(t, "/password", here.path())
	require.NotEqual(t, before, here.cookies()[0].Value)

	here.fill("password", "a long way home")
	require.Contains(t, here.press("main button.large"), "all other devices are signed out")
	require.Contains(t, there.visit(url+"/account"), "Keep me signed in")
	require.Contains(t, there.signIn("ann", "apple"), "do not match")
	require.Contains(t, there.signIn("ann", "a long way home"), "Welcome, Ann.")
}

// Dora logs in at her provider and comes back to the page that she wanted. When
// she has logged out there, her stream here ends, and so does her session.
func TestProvider(t *testing.T) {
	t.Parallel()
	s, p := testShop(), newTestProvider(t)
	server := httptest.NewUnstartedServer(nil)
	site := strings.Replace("http://"+server.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	p.join(s, site)
	server.Config.Handler = s.handler()
	server.Start()
	t.Cleanup(server.Close)

	b := newWindow(t)
	b.visit(site)
	b.press(`form:has([value="assam"]) button`)
	b.visit(site + "/devices?from=mail")
	require.Contains(t, b.press(`form[action="/oidc/login"] button`), "Continue as Dora")
	require.Contains(t, b.press("a"), "Welcome, Dora.")
	require.Equal(t, "/devices?from=mail", b.path())
	require.Contains(t, b.visit(site+"/cart"), "Total €7.40", "the visitor's cart")

	b.visit(site + "/confirm?next=/devices")
	b.press("main button")
	require.NotContains(t, b.press("a"), "Password", "the provider has it")
	require.Equal(t, "/devices", b.path())

	b.visit(site + "/account")
	b.becomes(`!document.querySelector("#ask").hidden`)
	res, err := http.PostForm(site+"/oidc/logout", url.Values{"logout_token": {p.sign(p.claims(logOutEvent))}})
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	b.becomes(`document.querySelector("#ask").hidden && !document.querySelector("#ended").hidden`)
	require.Contains(t, b.visit(site+"/account"), "Keep me signed in")
}

// Carol ends one session of ann's, then all of bob's. For ann there is no such
// page.
func TestAdmin(t *testing.T) {
	t.Parallel()
	url := serve(t, testShop())
	ann, bob, carol := newWindow(t).signedIn(url, "ann", "apple"), newWindow(t).signedIn(url, "bob", "banana"), newWindow(t)
	require.Contains(t, ann.visit(url+"/admin"), "404")
	carol.signedIn(url, "carol", "cherry")
	require.Contains(t, carol.visit(url+"/admin"), "3 live")
	require.Contains(t, carol.press(`li:has([value=bob]) form[action="/admin/end-owner"] button`), "Sessions of bob ended: 1.")
	require.Contains(t, bob.visit(url+"/account"), "Keep me signed in")
	require.Contains(t, ann.visit(url+"/account"), "Your orders")
	require.Contains(t, carol.press(`li:has([value=ann]) form[action="/admin/end"] button`), "The session is ended.")
	require.Contains(t, ann.visit(url+"/account"), "Keep me signed in")
	require.Contains(t, carol.visit(url+"/admin"), "1 live")
}

// An open page of the account is told when its session ends, and a question is
// answered until then.
func TestStreamsOfThePage(t *testing.T) {
	t.Parallel()
	url := serve(t, testShop())
	a := newWindow(t).signedIn(url, "ann", "apple")
	b := a.another()
	b.visit(url + "/account")
	a.visit(url + "/account")
	a.ask("How long?")
	a.says("Thank you, Ann.")
	b.press(`form[action="/logout"] button`)
	a.becomes(`document.querySelector("#ask").hidden && !document.querySelector("#ended").hidden`)
}
