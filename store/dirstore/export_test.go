package dirstore

import (
	"testing"

	"github.com/sesame-go/sesame/store"
)

// Lock takes k's lock and returns what gives it up.
func Lock(t *testing.T, s *Store, k store.Key) (unlock func()) {
	unlock, err := s.lock(t.Context(), keyLock(k))
	if err != nil {
		t.Fatal(err)
	}
	return unlock
}
