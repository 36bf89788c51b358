// Package token makes session tokens and derives from them what may be kept.
//
// A token is ID.SECRET, each 128 random bits in base64url. The ID names the
// record for the session's whole life and is no secret. The secret exists only
// in the client's cookie and, during a request, in memory; the record keeps a
// hash of it. A fast hash is enough, since 128 random bits cannot be guessed.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"

	"github.com/sesame-go/sesame/store"
)

// Len is the length of a token: 22 characters, a dot and 22 characters.
const Len = half + 1 + half

const half = 22

// Form says how a token looks, for error messages.
const Form = "a token is ID.SECRET, each half 22 characters out of A-Z, a-z, 0-9, - and _, of which the last is one of A, Q, g, w; sesametest.Token makes one"

// New returns a token with a fresh ID and a fresh secret.
func New() string {
	var id store.Key
	_, _ = rand.Read(id[:]) // never fails
	return Renew(id)
}

// Renew returns a token with a fresh secret for the session with the given ID.
func Renew(id store.Key) string {
	var secret [16]byte
	_, _ = rand.Read(secret[:])
	return format(id, secret)
}

func format(id store.Key, secret [16]byte) string {
	buf := make([]byte, 0, Len)
	buf = base64.RawURLEncoding.AppendEncode(buf, id[:])
	buf = append(buf, '.')
	buf = base64.RawURLEncoding.AppendEncode(buf, secret[:])
	return string(buf)
}

// Derive returns the token of a session that is imported from another library,
// where it has the given token. ID and secret are two hashes of that, so that
// the one says nothing of the other.
func Derive(other string) string {
	id := sha256.Sum256([]byte("sesame/v1/import/id/" + other))
	secret := sha256.Sum256([]byte("sesame/v1/import/secret/" + other))
	return format(store.Key(id[:16]), [16]byte(secret[:16]))
}

// Valid reports whether s has the form of a token, canonical base64url in both
// halves. Anything else is never looked up.
func Valid(s string) bool {
	return len(s) == Len && s[half] == '.' && canonical(s[:half]) && canonical(s[half+1:])
}

func canonical(s string) bool {
	for i := range len(s) {
		if decoded[s[i]] == invalid {
			return false
		}
	}
	return decoded[s[half-1]]&0xf == 0 // 16 bytes leave four bits unused
}

const invalid = 0xff

// decoded maps a character of base64url to its six bits.
var decoded = func() (table [256]byte) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range table {
		table[i] = invalid
	}
	for bits, c := range []byte(alphabet) {
		table[c] = byte(bits)
	}
	return table
}()

// ID returns the ID in a valid token, the key under which its session is
// stored.
func ID(token string) (k store.Key) {
	var buf [half]byte
	copy(buf[:], token)
	_, _ = base64.RawURLEncoding.Decode(k[:], buf[:])
	return k
}

// Hash is what a record keeps of a token. The zero Hash belongs to no token.
type Hash [16]byte

// HashOf returns the hash of a token. It covers the ID too, so that a record
// copied to another key admits no token.
func HashOf(token string) Hash {
	const label = "sesame/v1/token/"
	buf := make([]byte, 0, len(label)+Len)
	buf = append(buf, label...)
	buf = append(buf, token...)
	sum := sha256.Sum256(buf)
	return Hash(sum[:])
}

// Equal reports in constant time whether h and other are the same hash.
func (h Hash) Equal(other Hash) bool { return subtle.ConstantTimeCompare(h[:], other[:]) == 1 }
