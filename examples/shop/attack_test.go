package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/sesametest"
)

// A visitor without a browser's good manners. Redirects are not followed.
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
	for _, path := range []string{"/account", "/account/chat", "/devices", "/password", "/confirm", "/admin"} {
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

// begin begins a log-in at the provider, and returns the address to which that
// sends the browser back.
func begin(t *testing.T, c *sesametest.Client) (callback string) {
	t.Helper()
	res, _ := c.Post("/oidc/login", url.Values{"next": {"/devices"}})
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	res, _ = c.Do(request(t, strings.Replace(res.Header.Get("Location"), "/authorize", "/approve", 1)))
	require.Equal(t, http.StatusFound, res.StatusCode)
	return strings.TrimPrefix(res.Header.Get("Location"), "https://example.com")
}

func request(t *testing.T, url string) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	require.NoError(t, err)
	return r
}

// with returns an address with a parameter changed.
func with(t *testing.T, address, name, value string) string {
	u, err := url.Parse(address)
	require.NoError(t, err)
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

func param(t *testing.T, address, name string) string {
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u.Query().Get(name)
}

// An answer of the provider counts in the browser that asked, once.
func TestHostileCallbacks(t *testing.T) {
	s, p := testShop(), newTestProvider(t)
	p.join(s, "https://example.com")
	dora := attacker(t, s)
	callback := begin(t, dora)
	mallory := still(dora.Another())
	mallorys := begin(t, mallory)

	refused := func(c *sesametest.Client, address, why string) {
		t.Helper()
		before := ""
		if len(c.Cookies("/")) > 0 {
			before = cookieOf(c).Value
		}
		res, page := c.Get(address)
		require.Equal(t, http.StatusBadRequest, res.StatusCode, why)
		require.Contains(t, page, "You are not signed in", why)
		if before != "" {
			require.Equal(t, before, cookieOf(c).Value, why)
		}
		res, _ = c.Get("/devices")
		require.Equal(t, http.StatusSeeOther, res.StatusCode, why)
	}
	refused(still(dora.Another()), callback, "a browser that has begun nothing")
	refused(mallory, callback, "another browser's state")
	refused(dora, mallorys, "log-in CSRF: the attacker's answer in the victim's browser")
	refused(dora, with(t, callback, "state", ""), "no state")
	refused(dora, with(t, callback, "state", "made up"), "a state that is made up")
	res, _ := dora.Get(callback)
	require.Equal(t, "/devices", res.Header.Get("Location"), "what others tried does not disturb the log-in")
	res, _ = dora.Post("/logout", nil)
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	refused(dora, callback, "replayed after log-out")

	// A code that was stolen on its way is worth nothing with another verifier.
	callback = begin(t, dora)
	mallorys = begin(t, mallory)
	refused(mallory, with(t, mallorys, "code", param(t, callback, "code")), "wrong PKCE verifier")
	// Nor with a provider that forgets to check it.
	p.lenient = true
	callback = begin(t, dora)
	mallorys = begin(t, mallory)
	refused(mallory, with(t, mallorys, "code", param(t, callback, "code")), "wrong nonce")
	p.lenient = false

	callback = begin(t, dora)
	refused(dora, with(t, with(t, callback, "code", ""), "error", "access_denied"), "the user has said no")
	refused(dora, callback, "a state that was used for that")

	p.authTime = func() time.Time { return time.Now().Add(-time.Hour) }
	refused(dora, begin(t, dora), "a provider that did not ask for the password again")
	p.authTime = time.Now
	res, _ = dora.Get(begin(t, dora))
	require.Equal(t, "/devices", res.Header.Get("Location"))
}

// A state that comes twice at once lets one of the two in.
func TestReplayedStateAtOnce(t *testing.T) {
	gate := newGate()
	s, p := testShopOn(gate), newTestProvider(t)
	p.lenient = true
	p.join(s, "https://example.com")
	dora := attacker(t, s)
	callback := begin(t, dora)
	again := begin2(t, p, callback)

	gate.hold(2) // both have loaded the session before one has taken the exchange
	statuses := make(chan int, 2)
	for _, address := range []string{callback, again} {
		go func() {
			res, _ := dora.Get(address)
			statuses <- res.StatusCode
		}()
	}
	require.ElementsMatch(t, []int{http.StatusSeeOther, http.StatusBadRequest}, []int{<-statuses, <-statuses})
}

// begin2 has the provider give a second code for one exchange.
func begin2(t *testing.T, p *testProvider, callback string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	code := rand.Text()
	p.codes[code] = p.codes[param(t, callback, "code")]
	return with(t, callback, "code", code)
}

// A log-out at the provider is believed only with a token that it has made for
// that.
func TestForgedLogOutTokens(t *testing.T) {
	s, p := testShop(), newTestProvider(t)
	p.join(s, "https://example.com")
	dora := attacker(t, s)
	ann := logInAs(t, dora.Another(), "ann", "apple")
	dora.Get(begin(t, dora))
	second := still(dora.Another())
	second.Get(begin(t, second))
	owner := func() string { return ownerOf(p.URL, "dora") }

	claims := func(more map[string]any) map[string]any {
		all := maps.Clone(logOutEvent)
		maps.Copy(all, more)
		return p.claims(all)
	}
	strangersKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	encode := func(v any) string {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	good := p.sign(claims(nil))
	parts := strings.Split(good, ".")
	for why, token := range map[string]string{
		"nothing":                "",
		"no token":               "x.y.z",
		"another's key":          signWith(t, strangersKey, claims(nil)),
		"alg none":               encode(map[string]string{"alg": "none", "typ": "logout+jwt"}) + "." + encode(claims(nil)) + ".",
		"another user's payload": parts[0] + "." + encode(claims(map[string]any{"sub": "ann"})) + "." + parts[2],
		"an ID token":            p.sign(p.claims(map[string]any{"nonce": "n", "auth_time": time.Now().Unix()})),
		"an ID token, no nonce":  p.sign(p.claims(nil)),
		"an event and a nonce":   p.sign(claims(map[string]any{"nonce": "n"})),
		"another event":          p.sign(p.claims(map[string]any{"events": map[string]any{"http://schemas.openid.net/event/other": 1}})),
		"another issuer":         p.sign(claims(map[string]any{"iss": "https://evil.example"})),
		"another audience":       p.sign(claims(map[string]any{"aud": "bank"})),
		"expired":                p.sign(claims(map[string]any{"exp": time.Now().Add(-time.Minute).Unix()})),
		"without an end":         p.sign(claims(map[string]any{"exp": nil})),
		"without a user":         p.sign(claims(map[string]any{"sub": nil, "sid": "1"})),
		"a local user":           p.sign(claims(map[string]any{"sub": "ann", "iss": "ann"})),
	} {
		res, _ := ann.Post("/oidc/logout", url.Values{"logout_token": {token}})
		require.Equal(t, http.StatusBadRequest, res.StatusCode, why)
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	}
	require.Equal(t, 2, owned(t, s, owner()))

	// A provider's user whose name is that of a local one ends nothing of hers.
	res, _ := ann.Post("/oidc/logout", url.Values{"logout_token": {p.sign(claims(map[string]any{"sub": "ann"}))}})
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, 1, owned(t, s, "ann"))

	provider := still(ann.Another()) // it has no cookie
	res, _ = provider.Post("/oidc/logout", url.Values{"logout_token": {good}})
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Zero(t, owned(t, s, owner()))
	require.Equal(t, 1, owned(t, s, "ann"))
	res, _ = dora.Get("/devices")
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
}

func owned(t *testing.T, s *shop, owner string) int {
	list, err := collect(s.sessions.OwnedBy(t.Context(), owner))
	require.NoError(t, err)
	return len(list)
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
