// Package memstore keeps sessions in the memory of the process.
//
// It is for tests, for development and for services that run as one process and may
// lose their sessions at a restart. It starts no goroutine and need not be closed:
//
//	sessions := sesame.New[Session](sesame.WithStore(memstore.New()))
//
// A session costs its data and about 150 bytes, the first of each owner about
// 200 more. The number of sessions and the memory that they take are bounded,
// see [WithMaxSessions] and [WithMaxBytes], so that visitors who never send
// their cookie back cannot use up the memory.
package memstore

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/sesame-go/sesame/internal/records"
	"github.com/sesame-go/sesame/store"
)

// A Store keeps sessions in memory. It implements [store.Store] and of the
// optional interfaces [store.Lister], [store.OwnerIndex], [store.Sweeper],
// [store.Counter] and [store.Watcher]. All methods are safe for concurrent use.
// Apart from their context's error, [store.ErrFull] and an owner that is too
// long they cannot fail.
//
// A Store keeps the Data that Save is given, and hands out what it keeps.
//
// Make one with [New].
type Store struct {
	config
	set      *records.Set
	watchers records.Watchers
	version  uint64 // the last one given out; guarded by set
}

// New returns an empty store.
func New(opts ...Option) *Store {
	return &Store{config: newConfig(opts), set: records.NewSet()}
}

// Len returns the number of sessions, including those that have expired and
// were not swept yet. [Store.Count] leaves them out.
func (s *Store) Len() int {
	s.set.Lock()
	defer s.set.Unlock()
	return s.set.Len()
}

// Load implements [store.Store]. For a session that has expired and was not
// swept yet it returns [store.ErrExpired].
func (s *Store) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	return s.set.Load(k)
}

// Save implements [store.Store]. A new session, or one that grows, takes the
// place of others if there is no room, see [WithMaxSessions]. Save returns
// [store.ErrFull] only for a session that is larger than [WithMaxBytes] allows,
// and an error if r.Owner is longer than [store.MaxOwner].
func (s *Store) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if len(r.Owner) > store.MaxOwner {
		return 0, fmt.Errorf("memstore: the owner has %d bytes, more than %d", len(r.Owner), store.MaxOwner)
	}
	if records.Cost(r.Owner, r.Data) > s.maxBytes {
		return 0, store.ErrFull
	}
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		version, ended, err := s.save(k, r)
		s.watchers.Tell(ended...)
		if version > 0 || err != nil {
			return version, err
		}
	}
}

// save stores r if there is room for it. If not, it removes some sessions and returns
// version 0. In both cases it returns the keys to report to watchers.
func (s *Store) save(k store.Key, r store.Record) (version uint64, ended []store.Key, err error) {
	s.set.Lock()
	defer s.set.Unlock()
	now := records.Now()
	old := s.set.Live(k, now)
	if old == nil && r.Version != 0 || old != nil && old.Version != r.Version {
		return 0, nil, store.ErrConflict
	}
	if old == nil {
		if e := s.set.Find(k); e != nil {
			s.set.Remove(e)
		}
	}
	if records.Micros(r.Expires) <= now {
		if old != nil {
			s.set.Remove(old)
			ended = append(ended, k)
		}
		return s.nextVersion(), ended, nil
	}
	ended, ok := s.makeRoom(old, records.Cost(r.Owner, r.Data), now)
	if !ok {
		return 0, ended, nil
	}
	if r.Durable {
		ended = append(ended, k)
	}
	r.Version = s.nextVersion()
	s.set.Put(k, r)
	return r.Version, ended, nil
}

// makeRoom removes records until one of the given cost fits in the place of old,
// which may be nil. It removes only so many that other calls need not wait long, and
// reports whether there is room.
func (s *Store) makeRoom(old *records.Record, cost int64, now int64) (ended []store.Key, ok bool) {
	count := 1
	if old != nil {
		count, cost = 0, cost-old.Cost()
	}
	full := func() bool { return s.set.Len()+count > s.maxSessions || s.set.Bytes()+cost > s.maxBytes }
	if !full() {
		return nil, true
	}
	if old != nil {
		s.set.Hold(old)
		defer s.set.Release(old)
	}
	for full() {
		if len(ended) == records.SweepBatch {
			return ended, false
		}
		e := s.set.Next(now)
		ended = append(ended, e.Key)
		s.set.Remove(e)
	}
	return ended, true
}

// nextVersion returns a version that no record has ever had.
func (s *Store) nextVersion() uint64 {
	s.version++
	return s.version
}

// Touch implements [store.Store]. It leaves the version as it is.
func (s *Store) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.set.Lock()
	defer s.set.Unlock()
	if r := s.set.Live(k, records.Now()); r != nil {
		s.set.Extend(r, records.Micros(expires))
	}
	return nil
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, k store.Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.set.Lock()
	r := s.set.Find(k)
	if r != nil {
		s.set.Remove(r)
	}
	s.set.Unlock()
	if r != nil {
		s.watchers.Tell(k)
	}
	return nil
}

// All implements [store.Lister]. It yields each key once at most.
func (s *Store) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return s.set.All(ctx.Err)
}

// Owned implements [store.OwnerIndex]. It yields the oldest first.
func (s *Store) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	return s.set.Owned(owner, ctx.Err)
}

// DeleteOwned implements [store.OwnerIndex]. Of very many sessions it removes
// some at a time, so that others can load theirs. If the context ends before
// all are removed, it returns how many were, and the context's error.
func (s *Store) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	kept := make(map[store.Key]bool, len(keep))
	for _, k := range keep {
		kept[k] = true
	}
	live := 0
	for after, more := uint64(0), true; more; {
		if err := ctx.Err(); err != nil {
			return live, err
		}
		var n int
		var ended []store.Key
		n, ended, after, more = s.deleteSome(owner, kept, after)
		live += n
		s.watchers.Tell(ended...)
		if more {
			records.Yield()
		}
	}
	return live, nil
}

// deleteSome removes those of owner's next records that are not kept. It
// returns how many of them were live, their keys, where to go on, and whether
// there may be more.
func (s *Store) deleteSome(owner string, kept map[store.Key]bool, after uint64) (live int, ended []store.Key, last uint64, more bool) {
	s.set.Lock()
	defer s.set.Unlock()
	now := records.Now()
	page := make([]*records.Record, 0, records.SweepBatch)
	page, last = s.set.OwnedBy(owner, after, page)
	for _, r := range page {
		if kept[r.Key] {
			continue
		}
		if !r.Expired(now) {
			live++
		}
		ended = append(ended, r.Key)
		s.set.Remove(r)
	}
	return live, ended, last, len(page) == cap(page)
}

// Sweep implements [store.Sweeper].
func (s *Store) Sweep(ctx context.Context, limit int) (int, error) {
	return s.set.Sweep(limit, ctx.Err)
}

// Count implements [store.Counter].
func (s *Store) Count(ctx context.Context) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return s.set.Count(), nil
}

// Watch implements [store.Watcher]. A session that is removed to make room
// counts as ended.
func (s *Store) Watch(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	return s.watchers.Watch(ctx, ended)
}
