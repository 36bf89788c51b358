package memstore

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
)

const (
	shardBits  = 6
	shardCount = 1 << shardBits
	minBuckets = 8
)

// A shard holds the records whose keys begin with the same bits, in a hash
// table made for them: the keys are hashes already, so the table takes its
// hash from the key, and the records lie in one slice, so that a session is a
// single object for the garbage collector, its data.
//
// Slots change their numbers when others are removed. A number is valid while
// the lock is held, up to the next removal.
type shard struct {
	mu      sync.RWMutex
	version uint64   // the last one given out; never reused, so no ABA
	slots   []slot   // dense; slots[0] is unused, so that 0 means none
	buckets []uint32 // the first slot of each chain; their number is a power of two
	shift   int      // what of a position is not the bucket's number

	// Each record is in one of the two, which order them by expiry.
	ownerless, owned heap
}

type slot struct {
	key     store.Key
	data    string // immutable, so it may be copied without the lock
	owner   *owner // nil for nobody
	version uint64
	expires int64  // microseconds
	next    uint32 // in the chain
	place   uint32 // in the heap
}

func (e *slot) record() store.Record {
	r := store.Record{Version: e.version, Expires: time.UnixMicro(e.expires), Data: []byte(e.data)}
	if e.owner != nil {
		r.Owner = e.owner.name
	}
	return r
}

func (sh *shard) init() {
	sh.slots = make([]slot, 1)
	sh.rehash(minBuckets)
}

// shardOf returns the number of k's shard, its first bits.
func shardOf(k store.Key) uint64 {
	return binary.BigEndian.Uint64(k[:]) >> (64 - shardBits)
}

// position returns the bits of k that follow those for the shard. The table is
// in their order, whatever its size: bucket n has the positions that begin
// with n. The walk in [Store.All] relies on it.
func position(k store.Key) uint64 {
	return binary.BigEndian.Uint64(k[:]) << shardBits
}

func (sh *shard) bucket(k store.Key) *uint32 {
	return &sh.buckets[position(k)>>sh.shift]
}

// find returns the slot of k, expired or not, or 0.
func (sh *shard) find(k store.Key) uint32 {
	i := *sh.bucket(k)
	for i != 0 && sh.slots[i].key != k {
		i = sh.slots[i].next
	}
	return i
}

// live returns the slot of k, or 0 also when that has expired.
func (sh *shard) live(k store.Key, now int64) uint32 {
	i := sh.find(k)
	if i != 0 && sh.slots[i].expires <= now {
		return 0
	}
	return i
}

// insert adds a record under k, which must not exist, and returns its version.
func (sh *shard) insert(k store.Key, expires int64, o *owner, data string) uint64 {
	i := uint32(len(sh.slots))
	sh.slots = append(sh.slots, slot{
		key: k, data: data, owner: o, version: sh.nextVersion(), expires: expires,
	})
	if len(sh.slots) > len(sh.buckets) {
		sh.rehash(2 * len(sh.buckets))
	} else {
		sh.link(i)
	}
	sh.heap(i).push(sh.slots, i)
	return sh.slots[i].version
}

// update changes slot i and returns its new version.
func (sh *shard) update(i uint32, expires int64, o *owner, data string) uint64 {
	e := &sh.slots[i]
	e.data, e.version = data, sh.nextVersion()
	if (e.owner == nil) == (o == nil) {
		e.owner, e.expires = o, expires
		sh.heap(i).fix(sh.slots, e.place)
	} else {
		sh.heap(i).remove(sh.slots, e.place)
		e.owner, e.expires = o, expires
		sh.heap(i).push(sh.slots, i)
	}
	return e.version
}

// extend moves the expiry of slot i to expires if that is later.
func (sh *shard) extend(i uint32, expires int64) {
	if e := &sh.slots[i]; expires > e.expires {
		e.expires = expires
		sh.heap(i).fix(sh.slots, e.place)
	}
}

// remove removes slot i and moves the last one there.
func (sh *shard) remove(i uint32) {
	sh.heap(i).remove(sh.slots, sh.slots[i].place)
	*sh.reference(i) = sh.slots[i].next

	last := uint32(len(sh.slots) - 1)
	if i != last {
		*sh.reference(last) = i
		sh.slots[i] = sh.slots[last]
		(*sh.heap(i))[sh.slots[i].place] = i
	}
	sh.slots[last] = slot{}
	sh.slots = sh.slots[:last]
	if n := len(sh.buckets); n > minBuckets && len(sh.slots) < n/4 {
		sh.shrink(n / 2)
	}
}

// nextVersion returns a version that this shard, and so any key in it, has
// never had.
func (sh *shard) nextVersion() uint64 {
	sh.version++
	return sh.version
}

// heap returns the heap that slot i is in.
func (sh *shard) heap(i uint32) *heap {
	if sh.slots[i].owner == nil {
		return &sh.ownerless
	}
	return &sh.owned
}

// link puts slot i at the head of its chain.
func (sh *shard) link(i uint32) {
	b := sh.bucket(sh.slots[i].key)
	sh.slots[i].next, *b = *b, i
}

// reference returns what refers to slot i: its bucket, or the slot before it
// in the chain.
func (sh *shard) reference(i uint32) *uint32 {
	p := sh.bucket(sh.slots[i].key)
	for *p != i {
		p = &sh.slots[*p].next
	}
	return p
}

// rehash makes a table of n buckets.
func (sh *shard) rehash(n int) {
	sh.buckets = make([]uint32, n)
	sh.shift = 64 - bits.TrailingZeros(uint(n))
	for i := 1; i < len(sh.slots); i++ {
		sh.link(uint32(i))
	}
}

// shrink gives memory back when a flood of sessions has passed.
func (sh *shard) shrink(n int) {
	sh.slots = slices.Clone(sh.slots)
	sh.ownerless = slices.Clone(sh.ownerless)
	sh.owned = slices.Clone(sh.owned)
	sh.rehash(n)
}

// A shardSet is a set of shards, a bit for each of the 64.
type shardSet uint64

func setOf(k store.Key) shardSet { return 1 << shardOf(k) }

func (s *Store) shard(k store.Key) *shard { return &s.shards[shardOf(k)] }

// lock locks the shards in set in their order, so that no two calls wait for
// each other. The locks of the owner index come after those of the shards.
func (s *Store) lock(set shardSet) {
	for ; set != 0; set &= set - 1 {
		s.shards[bits.TrailingZeros64(uint64(set))].mu.Lock()
	}
}

func (s *Store) unlock(set shardSet) {
	for ; set != 0; set &= set - 1 {
		s.shards[bits.TrailingZeros64(uint64(set))].mu.Unlock()
	}
}
