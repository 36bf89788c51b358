// Package sealed encrypts sessions before another store keeps them.
//
// It wraps any store:
//
//	s, err := sealed.New(inner, key)
//	if err != nil {
//		log.Fatal(err)
//	}
//	m := sesame.New[Session](sesame.WithStore(s))
//
// The inner store, its files and its backups still show how many sessions there
// are, their IDs, their length, when they expire and whose they are:
// [store.Record].Owner stays in the clear, because the inner store finds
// sessions by it. If that is too much, let Owner return a pseudonym.
//
// Write access to the inner store is enough to remove sessions, to extend them,
// and to replace a session by an older state of itself. It takes a key to make a
// session, to change one, to give it to another owner, or to pass one off as
// another.
//
// The package uses the standard library's AES-256-GCM, HKDF and SHA-256 only, and
// works under GODEBUG=fips140=only.
package sealed

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"time"

	"github.com/sesame-go/sesame/store"
)

// A Store keeps its sessions in another store, their data encrypted. Make one
// with [New].
//
// It has the methods of [store.Lister], [store.OwnerIndex], [store.Sweeper],
// [store.Counter] and [store.Watcher]. Each returns an error that wraps
// [errors.ErrUnsupported] if the inner store lacks it; [store.Capability] tells
// beforehand. [store.As] finds the inner store's Ping and Close. All methods are
// as safe for concurrent use as those of the inner store, and fail as they do.
//
// A record is unreadable if none of the keys has encrypted it, or if it was
// tampered with. Load then returns an error that wraps [store.ErrCorrupt]. All
// and Owned yield such a record without Data, so that it does not end the walk.
// Touch, Delete, DeleteOwned and Sweep treat it like any other. To the manager
// the session is corrupt: the request is anonymous and the record stays, so that
// bringing the key back brings the session back.
type Store struct {
	inner store.Store
	ring  ring
}

// New returns a store that keeps its sessions in inner. A key is 32 random
// bytes, such as openssl rand -base64 32 prints in base64; it is not a password.
// New returns an error for any other key, for none at all, and for a nil inner.
// One key serves for any number of sessions.
//
// The first key encrypts, all keys decrypt. To change the key, put the new one
// before the old one, and drop the old one a session lifetime later. When several
// processes share inner, first give all of them the new key in second place, so
// that each can read what the others write.
func New(inner store.Store, keys ...[]byte) (*Store, error) {
	if inner == nil {
		return nil, errors.New("sealed: no store to wrap: give New the one that is to keep the sessions")
	}
	ring, err := newRing(keys)
	if err != nil {
		return nil, err
	}
	return &Store{inner, ring}, nil
}

// Unwrap returns the store that keeps the encrypted sessions.
func (s *Store) Unwrap() store.Store { return s.inner }

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, k store.Key) (store.Record, error) {
	r, err := s.inner.Load(ctx, k)
	if err != nil {
		return store.Record{}, err
	}
	if r.Data, err = s.ring.open(r.Data, k, r.Owner); err != nil {
		return store.Record{}, err
	}
	return r, nil
}

// Save implements [store.Store].
func (s *Store) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	box, err := s.ring.seal(r.Data, k, r.Owner)
	if err != nil {
		return 0, err
	}
	r.Data = box
	return s.inner.Save(ctx, k, r)
}

// Touch implements [store.Store].
func (s *Store) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	return s.inner.Touch(ctx, k, expires)
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, k store.Key) error {
	return s.inner.Delete(ctx, k)
}

// All implements [store.Lister].
func (s *Store) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		inner, err := capability[store.Lister](s.inner)
		if err != nil {
			yield(store.Entry{}, err)
			return
		}
		s.opened(inner.All(ctx))(yield)
	}
}

// Owned implements [store.OwnerIndex].
func (s *Store) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		inner, err := capability[store.OwnerIndex](s.inner)
		if err != nil {
			yield(store.Entry{}, err)
			return
		}
		s.opened(inner.Owned(ctx, owner))(yield)
	}
}

// opened decrypts what the inner store yields.
func (s *Store) opened(entries iter.Seq2[store.Entry, error]) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		for e, err := range entries {
			if err == nil {
				e.Data, _ = s.ring.open(e.Data, e.Key, e.Owner)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// DeleteOwned implements [store.OwnerIndex].
func (s *Store) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	inner, err := capability[store.OwnerIndex](s.inner)
	if err != nil {
		return 0, err
	}
	return inner.DeleteOwned(ctx, owner, keep...)
}

// Sweep implements [store.Sweeper].
func (s *Store) Sweep(ctx context.Context, limit int) (int, error) {
	inner, err := capability[store.Sweeper](s.inner)
	if err != nil {
		return 0, err
	}
	return inner.Sweep(ctx, limit)
}

// Count implements [store.Counter]. It counts unreadable records too.
func (s *Store) Count(ctx context.Context) (int, error) {
	inner, err := capability[store.Counter](s.inner)
	if err != nil {
		return 0, err
	}
	return inner.Count(ctx)
}

// Watch implements [store.Watcher].
func (s *Store) Watch(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	inner, err := capability[store.Watcher](s.inner)
	if err != nil {
		return nil, err
	}
	return inner.Watch(ctx, ended)
}

func capability[I any](inner store.Store) (I, error) {
	i, ok := inner.(I)
	if !ok {
		return i, fmt.Errorf("sealed: the inner store, %T, is no %v: %w", inner, reflect.TypeFor[I](), errors.ErrUnsupported)
	}
	return i, nil
}
