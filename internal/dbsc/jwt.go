package dbsc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// The algorithms of a signature (RFC 7518, section 3.1).
const (
	ES256 = "ES256" // ECDSA on P-256
	RS256 = "RS256" // RSASSA-PKCS1-v1_5
)

// maxToken is longer than any honest token: one with an RSA key of 4096 bits has
// some 1500 bytes.
const maxToken = 8192

// ErrToken is wrapped by what is wrong with a token.
var ErrToken = errors.New("not a proof of the device's key")

// token is a JWT that is not verified yet.
type token struct {
	algorithm string
	key       *jwk // nil without one
	challenge string
	signed    string
	signature []byte
}

type jwk struct {
	Type     string `json:"kty"`
	Curve    string `json:"crv"`
	X        string `json:"x"`
	Y        string `json:"y"`
	Modulus  string `json:"n"`
	Exponent string `json:"e"`
}

// VerifyRegistration verifies a token that brings its own key, with one of the
// given algorithms. It returns the key as SubjectPublicKeyInfo, and the
// challenge that was signed.
func VerifyRegistration(jwt string, algorithms []string) (key []byte, challenge string, err error) {
	t, err := parse(jwt)
	switch {
	case err != nil:
		return nil, "", err
	case t.key == nil:
		return nil, "", refused("it has no jwk")
	case !slices.Contains(algorithms, t.algorithm):
		return nil, "", refused("its algorithm was not offered")
	}
	public, err := t.key.public()
	if err != nil {
		return nil, "", err
	}
	if err := t.verify(public); err != nil {
		return nil, "", err
	}
	key, err = x509.MarshalPKIXPublicKey(public)
	return key, t.challenge, err
}

// VerifyRefresh verifies a token by a registered key, and returns the challenge
// that was signed.
func VerifyRefresh(jwt string, key crypto.PublicKey) (challenge string, err error) {
	t, err := parse(jwt)
	switch {
	case err != nil:
		return "", err
	case t.key != nil:
		return "", refused("it has a jwk, which only a registration has")
	}
	return t.challenge, t.verify(key)
}

func refused(why string) error { return fmt.Errorf("%w: %s", ErrToken, why) }

func parse(jwt string) (t token, err error) {
	if len(jwt) > maxToken {
		return token{}, refused("it is too long")
	}
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return token{}, refused("it has not three parts")
	}
	var header struct {
		Algorithm string          `json:"alg"`
		Type      string          `json:"typ"`
		Key       *jwk            `json:"jwk"`
		Critical  json.RawMessage `json:"crit"`
	}
	var claims struct {
		Challenge string `json:"jti"`
	}
	if err := decode(parts[0], &header); err != nil {
		return token{}, refused("its header is malformed")
	}
	if err := decode(parts[1], &claims); err != nil {
		return token{}, refused("its claims are malformed")
	}
	signature, err := decode64(parts[2])
	switch {
	case err != nil:
		return token{}, refused("its signature is malformed")
	case header.Type != "dbsc+jwt":
		return token{}, refused("it is of another type")
	case header.Critical != nil:
		return token{}, refused("it has extensions that must be understood")
	}
	return token{header.Algorithm, header.Key, claims.Challenge, jwt[:len(parts[0])+1+len(parts[1])], signature}, nil
}

func decode(part string, v any) error {
	data, err := decode64(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// decode64 decodes canonical base64url. Package base64 skips line breaks.
func decode64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, base64.CorruptInputError(0)
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}

// public returns a key of one of the two kinds that are accepted.
func (k *jwk) public() (crypto.PublicKey, error) {
	switch k.Type {
	case "EC":
		point := []byte{4} // uncompressed
		for _, coordinate := range []string{k.X, k.Y} {
			b, err := decode64(coordinate)
			if err != nil || len(b) != 32 || k.Curve != "P-256" {
				return nil, refused("its key is not one of P-256")
			}
			point = append(point, b...)
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			return nil, refused("its key is no point of the curve")
		}
		return key, nil
	case "RSA":
		n, err := decode64(k.Modulus)
		key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
		if bits := key.N.BitLen(); err != nil || k.Exponent != "AQAB" || bits < 2048 || bits > 4096 {
			return nil, refused("its key is not one of RSA with 2048 to 4096 bits and the exponent 65537")
		}
		return key, nil
	}
	return nil, refused("its key is of an unknown type")
}

// verify checks the signature. The key decides on the algorithm.
func (t token) verify(key crypto.PublicKey) error {
	digest := sha256.Sum256([]byte(t.signed))
	good := false
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		if t.algorithm == ES256 && len(t.signature) == 64 && key.Curve == elliptic.P256() {
			r, s := new(big.Int).SetBytes(t.signature[:32]), new(big.Int).SetBytes(t.signature[32:])
			good = ecdsa.Verify(key, digest[:], r, s)
		}
	case *rsa.PublicKey:
		good = t.algorithm == RS256 && rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], t.signature) == nil
	}
	if !good {
		return refused("its signature is not one of the key")
	}
	return nil
}
