// Package recordstest has what the tests of stores that keep their records in
// memory share.
package recordstest

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/sesame-go/sesame/store"
)

// Store has all capabilities but Ping.
type Store interface {
	store.Store
	store.Lister
	store.OwnerIndex
	store.Sweeper
	store.Counter
	store.Watcher
}

// Key returns the n-th of as many keys as one likes.
func Key(n int) (k store.Key) {
	r := rand.NewPCG(uint64(n), 0)
	binary.BigEndian.PutUint64(k[:], r.Uint64())
	binary.BigEndian.PutUint64(k[8:], r.Uint64())
	return k
}
