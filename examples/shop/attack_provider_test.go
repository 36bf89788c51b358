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
	again := secondCode(t, p, callback)

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

// secondCode has the provider give a second code for one exchange.
func secondCode(t *testing.T, p *testProvider, callback string) string {
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
