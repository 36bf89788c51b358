// Package dbsctest has a device for tests: what a browser does to bind a session,
// without a browser.
package dbsctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"

	"github.com/sesame-go/sesame/internal/dbsc"
)

// Device has a key of P-256.
type Device struct{ key *ecdsa.PrivateKey }

// New returns a device with a fresh key.
func New() Device {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return Device{key}
}

// Registration returns the token that brings the key.
func (d Device) Registration(challenge string) string {
	point, err := d.key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	jwk := map[string]any{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])}
	return d.sign(map[string]any{"alg": dbsc.ES256, "typ": "dbsc+jwt", "jwk": jwk}, challenge)
}

// Refresh returns the token that proves the key.
func (d Device) Refresh(challenge string) string {
	return d.sign(map[string]any{"alg": dbsc.ES256, "typ": "dbsc+jwt"}, challenge)
}

func (d Device) sign(header map[string]any, challenge string) string {
	signed := encode(asJSON(header)) + "." + encode(asJSON(map[string]any{"jti": challenge}))
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, d.key, digest[:])
	if err != nil {
		panic(err)
	}
	return signed + "." + encode(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func asJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

var (
	offer     = regexp.MustCompile(`^\(.+\);path="(.+)";challenge="(.+)"$`)
	challenge = regexp.MustCompile(`^"(.+)";id="(.+)"$`)
)

// Offer returns what a response offers, "" if it offers nothing.
func Offer(h http.Header) (path, challenge string) {
	m := offer.FindStringSubmatch(h.Get(dbsc.HeaderRegistration))
	if m == nil {
		return "", ""
	}
	return m[1], m[2]
}

// Challenge returns what a response asks to be signed, and for which session.
func Challenge(h http.Header) (value, id string) {
	m := challenge.FindStringSubmatch(h.Get(dbsc.HeaderChallenge))
	if m == nil {
		return "", ""
	}
	return m[1], m[2]
}
