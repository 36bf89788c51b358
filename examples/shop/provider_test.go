package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

// A testProvider is a small OpenID provider. Its one user is Dora, who agrees
// to everything.
type testProvider struct {
	*httptest.Server
	t        *testing.T
	key      *ecdsa.PrivateKey
	authTime func() time.Time // when Dora last gave her password
	lenient  bool             // does not check PKCE

	mu    sync.Mutex
	codes map[string]url.Values // what the shop asked for, by the code that it got
}

func newTestProvider(t *testing.T) *testProvider {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p := &testProvider{t: t, key: key, authTime: time.Now, codes: make(map[string]url.Values)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("GET /approve", p.approve)
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// join makes a shop offer log-ins by the provider.
func (p *testProvider) join(s *shop, site string) {
	var err error
	s.provider, err = newProvider(p.t.Context(), p.URL, "shop", "s3cret", site)
	require.NoError(p.t, err)
}

func (p *testProvider) discovery(w http.ResponseWriter, _ *http.Request) {
	p.json(w, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
	})
}

func (p *testProvider) keys(w http.ResponseWriter, _ *http.Request) {
	p.json(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
}

func (p *testProvider) json(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func (p *testProvider) authorize(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprintf(w, `<a href="/approve?%s">Continue as Dora</a>`, html.EscapeString(r.URL.RawQuery))
}

// approve sends the browser back with a code.
func (p *testProvider) approve(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = asked
	p.mu.Unlock()
	back := url.Values{"code": {code}, "state": {asked.Get("state")}}
	http.Redirect(w, r, asked.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

// token gives an ID token for a code, once.
func (p *testProvider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	asked := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	p.mu.Unlock()
	client, secret, _ := r.BasicAuth()
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	proven := asked.Get("code_challenge_method") == "S256" &&
		asked.Get("code_challenge") == base64.RawURLEncoding.EncodeToString(challenge[:])
	if asked == nil || client != "shop" || secret != "s3cret" || asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") ||
		!proven && !p.lenient {
		w.WriteHeader(http.StatusBadRequest)
		p.json(w, map[string]string{"error": "invalid_grant"})
		return
	}
	p.json(w, map[string]string{
		"access_token": rand.Text(), "token_type": "Bearer",
		"id_token": p.sign(p.claims(map[string]any{"nonce": asked.Get("nonce"), "auth_time": p.authTime().Unix(), "name": "Dora"})),
	})
}

// claims are those that all tokens of the provider have, and more. A nil takes
// one away.
func (p *testProvider) claims(more map[string]any) map[string]any {
	all := map[string]any{
		"iss": p.URL, "aud": "shop", "sub": "dora", "iat": time.Now().Unix(), "exp": time.Now().Add(2 * time.Minute).Unix(), "jti": rand.Text(),
	}
	maps.Copy(all, more)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

func (p *testProvider) sign(claims map[string]any) string { return signWith(p.t, p.key, claims) }

func signWith(t *testing.T, key *ecdsa.PrivateKey, claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	require.NoError(t, err)
	payload, err := json.Marshal(claims)
	require.NoError(t, err)
	signed, err := signer.Sign(payload)
	require.NoError(t, err)
	token, err := signed.CompactSerialize()
	require.NoError(t, err)
	return token
}

// logOutEvent makes of a token's claims those of a logout token.
var logOutEvent = map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
