package logstore

import (
	"maps"
	"math"
	"sync"
	"time"

	"github.com/sesame-go/sesame/internal/expiry"
	"github.com/sesame-go/sesame/store"
)

// An index holds the records in memory as the log says they are. One lock is
// enough: only the writer changes records, a batch at a time, and reading one
// takes less than a microsecond.
//
// The records are slots in numbered chunks, so that growing copies none of
// them. Slots change their numbers when others are removed. A number is valid
// while the lock is held, up to the next removal; 0 means none.
type index struct {
	mu      sync.RWMutex
	numbers [256]numbers // by the key's first byte, so that they grow and shrink in small steps
	chunks  []*[chunkSize]slot
	next    uint32 // the number of the next slot
	owners  map[string]*owner
	bytes   int64 // of the frames of all records
	touched []store.Key

	// Each record is in one of the two, which order them by expiry, unless it
	// is held.
	ownerless, owned heap
}

const chunkSize = 1 << 10

// numbers are the slots of some keys.
type numbers struct {
	slots map[store.Key]uint32
	most  int // keys that it has had
}

type slot struct {
	key     store.Key
	data    string // immutable, so it may be copied without the lock
	owner   *owner // nil for nobody
	version uint64
	expires int64  // microseconds
	place   uint32 // in the heap, or held
	touched bool   // the log does not have its expiry yet
}

// held is the place of a record that the writer is about to change. Until
// that is durable the record lives on, even beyond its expiry: the change was
// decided while it lived and must not revive what others have found gone.
const held = math.MaxUint32

func newIndex() *index {
	return &index{next: 1, chunks: []*[chunkSize]slot{new([chunkSize]slot)}, owners: make(map[string]*owner)}
}

func (x *index) at(i uint32) *slot { return &x.chunks[i/chunkSize][i%chunkSize] }

// len returns the number of records.
func (x *index) len() int { return int(x.next) - 1 }

// find returns the slot of k, expired or not, or 0.
func (x *index) find(k store.Key) uint32 { return x.numbers[k[0]].slots[k] }

// live returns the slot of k, or 0 also when that has expired.
func (x *index) live(k store.Key, now int64) uint32 {
	i := x.find(k)
	if i != 0 && x.at(i).expired(now) {
		return 0
	}
	return i
}

func (e *slot) expired(now int64) bool { return e.expires <= now && e.place != held }

func (e *slot) size() int64 { return frameSize(e.ownerName(), e.data) }

func (e *slot) ownerName() string {
	if e.owner == nil {
		return ""
	}
	return e.owner.name
}

func (e *slot) record() store.Record {
	return store.Record{
		Version: e.version,
		Expires: time.UnixMicro(e.expires),
		Owner:   e.ownerName(),
		Data:    []byte(e.data),
	}
}

// put stores what fr says under its key.
func (x *index) put(fr *frame) {
	i := x.find(fr.key)
	if i == 0 {
		i = x.add(fr.key)
	} else {
		x.hold(i)
		x.bytes -= x.at(i).size()
	}
	e := x.at(i)
	e.owner = x.assign(fr.key, e.owner, fr.owner)
	e.data, e.version, e.expires, e.touched = fr.data, fr.version, fr.expires, false
	x.bytes += e.size()
	x.release(i)
}

// add makes a slot for k, which must have none.
func (x *index) add(k store.Key) uint32 {
	i := x.next
	x.next++
	if int(i/chunkSize) == len(x.chunks) {
		x.chunks = append(x.chunks, new([chunkSize]slot))
	}
	*x.at(i) = slot{key: k, place: held}
	x.numbers[k[0]].set(k, i)
	return i
}

// remove removes slot i and moves the last one there.
func (x *index) remove(i uint32) {
	x.hold(i)
	e := x.at(i)
	x.bytes -= e.size()
	x.assign(e.key, e.owner, "")
	x.numbers[e.key[0]].delete(e.key)

	x.next--
	if last := x.at(x.next); i != x.next {
		*e = *last
		x.numbers[e.key[0]].set(e.key, i)
		if e.place != held {
			(*x.heap(e))[e.place] = i
		}
	}
	*x.at(x.next) = slot{}
	if spare := int(x.next/chunkSize) + 2; spare < len(x.chunks) {
		x.chunks[spare] = nil
		x.chunks = x.chunks[:spare]
	}
}

func (n *numbers) set(k store.Key, i uint32) {
	if n.slots == nil {
		n.slots = make(map[store.Key]uint32)
	}
	n.slots[k] = i
	n.most = max(n.most, len(n.slots))
}

// delete gives memory back when a flood of sessions has passed, which maps do
// not do by themselves.
func (n *numbers) delete(k store.Key) {
	delete(n.slots, k)
	if n.most > 64 && len(n.slots) < n.most/4 {
		smaller := make(map[store.Key]uint32, len(n.slots))
		maps.Copy(smaller, n.slots)
		n.slots, n.most = smaller, len(smaller)
	}
}

// removeKey removes the record under k, if there is one.
func (x *index) removeKey(k store.Key) {
	if i := x.find(k); i != 0 {
		x.remove(i)
	}
}

// hold takes slot i out of its heap, see [held].
func (x *index) hold(i uint32) {
	if e := x.at(i); e.place != held {
		x.heap(e).remove(x, e.place)
		e.place = held
	}
}

// release puts slot i into its heap.
func (x *index) release(i uint32) {
	if e := x.at(i); e.place == held {
		x.heap(e).push(x, i)
	}
}

// extend moves the expiry of slot i to expires if that is later.
func (x *index) extend(i uint32, expires int64) bool {
	e := x.at(i)
	if expires <= e.expires {
		return false
	}
	e.expires = expires
	if e.place != held {
		x.heap(e).fix(x, e.place)
	}
	return true
}

// heap returns the heap for e.
func (x *index) heap(e *slot) *heap {
	if e.owner == nil {
		return &x.ownerless
	}
	return &x.owned
}

// firstExpired returns the slot that expired first, or 0 if none has.
func (x *index) firstExpired(now int64) uint32 {
	i := x.ownerless.top()
	if j := x.owned.top(); i == 0 || j != 0 && x.at(j).expires < x.at(i).expires {
		i = j
	}
	if i != 0 && x.at(i).expires > now {
		return 0
	}
	return i
}

// sweep removes at most limit expired records and returns how many.
func (x *index) sweep(now int64, limit int) int {
	for n := range limit {
		i := x.firstExpired(now)
		if i == 0 {
			return n
		}
		x.remove(i)
	}
	return max(limit, 0)
}

// replay applies a frame of the log. Frames come in the order of the log, but
// behind a compaction the first may be older than what is there.
func (x *index) replay(fr *frame) {
	older := func(k store.Key) bool {
		i := x.find(k)
		return i == 0 || x.at(i).version < fr.version
	}
	switch fr.kind {
	case kindPut:
		if older(fr.key) {
			x.put(fr)
		}
	case kindTouch:
		if i := x.find(fr.key); i != 0 && x.at(i).version == fr.version {
			x.extend(i, fr.expires)
		}
	case kindRemove:
		if older(fr.key) {
			x.removeKey(fr.key)
		}
	case kindRotate:
		if older(fr.from) {
			x.removeKey(fr.from)
		}
		if older(fr.key) {
			x.put(fr)
		}
	}
}

// clock returns the time as records keep it. It is read with the lock held: a
// call that judged by the time at which it began to wait could revive a record
// that others have found expired.
func clock() int64 { return micros(time.Now()) }

// micros returns t in microseconds since 1970, of a year until 9999.
func micros(t time.Time) int64 { return expiry.Clamp(t).UnixMicro() }
