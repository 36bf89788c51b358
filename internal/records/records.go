// Package records keeps records in memory: by key, by owner, and in the order
// of their expiry. The stores that have all their records there share it.
package records

import (
	"maps"
	"sync"
	"time"

	"github.com/sesame-go/sesame/internal/expiry"
	"github.com/sesame-go/sesame/store"
)

// A Set is a set of records. Its methods are called with its lock held, but for
// [Set.Load], [Set.All], [Set.Owned], [Set.Count] and [Set.Sweep], which take
// it themselves, for a page of records at a time.
type Set struct {
	sync.Mutex // spins while the holder is quick; an RWMutex puts waiting goroutines to sleep
	records    index[store.Key, *Record]
	owners     index[string, *owner]
	bytes      int64

	// Each record that is not held is in one of the two, by expiry.
	ownerless, owned heap[*Record]

	crowds heap[*owner] // by their numbers of records that are not held
	joined uint64       // the last position given out, see member
}

// A Record is one record of a Set. Only the Set changes it, except for Touched. It
// must not be used after the lock was released, since it may have been removed then.
type Record struct {
	Key      store.Key
	Data     []byte
	Version  uint64
	Expires  int64 // see Micros
	owner    *owner
	position uint64 // among the owner's
	place    int32  // in its heap, or held
	Touched  bool   // for the caller's use
}

// held is the place of a record that is in no heap.
const held = -1

// Overhead is about how many bytes of memory a record costs besides its data
// and the name of its owner.
const Overhead = 200

// NewSet returns an empty set.
func NewSet() *Set {
	return &Set{records: newIndex[store.Key, *Record](), owners: newIndex[string, *owner]()}
}

// Len returns the number of records.
func (s *Set) Len() int { return len(s.records.m) }

// Bytes returns the memory that all records cost, see [Cost].
func (s *Set) Bytes() int64 { return s.bytes }

// Cost returns about how many bytes of memory a record costs.
func Cost(owner string, data []byte) int64 {
	return Overhead + int64(len(owner)) + int64(len(data))
}

// Load returns the live record under k. Its errors are [store.ErrNotFound] and
// [store.ErrExpired].
func (s *Set) Load(k store.Key) (store.Record, error) {
	s.Lock()
	defer s.Unlock()
	r := s.Find(k)
	if r == nil {
		return store.Record{}, store.ErrNotFound
	}
	if r.Expired(Now()) {
		return store.Record{}, store.ErrExpired
	}
	return r.record(), nil
}

// Find returns the record under k, expired or not, or nil.
func (s *Set) Find(k store.Key) *Record { return s.records.m[k] }

// Live returns the record under k, or nil also when it has expired.
func (s *Set) Live(k store.Key, now int64) *Record {
	r := s.Find(k)
	if r == nil || r.Expired(now) {
		return nil
	}
	return r
}

// Put keeps r, with the version that it has, under k, in place of what is
// there, and releases it. With r.Durable set, which means a log-in, it becomes
// the youngest of its owner's.
func (s *Set) Put(k store.Key, r store.Record) {
	e := s.Find(k)
	if e == nil {
		e = &Record{Key: k, place: held}
		s.records.set(k, e)
	} else {
		s.bytes -= e.Cost()
	}
	if e.Owner() != r.Owner {
		s.Hold(e) // the other heap may be the right one now
		s.leave(e)
		s.join(e, r.Owner)
	} else if r.Durable {
		s.rejuvenate(e)
	}
	e.Data, e.Version, e.Expires, e.Touched = r.Data, r.Version, Micros(r.Expires), false
	s.bytes += e.Cost()
	if e.Held() {
		s.Release(e)
	} else {
		s.heap(e).fix(e.place)
	}
}

// Extend moves the expiry of r to expires if that is later, and reports
// whether it was.
func (s *Set) Extend(r *Record, expires int64) bool {
	if expires <= r.Expires {
		return false
	}
	r.Expires = expires
	if !r.Held() {
		s.heap(r).fix(r.place)
	}
	return true
}

// Remove removes r.
func (s *Set) Remove(r *Record) {
	s.bytes -= r.Cost()
	s.Hold(r)
	s.leave(r)
	s.records.delete(r.Key)
}

// Hold keeps r as it is until it is released, put or removed: it does not
// expire and does not make room.
func (s *Set) Hold(r *Record) {
	if r.Held() {
		return
	}
	s.heap(r).remove(r.place)
	r.place = held
	if o := r.owner; o != nil {
		o.free--
		s.crowds.fix(o.place)
	}
}

// Release ends [Set.Hold].
func (s *Set) Release(r *Record) {
	if !r.Held() {
		return
	}
	s.heap(r).push(r)
	if o := r.owner; o != nil {
		o.free++
		o.first = min(o.first, o.find(r.position))
		s.crowds.fix(o.place)
	}
}

// First returns the record that has expired first, or nil if none has.
func (s *Set) First(now int64) *Record {
	r := s.ownerless.top()
	if o := s.owned.top(); r == nil || o != nil && o.Expires < r.Expires {
		r = o
	}
	if r == nil || !r.Expired(now) {
		return nil
	}
	return r
}

// Next returns the record that makes room for others, or nil if all are held:
// the first that has expired, else the one without an owner that is nearest to
// its expiry, else the oldest of the owner who has most.
func (s *Set) Next(now int64) *Record {
	if r := s.First(now); r != nil {
		return r
	}
	if r := s.ownerless.top(); r != nil {
		return r
	}
	if o := s.crowds.top(); o != nil {
		return o.oldest()
	}
	return nil
}

func (s *Set) heap(r *Record) *heap[*Record] {
	if r.owner == nil {
		return &s.ownerless
	}
	return &s.owned
}

// Owner returns the name of r's owner, "" if it has none.
func (r *Record) Owner() string {
	if r.owner == nil {
		return ""
	}
	return r.owner.name
}

// Cost returns what r costs, see [Cost].
func (r *Record) Cost() int64 { return Cost(r.Owner(), r.Data) }

// Expired reports whether r has expired at the given time.
func (r *Record) Expired(now int64) bool { return r.Expires <= now && !r.Held() }

// Held reports whether r is held.
func (r *Record) Held() bool { return r.place == held }

func (r *Record) record() store.Record {
	return store.Record{
		Version: r.Version,
		Expires: time.UnixMicro(r.Expires),
		Owner:   r.Owner(),
		Data:    r.Data,
	}
}

func (r *Record) rank() int64 { return r.Expires }

func (r *Record) setPlace(p int32) { r.place = p }

// Now returns the time as records keep it. It has to be called with the lock held: a
// call that judged by the time before it waited for the lock could revive a record
// that other calls have found expired.
func Now() int64 { return Micros(time.Now()) }

// Micros returns t in microseconds since 1970, cut to the years 1970 to 9999.
func Micros(t time.Time) int64 { return expiry.Clamp(t).UnixMicro() }

// An index is a map that frees memory when many records have been removed, which Go's
// maps do not.
type index[K comparable, V any] struct {
	m    map[K]V
	most int // entries that it has had
}

func newIndex[K comparable, V any]() index[K, V] { return index[K, V]{m: make(map[K]V)} }

func (x *index[K, V]) set(k K, v V) {
	x.m[k] = v
	x.most = max(x.most, len(x.m))
}

func (x *index[K, V]) delete(k K) {
	delete(x.m, k)
	if x.most < 1024 || len(x.m) > x.most/8 {
		return
	}
	smaller := make(map[K]V, len(x.m))
	maps.Copy(smaller, x.m)
	x.m, x.most = smaller, len(smaller)
}
