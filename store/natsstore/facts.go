package natsstore

import (
	"encoding/binary"
	"sync"

	"github.com/sesame-go/sesame/store"
)

// A fact is what a session's message says beside its data. Messages never
// change, so it holds for as long as the version is the key's.
type fact struct {
	key     store.Key
	version uint64
	expires int64
	indexed int64
	owner   string
}

// facts remembers the sessions that were loaded or saved last, so that a Save
// knows whether the version it replaces has expired, and whether the index has
// it, without asking the server once more. A session falls out when another
// takes its place, which costs the next Save a round trip.
type facts struct {
	mu    sync.Mutex
	slots [4096]fact // 300 KB
}

func (f *facts) slot(k store.Key) *fact {
	return &f.slots[int(binary.BigEndian.Uint16(k[:]))%len(f.slots)]
}

func (f *facts) learn(known fact) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*f.slot(known.key) = known
}

func (f *facts) recall(k store.Key, version uint64) (fact, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := *f.slot(k)
	return known, known.key == k && known.version == version && version != 0
}
