package dbsc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/dbsc"
)

var both = []string{dbsc.ES256, dbsc.RS256}

type object = map[string]any

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// A signer makes JWTs.
type signer struct {
	algorithm string
	jwk       object
	key       crypto.Signer
}

func ec(t testing.TB, curve elliptic.Curve) signer {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	point, err := key.PublicKey.Bytes()
	require.NoError(t, err)
	n := len(point) / 2
	return signer{dbsc.ES256, object{"kty": "EC", "crv": curve.Params().Name, "x": b64(point[1 : 1+n]), "y": b64(point[1+n:])}, key}
}

func rs(t testing.TB, bits int) signer {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return signer{dbsc.RS256, object{"kty": "RSA", "n": b64(key.N.Bytes()), "e": "AQAB"}, key}
}

func (s signer) sign(t testing.TB, header, claims any) string {
	signed := b64(text(t, header)) + "." + b64(text(t, claims))
	return signed + "." + b64(s.signature(t, signed))
}

func (s signer) signature(t testing.TB, signed string) []byte {
	digest := sha256.Sum256([]byte(signed))
	if key, ok := s.key.(*ecdsa.PrivateKey); ok {
		r, v, err := ecdsa.Sign(rand.Reader, key, digest[:])
		require.NoError(t, err)
		half := (key.Curve.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, half)), v.FillBytes(make([]byte, half))...)
	}
	signature, err := s.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	require.NoError(t, err)
	return signature
}

// text returns v as JSON, a string as it is.
func text(t testing.TB, v any) []byte {
	if s, ok := v.(string); ok {
		return []byte(s)
	}
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}

func (s signer) registration(t testing.TB, challenge string) string {
	return s.sign(t, object{"alg": s.algorithm, "typ": "dbsc+jwt", "jwk": s.jwk}, object{"jti": challenge})
}

func (s signer) refresh(t testing.TB, challenge string) string {
	return s.sign(t, object{"alg": s.algorithm, "typ": "dbsc+jwt"}, object{"jti": challenge})
}

func TestRegistrationAndRefresh(t *testing.T) {
	for name, s := range map[string]signer{"ES256": ec(t, elliptic.P256()), "RS256": rs(t, 2048)} {
		t.Run(name, func(t *testing.T) {
			key, challenge, err := dbsc.VerifyRegistration(s.registration(t, "first"), both)
			require.NoError(t, err)
			require.Equal(t, "first", challenge)

			b, err := dbsc.Parse(dbsc.Binding{Key: key}.Bytes())
			require.NoError(t, err)
			public, err := b.PublicKey()
			require.NoError(t, err)
			require.True(t, s.key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(public))
			challenge, err = dbsc.VerifyRefresh(s.refresh(t, "second"), public)
			require.NoError(t, err)
			require.Equal(t, "second", challenge)
		})
	}
}

