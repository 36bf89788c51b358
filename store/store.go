// Package store is the contract between sesame and the engines that keep
// sessions.
//
// An engine implements [Store], which has four methods, and optional interfaces for
// what else it can do: [Lister], [OwnerIndex], [Sweeper],
// [Counter], [Watcher], [Pinger] and [io.Closer]. The manager finds them by type
// assertion and does without those that are missing. A wrapper has a method
// Unwrap() Store as well, see [Capability].
//
// The suite in package storetest checks every sentence written here. Run it
// over a store of your own:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return mystore.New() })
//	}
package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Errors that a store returns, alone or wrapped. The manager treats any other error
// as an outage of the engine, never as a missing session.
var (
	// ErrNotFound says that no live record is kept under the key.
	ErrNotFound = errors.New("store: no such session")

	// ErrExpired says that a record is still there, but past its Expires. It
	// wraps [ErrNotFound]. A store that cannot tell the difference returns
	// ErrNotFound.
	ErrExpired = fmt.Errorf("%w: it has expired", ErrNotFound)

	// ErrConflict says that a compare-and-swap found another version than the
	// one given, or nothing at all.
	ErrConflict = errors.New("store: the session has been changed or removed since it was loaded")

	// ErrCorrupt says that there is a record, and that it cannot be read:
	// damaged, or not written by the store. The manager treats the request as
	// anonymous and leaves the record alone.
	ErrCorrupt = errors.New("store: the stored session is unreadable")

	// ErrFull says that there is no room for a record: it is larger than the
	// store's bound, or the store's engine is full.
	ErrFull = errors.New("store: full")
)

// MaxOwner is the greatest length of [Record.Owner], in bytes.
const MaxOwner = 255

// Key names a record for the whole life of its session. It is random, uniformly
// distributed, and no secret.
type Key [16]byte

// String returns k in unpadded base64url, 22 characters: the session's public
// ID, which is safe to log and never works as a cookie.
func (k Key) String() string { return base64.RawURLEncoding.EncodeToString(k[:]) }

// ParseKey is the inverse of [Key.String]. It accepts the canonical form only.
func ParseKey(s string) (Key, error) {
	var k Key
	if len(s) != base64.RawURLEncoding.EncodedLen(len(k)) {
		return Key{}, fmt.Errorf("store: a session id has 22 characters, not %d", len(s))
	}
	_, err := base64.RawURLEncoding.Decode(k[:], []byte(s))
	if err != nil || k.String() != s { // base64 overlooks line ends and stray bits
		return Key{}, errors.New("store: not a session id: it must be base64url of 16 bytes")
	}
	return k, nil
}

// Record is what a store keeps under a [Key].
type Record struct {
	// Version is chosen by the store and is never zero for a record that
	// exists. Each Save gives the record another one, which the store never
	// uses again for that key. It is compared for equality only.
	Version uint64

	// Expires is when the store may drop the record. Stores keep it to the
	// millisecond or better.
	Expires time.Time

	// Owner is the user that [OwnerIndex] finds the record by: at most
	// [MaxOwner] arbitrary bytes, or "" for a record without an owner.
	Owner string

	// Data is opaque, and immutable once it has been handed over, in both
	// directions: neither the store nor its caller writes to it, so that
	// neither has to copy it.
	Data []byte

	// Durable asks Save to make the record survive a power loss wherever a
	// deletion does. The manager sets it when it renews a session, since that
	// ends the token of before. Load leaves it false.
	Durable bool
}

// Store keeps records by key. All methods are safe for concurrent use and
// linearizable: each takes effect at one instant between its call and its
// return, and a call that returned is seen by all that follow. A call whose
// context is done before it had an effect returns the context's error.
//
// A store that bounds what it keeps drops records when it needs room for
// others: those that have expired; then those without an owner, the nearest to
// expiry first; then the oldest of the owner who has most, by its creation or
// its last Save with Durable set. It drops no more than it has to, and never
// the record that is saved. So no owner shuts another out, and visitors make
// room for visitors. A record that was dropped is gone as if it had been deleted.
type Store interface {
	// Load returns the live record under k. It returns [ErrNotFound] if there
	// is none, or if it has expired by the store's clock.
	Load(ctx context.Context, k Key) (Record, error)

	// Save stores r under k if, and only if, the live record's version is
	// r.Version, and returns the new version. Zero means that k must not
	// exist. Anything else is [ErrConflict], also when the record is gone or
	// has expired: Save never revives and never overwrites. A record that is
	// already past its Expires is accepted and is not found afterwards; it
	// never means "no expiry". An owner longer than [MaxOwner] is an error, and
	// so is a record for which there is no room, [ErrFull].
	Save(ctx context.Context, k Key, r Record) (version uint64, err error)

	// Touch moves the expiry of the live record under k to expires if that is
	// later than what it has; it never shortens, never creates and never
	// revives. A missing record is no error. An engine that cannot avoid it
	// may change the version.
	Touch(ctx context.Context, k Key, expires time.Time) error

	// Delete removes the record under k. A missing record is no error. Once
	// it has returned nil, no Load returns that record again.
	Delete(ctx context.Context, k Key) error
}

