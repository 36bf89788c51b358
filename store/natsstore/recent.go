package natsstore

import (
	"sync"

	"github.com/sesame-go/sesame/store"
)

// recent remembers numbers that were read from the bucket or written to it a
// moment ago, so that a Save does not have to ask for them again. It keeps the
// greater of two for one key. When it is full it starts from empty, which costs
// the next saves a round trip each.
type recent[K comparable] struct {
	mu      sync.Mutex
	numbers map[K]int64
}

const maxRecent = 4096

func (r *recent[K]) add(k K, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.numbers) >= maxRecent {
		clear(r.numbers)
	}
	if r.numbers == nil {
		r.numbers = make(map[K]int64)
	}
	r.numbers[k] = max(r.numbers[k], n)
}

// get returns 0 for a key that is not remembered.
func (r *recent[K]) get(k K) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.numbers[k]
}

// revision names one message of a session. Messages never change, so what is
// known of a revision holds for good.
type revision struct {
	key store.Key
	seq uint64
}

// entry names a session in the index of an owner. An entry only ever gets a
// longer life.
type entry struct {
	key   store.Key
	owner string
}
