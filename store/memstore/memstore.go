// Package memstore keeps sessions in the memory of the process.
//
// It is the store for tests, for development and for services that run as one
// process and may forget their sessions at a restart. It needs nothing, starts
// no goroutine and has nothing to close:
//
//	sessions := sesame.New[Session](sesame.WithStore(memstore.New()))
//
// A session costs its data and about 100 bytes, the first of each owner about
// 150 more. The number of sessions is bounded, see [WithMaxSessions], so that
// visitors who never send their cookie back cannot use up the memory.
package memstore

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

const defaultMaxSessions = 1_000_000

// A Store keeps sessions in memory. It implements [store.Store] and of the
// optional interfaces [store.Rotator], [store.Lister], [store.OwnerIndex] and
// [store.Sweeper]. All methods are safe for concurrent use. Apart from their
// context's error, [store.ErrFull] and an owner that is too long they cannot
// fail.
//
// Make one with [New].
type Store struct {
	max    int64
	count  atomic.Int64 // records, and those about to be created; never above max
	owners ownerIndex
	shards [shardCount]shard
}

// An Option changes a default of [New].
type Option func(*Store)

// WithMaxSessions bounds the number of sessions to n, one million by default.
// The bound is exact and holds for the store as a whole.
//
// When the store is full, each new session takes the place of another: of the
// one that expired first or, if none has expired, of the session without an
// owner that is nearest to its expiry. Sessions with an owner are never
// dropped. If all have one, saving a new session fails with [store.ErrFull].
//
// WithMaxSessions panics if n is not positive.
func WithMaxSessions(n int) Option {
	if n <= 0 {
		panic(fmt.Sprintf("memstore: WithMaxSessions(%d): the bound must be positive; "+
			"leave the option out for the default of %d", n, defaultMaxSessions))
	}
	return func(s *Store) { s.max = int64(n) }
}

// New returns an empty store.
func New(opts ...Option) *Store {
	s := &Store{max: defaultMaxSessions}
	for _, opt := range opts {
		opt(s)
	}
	s.owners.init()
	for i := range s.shards {
		s.shards[i].init()
	}
	return s
}

// Len returns the number of sessions, including those that have expired and
// were not swept yet.
func (s *Store) Len() int { return int(s.count.Load()) }

// Load implements [store.Store]. For a session that has expired and was not
// swept yet it returns [store.ErrExpired].
func (s *Store) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	sh := s.shard(k)
	sh.mu.RLock()
	i := sh.find(k)
	if i == 0 {
		sh.mu.RUnlock()
		return store.Record{}, store.ErrNotFound
	}
	e := sh.slots[i]
	expired := e.expires <= clock()
	sh.mu.RUnlock()

	if expired {
		return store.Record{}, store.ErrExpired
	}
	return e.record(), nil
}

// Save implements [store.Store]. It returns [store.ErrFull] for a new session
// if the store is full of sessions that it must keep, and an error if r.Owner
// is longer than [store.MaxOwner].
func (s *Store) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := checkOwner(r.Owner); err != nil {
		return 0, err
	}
	if r.Version == 0 {
		return s.create(k, r)
	}
	return s.replace(k, r)
}

// create saves a record under a key that must not exist. It makes room before
// it locks the shard, because what has to go may be in any other.
func (s *Store) create(k store.Key, r store.Record) (uint64, error) {
	if err := s.reserve(); err != nil {
		return 0, err
	}
	kept := false
	defer func() {
		if !kept {
			s.count.Add(-1)
		}
	}()
	data := string(r.Data)

	sh := s.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now, expires := clock(), micros(r.Expires)
	if i := sh.find(k); i != 0 {
		if sh.slots[i].expires > now {
			return 0, store.ErrConflict
		}
		s.drop(sh, i)
	}
	if expires <= now {
		return sh.nextVersion(), nil
	}
	kept = true
	return sh.insert(k, expires, s.owners.assign(k, nil, r.Owner), data), nil
}

// replace saves a new version of a record.
func (s *Store) replace(k store.Key, r store.Record) (uint64, error) {
	data := string(r.Data)

	sh := s.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now, expires := clock(), micros(r.Expires)
	i := sh.live(k, now)
	if i == 0 || sh.slots[i].version != r.Version {
		return 0, store.ErrConflict
	}
	if expires <= now {
		s.drop(sh, i)
		return sh.nextVersion(), nil
	}
	owner := s.owners.assign(k, sh.slots[i].owner, r.Owner)
	return sh.update(i, expires, owner, data), nil
}

// Touch implements [store.Store]. It leaves the version as it is.
func (s *Store) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	sh := s.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if i := sh.live(k, clock()); i != 0 {
		sh.extend(i, micros(expires))
	}
	return nil
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, k store.Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	sh := s.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if i := sh.find(k); i != 0 {
		s.drop(sh, i)
	}
	return nil
}

// Rotate implements [store.Rotator].
func (s *Store) Rotate(ctx context.Context, from, to store.Key, r store.Record) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := checkOwner(r.Owner); err != nil {
		return 0, err
	}
	data := string(r.Data)

	both := setOf(from) | setOf(to)
	s.lock(both)
	defer s.unlock(both)
	old, sh, now := s.shard(from), s.shard(to), clock()
	i := old.live(from, now)
	if i == 0 || old.slots[i].version != r.Version || sh.live(to, now) != 0 {
		return 0, store.ErrConflict
	}
	if i := sh.find(to); i != 0 {
		s.drop(sh, i) // it has expired
	}
	expires := micros(r.Expires)
	if expires <= now {
		s.drop(old, old.find(from))
		return sh.nextVersion(), nil
	}
	version := sh.insert(to, expires, s.owners.assign(to, nil, r.Owner), data)
	s.remove(old, old.find(from)) // its room is the new record's
	return version, nil
}

// drop removes slot i of sh, which the caller has locked, and gives up its
// room.
func (s *Store) drop(sh *shard, i uint32) {
	s.remove(sh, i)
	s.count.Add(-1)
}

// remove removes slot i of sh, which the caller has locked, and keeps its room
// for another record.
func (s *Store) remove(sh *shard, i uint32) {
	e := &sh.slots[i]
	s.owners.assign(e.key, e.owner, "")
	sh.remove(i)
}

func checkOwner(owner string) error {
	if len(owner) > store.MaxOwner {
		return fmt.Errorf("memstore: the owner has %d bytes, more than %d", len(owner), store.MaxOwner)
	}
	return nil
}

// clock returns the time as records keep it. It is read with the shard locked:
// a call that judged by the time at which it began to wait could revive a
// record that others have found expired.
func clock() int64 { return micros(time.Now()) }

// micros returns t in microseconds, which fit for the next 290 000 years.
func micros(t time.Time) int64 { return t.UnixMicro() }
