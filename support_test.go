package sesame_test

import (
	"crypto/sha256"

	"github.com/sesame-go/sesame/store"
)

// keyOf is the documented derivation of a session's key from its token.
func keyOf(token string) store.Key { return sha256.Sum256([]byte("sesame/v1/id" + token)) }
