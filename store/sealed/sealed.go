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
// Who can read the inner store, its files or its backups, learns from it how
// many sessions there are, their public IDs, their length, when they expire and
// whose they are: Record.Owner stays in the clear, since the inner store finds
// sessions by it. Let Owner return a pseudonym if that is too much.
//
// Who can write to it can remove sessions, extend them, and put an older state
// of a session in the place of a newer one. Nobody without a key can make a
// session, change one, give it to another owner, or pass one off as another.
package sealed

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/sesame-go/sesame/store"
)

// New returns a store that keeps its sessions in inner, their data encrypted
// with XAES-256-GCM. The first of keys encrypts, all of them decrypt: to change the
// key, put the new one before the old, and drop the old one when the sessions
// that it has encrypted are gone or were saved anew, a session lifetime later.
// When several processes share inner, first give all of them the new key in
// the second place, so that each can read what the others write.
//
// A key is 32 random bytes, such as openssl rand -base64 32 prints, not a
// password. A key that is not, and none at all, are errors. There is no limit
// to the number of sessions that one key can encrypt.
//
// The store that New returns implements of [store.Rotator], [store.Lister],
// [store.OwnerIndex] and [store.Sweeper] what inner implements, and has
// Unwrap. All methods are as safe for concurrent use as those of inner, and
// fail as they do.
//
// A record that cannot be opened, because none of the keys is that which
// encrypted it, it was tampered with, or it was not encrypted at all, is
// returned without Data and without an error: it has a version and can be
// replaced and deleted, but not read. To the manager such a session is
// corrupt, not an outage: the request is anonymous, there is a Corrupt event,
// and the record is left alone, as somebody may bring back the key.
func New(inner store.Store, keys ...[]byte) (store.Store, error) {
	if inner == nil {
		return nil, errors.New("sealed: no store to wrap: give New the one that is to keep the sessions")
	}
	ring, err := newRing(keys)
	if err != nil {
		return nil, err
	}
	return compose(&sealed{inner, ring}), nil
}

// sealed is what all stores of this package have in common.
type sealed struct {
	inner store.Store
	ring  ring
}

// Unwrap returns the store that keeps the encrypted sessions.
func (s *sealed) Unwrap() store.Store { return s.inner }

// Load implements [store.Store].
func (s *sealed) Load(ctx context.Context, k store.Key) (store.Record, error) {
	r, err := s.inner.Load(ctx, k)
	if err != nil {
		return store.Record{}, err
	}
	r.Data = s.ring.open(r.Data, k, r.Owner)
	return r, nil
}

// Save implements [store.Store].
func (s *sealed) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	r.Data = s.ring.seal(r.Data, k, r.Owner)
	return s.inner.Save(ctx, k, r)
}

// Touch implements [store.Store].
func (s *sealed) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	return s.inner.Touch(ctx, k, expires)
}

// Delete implements [store.Store].
func (s *sealed) Delete(ctx context.Context, k store.Key) error {
	return s.inner.Delete(ctx, k)
}

// A rotator adds [store.Rotator].
type rotator struct{ *sealed }

// Rotate implements [store.Rotator].
func (s rotator) Rotate(ctx context.Context, from, to store.Key, r store.Record) (uint64, error) {
	r.Data = s.ring.seal(r.Data, to, r.Owner)
	return s.inner.(store.Rotator).Rotate(ctx, from, to, r)
}

// A lister adds [store.Lister].
type lister struct{ *sealed }

// All implements [store.Lister].
func (s lister) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		for e, err := range s.inner.(store.Lister).All(ctx) {
			if err == nil {
				e.Data = s.ring.open(e.Data, e.Key, e.Owner)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