// Lister is a [Store] that can walk through all its records.
type Lister interface {
	// All yields the live records, in no particular order. It fetches them
	// page by page while the caller consumes them and holds no lock while the
	// caller does. A record that lives through the whole walk is yielded at
	// least once, as it is at some moment of the walk, even if it is saved
	// again and again; one that is created or removed during the walk may be
	// yielded or not. An error, including the context's, is yielded last.
	All(ctx context.Context) iter.Seq2[Entry, error]
}

// Entry is a record and its key, as [Lister] and [OwnerIndex] yield them.
type Entry struct {
	Key Key
	Record
}

// OwnerIndex is a [Store] that finds records by their owner without reading
// all of them. The owner "" has no records.
type OwnerIndex interface {
	// Owned yields the live records of owner, in few round trips to the
	// engine. Otherwise it is like [Lister]'s All: it holds no lock while the
	// caller consumes, and never misses a record that lives and has this owner
	// during the whole walk.
	Owned(ctx context.Context, owner string) iter.Seq2[Entry, error]

	// DeleteOwned removes owner's records, expired or not, except those under
	// a key in keep, and returns how many of them were live. When it returns
	// nil, no record that was owner's when it was called still is, not even
	// one that was saved during the call. It removes no other owner's records.
	DeleteOwned(ctx context.Context, owner string, keep ...Key) (int, error)
}

// Sweeper is a [Store] that has to be told to drop what has expired.
type Sweeper interface {
	// Sweep removes at most limit expired records and returns how many. It
	// judges each at the moment of removal, so that a record extended
	// during the sweep stays. A limit that is not positive removes nothing.
	Sweep(ctx context.Context, limit int) (int, error)
}

// Counter is a [Store] that counts its records without reading them.
type Counter interface {
	// Count returns how many records are live by the store's clock.
	Count(ctx context.Context) (int, error)
}

// Watcher is a [Store] that tells which sessions ended or were renewed, in
// whichever process that happened.
type Watcher interface {
	// Watch returns once it is watching. From then on it calls ended with the
	// key of each record that is removed before its expiry, or is saved with
	// Durable set. It may also call ended for others; ended is a hint to look.
	// ended may be called concurrently, must return soon and must not call the
	// store.
	//
	// done is closed when watching ends, because ctx has ended or because the
	// connection to the engine is lost. Keys may then have been missed: the
	// caller looks at the records it is interested in, and calls Watch again.
	Watch(ctx context.Context, ended func(Key)) (done <-chan struct{}, err error)
}

// Pinger is a [Store] that can tell whether its engine answers.
type Pinger interface {
	Ping(ctx context.Context) error
}

// As returns the first store in s's chain of Unwrap methods that implements
// the optional interface I:
//
//	if p, ok := store.As[store.Pinger](s); ok { … }
//
// It is for interfaces that do not deal in records, such as [Pinger] and
// [io.Closer]. For the others use [Capability].
func As[I any](s Store) (I, bool) {
	for s != nil {
		if i, ok := s.(I); ok {
			return i, true
		}
		s = unwrap(s)
	}
	var none I
	return none, false
}

// Capability returns s as the optional interface I if s implements it and the
// innermost store, at the end of the chain of Unwrap methods, does too.
//
// A wrapper may keep records in another form than it hands out, so a method of
// the inner store cannot stand in for one that the wrapper lacks. In turn a
// wrapper may implement all optional interfaces, forward what the inner store
// has and return errors.ErrUnsupported for the rest.
func Capability[I any](s Store) (I, bool) {
	i, ok := s.(I)
	if ok {
		inner := s
		for next := unwrap(inner); next != nil; next = unwrap(inner) {
			inner = next
		}
		_, ok = inner.(I)
	}
	if !ok {
		var none I
		return none, false
	}
	return i, true
}

func unwrap(s Store) Store {
	if w, ok := s.(interface{ Unwrap() Store }); ok {
		return w.Unwrap()
	}
	return nil
}