// What is not a proof of the key is refused, whatever else is right.
func TestHostileTokens(t *testing.T) {
	good, other, rsaKey := ec(t, elliptic.P256()), ec(t, elliptic.P256()), rs(t, 2048)
	spki, err := x509.MarshalPKIXPublicKey(good.key.Public())
	require.NoError(t, err)
	header := func(changes object) object {
		h := object{"alg": "ES256", "typ": "dbsc+jwt", "jwk": good.jwk}
		for k, v := range changes {
			if h[k] = v; v == nil {
				delete(h, k)
			}
		}
		return h
	}
	claims := object{"jti": "c"}
	with := func(jwk object, changes object) object {
		k := object{}
		for name, v := range jwk {
			k[name] = v
		}
		for name, v := range changes {
			k[name] = v
		}
		return header(object{"jwk": k})
	}
	parts := strings.Split(good.registration(t, "c"), ".")
	hmacOf := func(secret []byte) string {
		signed := b64(text(t, header(object{"alg": "HS256"}))) + "." + b64(text(t, claims))
		h := hmac.New(sha256.New, secret)
		h.Write([]byte(signed))
		return signed + "." + b64(h.Sum(nil))
	}
	der := func() string {
		signed := parts[0] + "." + parts[1]
		digest := sha256.Sum256([]byte(signed))
		signature, err := ecdsa.SignASN1(rand.Reader, good.key.(*ecdsa.PrivateKey), digest[:])
		require.NoError(t, err)
		return signed + "." + b64(signature)
	}
	p384, p224, rsa1024 := ec(t, elliptic.P384()), ec(t, elliptic.P224()), weakRSA(t)
	for name, jwt := range map[string]string{
		"nothing":                     "",
		"two parts":                   parts[0] + "." + parts[1],
		"four parts":                  strings.Join(parts, ".") + ".",
		"padded":                      parts[0] + "." + parts[1] + "." + parts[2] + "==",
		"not base64":                  parts[0] + "." + parts[1] + ".!",
		"bits left over":              parts[0] + "." + parts[1] + "." + parts[2][:85] + "_",
		"line break":                  parts[0] + "." + parts[1] + "." + parts[2][:40] + "\n" + parts[2][40:],
		"too long":                    good.sign(t, header(nil), object{"jti": strings.Repeat("c", 8192)}),
		"header no JSON":              good.sign(t, "{", claims),
		"header an array":             good.sign(t, "[]", claims),
		"claims no JSON":              good.sign(t, header(nil), "jti"),
		"claims of another type":      good.sign(t, header(nil), object{"jti": 1}),
		"alg none, unsigned":          b64(text(t, header(object{"alg": "none"}))) + "." + parts[1] + ".",
		"alg none, signed":            good.sign(t, header(object{"alg": "none"}), claims),
		"no alg":                      good.sign(t, header(object{"alg": nil}), claims),
		"HS256 by the public key":     hmacOf(spki),
		"HS256 by nothing":            hmacOf(nil),
		"alg of another kind of key":  good.sign(t, header(object{"alg": "RS256"}), claims),
		"RSA key, alg ES256":          rsaKey.sign(t, header(object{"jwk": rsaKey.jwk}), claims),
		"PS256":                       rsaKey.sign(t, header(object{"alg": "PS256", "jwk": rsaKey.jwk}), claims),
		"ES384":                       p384.sign(t, header(object{"alg": "ES384", "jwk": p384.jwk}), claims),
		"another curve":               p384.sign(t, header(object{"jwk": p384.jwk}), claims),
		"a shorter curve":             p224.sign(t, header(object{"jwk": p224.jwk}), claims),
		"another curve's name":        good.sign(t, with(good.jwk, object{"crv": "P-384"}), claims),
		"no curve's name":             good.sign(t, with(good.jwk, object{"crv": ""}), claims),
		"line break in a coordinate":  good.sign(t, with(good.jwk, object{"x": "\n" + good.jwk["x"].(string)}), claims),
		"no point of the curve":       good.sign(t, with(good.jwk, object{"x": b64(make([]byte, 32))}), claims),
		"the point at infinity":       good.sign(t, with(good.jwk, object{"x": "", "y": ""}), claims),
		"a longer coordinate":         good.sign(t, with(good.jwk, object{"x": b64(make([]byte, 33))}), claims),
		"another key":                 good.sign(t, header(object{"jwk": other.jwk}), claims),
		"jwk a string":                good.sign(t, header(object{"jwk": "key"}), claims),
		"symmetric key":               good.sign(t, header(object{"jwk": object{"kty": "oct", "k": "AAAA"}}), claims),
		"short RSA key":               rsa1024.sign(t, header(object{"alg": "RS256", "jwk": rsa1024.jwk}), claims),
		"RSA with exponent 1":         rsaKey.sign(t, header(object{"alg": "RS256", "jwk": object{"kty": "RSA", "n": rsaKey.jwk["n"], "e": "AQ"}}), claims),
		"RSA with exponent 3":         rsaKey.sign(t, header(object{"alg": "RS256", "jwk": object{"kty": "RSA", "n": rsaKey.jwk["n"], "e": "Aw"}}), claims),
		"huge RSA key":                rsaKey.sign(t, header(object{"alg": "RS256", "jwk": object{"kty": "RSA", "n": b64(make([]byte, 1)) + strings.Repeat("_", 1000), "e": "AQAB"}}), claims),
		"another type of token":       good.sign(t, header(object{"typ": "JWT"}), claims),
		"no type":                     good.sign(t, header(object{"typ": nil}), claims),
		"critical extensions":         good.sign(t, header(object{"crit": []string{"exp"}}), claims),
		"signature of other claims":   parts[0] + "." + b64(text(t, object{"jti": "d"})) + "." + parts[2],
		"signature of another header": b64(text(t, header(object{"x": 1}))) + "." + parts[1] + "." + parts[2],
		"no signature":                parts[0] + "." + parts[1] + ".",
		"signature of zeros":          parts[0] + "." + parts[1] + "." + b64(make([]byte, 64)),
		"signature too long":          parts[0] + "." + parts[1] + "." + parts[2] + "AAAA",
		"signature in ASN.1":          der(),
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := dbsc.VerifyRegistration(jwt, both)
			require.ErrorIs(t, err, dbsc.ErrToken)
			_, err = dbsc.VerifyRefresh(jwt, good.key.Public())
			require.ErrorIs(t, err, dbsc.ErrToken)
		})
	}
	t.Run("not offered", func(t *testing.T) {
		_, _, err := dbsc.VerifyRegistration(good.registration(t, "c"), []string{dbsc.RS256})
		require.ErrorIs(t, err, dbsc.ErrToken)
	})
	t.Run("registration without a jwk", func(t *testing.T) {
		for _, header := range []any{header(object{"jwk": nil}), `{"alg":"ES256","typ":"dbsc+jwt","jwk":null}`} {
			_, _, err := dbsc.VerifyRegistration(good.sign(t, header, claims), both)
			require.ErrorContains(t, err, "no jwk")
		}
	})
	t.Run("refresh with a jwk", func(t *testing.T) {
		_, err := dbsc.VerifyRefresh(good.registration(t, "c"), good.key.Public())
		require.ErrorContains(t, err, "only a registration")
	})
	t.Run("refresh by another key", func(t *testing.T) {
		for _, s := range []signer{other, rsaKey} {
			_, err := dbsc.VerifyRefresh(s.refresh(t, "c"), good.key.Public())
			require.ErrorIs(t, err, dbsc.ErrToken)
		}
	})
	t.Run("errors quote nothing", func(t *testing.T) {
		_, _, err := dbsc.VerifyRegistration("secret.secret.secret", both)
		require.NotContains(t, err.Error(), "secret")
	})
}

