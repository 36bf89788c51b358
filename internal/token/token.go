// Package token makes session tokens and derives from them what may be kept.
//
// A token is the only secret that a session has. It lives in the client's
// cookie and, for the length of a request, in memory. Everything else is
// derived from it by SHA-256 under a label of its own, so that one derivation
// says nothing about another: the key under which the store keeps the record,
// and the binding inside the record that proves that it is the token's own.
// A fast hash is right here: a token has 130 random bits, so there is nothing
// to guess.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"

	"github.com/sesame-go/sesame/store"
)

// Len is the length of a token: 26 characters of base32, 130 bits.
const Len = 26

const (
	keyLabel     = "sesame/v1/id"
	bindingLabel = "sesame/v1/binding"
)

// New returns a fresh token from the system's secure random generator.
func New() string { return rand.Text() }

// Valid reports whether s has the form of a token. What has not is never
// looked up.
func Valid(s string) bool {
	if len(s) != Len {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// Key returns the key under which the session of the token is stored.
func Key(token string) store.Key { return derive(keyLabel, token) }

// Binding is a proof, kept inside a record, of which token the record belongs
// to.
type Binding [16]byte

// Bind returns the token's binding.
func Bind(token string) Binding {
	sum := derive(bindingLabel, token)
	return Binding(sum[:len(Binding{})])
}

// Binds reports whether b is the token's binding.
func (b Binding) Binds(token string) bool {
	want := Bind(token)
	return subtle.ConstantTimeCompare(b[:], want[:]) == 1
}

func derive(label, token string) [sha256.Size]byte {
	buf := make([]byte, 0, 64)
	buf = append(buf, label...)
	buf = append(buf, token...)
	return sha256.Sum256(buf)
}
