package redisstore

import (
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
)

// recent remembers the last entries that this store has made in the indexes of
// owners. A log-in that conflicts with other saves of its session is tried
// again. If each attempt had to tell the index first it would take two or three
// round trips while the others take one, and could lose every time.
type recent struct {
	mu    sync.Mutex
	slots [256]struct {
		key   store.Key
		owner string
		until int64
		at    time.Time
	}
}

// remembered is how long an entry is relied on without telling the index again.
// That is shorter than it takes a replica to become the primary, since the
// replica may not have the entry.
const remembered = time.Second

func (x *recent) add(k store.Key, owner string, until int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	slot := &x.slots[k[0]]
	slot.key, slot.owner, slot.until, slot.at = k, owner, until, time.Now()
}

// until returns the time until which the owner's index has k at least, or 0 if
// that is not remembered.
func (x *recent) until(k store.Key, owner string) int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	slot := &x.slots[k[0]]
	if slot.key == k && slot.owner == owner && time.Since(slot.at) < remembered {
		return slot.until
	}
	return 0
}