// weakRSA returns a key that crypto/rsa makes only when it is asked to.
func weakRSA(t *testing.T) signer {
	t.Setenv("GODEBUG", "rsa1024min=0")
	return rs(t, 1024)
}

func FuzzVerifyRegistration(f *testing.F) {
	good := ec(f, elliptic.P256())
	f.Add(good.registration(f, "c"))
	f.Add(good.refresh(f, "c"))
	f.Add(rs(f, 2048).registration(f, "c"))
	f.Fuzz(func(t *testing.T, jwt string) {
		key, _, err := dbsc.VerifyRegistration(jwt, both)
		if err != nil {
			require.ErrorIs(t, err, dbsc.ErrToken)
			require.Nil(t, key)
			return
		}
		public, err := dbsc.Binding{Key: key}.PublicKey()
		require.NoError(t, err)
		_, err = dbsc.VerifyRefresh(jwt, public)
		require.ErrorIs(t, err, dbsc.ErrToken, "it has a jwk")
	})
}

func FuzzVerifyRefresh(f *testing.F) {
	good := ec(f, elliptic.P256())
	jwt := good.refresh(f, "c")
	f.Add(jwt)
	f.Add(good.registration(f, "c"))
	f.Fuzz(func(t *testing.T, other string) {
		challenge, err := dbsc.VerifyRefresh(other, good.key.Public())
		if err == nil {
			require.Equal(t, "c", challenge, "a signature was made up")
		}
	})
}
