// Package store is the contract between sesame and the engines that keep
// sessions.
//
// An engine implements [Store], four methods. Whatever else it does well it
// shows by implementing one of the optional interfaces ([Rotator], [Lister],
// [OwnerIndex], [Sweeper], [Pinger], [io.Closer]); the manager finds them by
// type assertion and does without those that are missing. A wrapper adds an
// Unwrap() Store method.
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

// Errors that a store answers with, alone or wrapped. Any other error means
// that the engine could not do its work, which the manager reports as an
// outage; it never takes it for a missing session.
var (
	// ErrNotFound says that no live record is kept under the key.
	ErrNotFound = errors.New("store: no such session")

	// ErrExpired says that a record is still there, but past its Expires. It
	// wraps [ErrNotFound]. A store that cannot tell the difference answers
	// ErrNotFound.
	ErrExpired = fmt.Errorf("%w: it has expired", ErrNotFound)

	// ErrConflict says that a compare-and-swap found another version than the
	// one given, or nothing at all.
	ErrConflict = errors.New("store: the session was changed or removed meanwhile")

	// ErrCorrupt says that there is a record, and that it cannot be read:
	// damaged, or not written by the store. The manager treats the request as
	// anonymous and leaves the record alone.
	ErrCorrupt = errors.New("store: the stored session is unreadable")

	// ErrFull says that a bounded store has no room for one more record and
	// nothing that it may drop.
	ErrFull = errors.New("store: full")
)

// MaxOwner is the greatest length of [Record.Owner], in bytes.
const MaxOwner = 255

// Key names a record. It is a hash of the session's token, so that whoever
// reads the engine learns no token. Keys are uniformly distributed.
type Key [32]byte

// String returns k in unpadded base64url, 43 characters: the session's public
// ID, which is safe to log and never works as a cookie.
func (k Key) String() string { return base64.RawURLEncoding.EncodeToString(k[:]) }

// ParseKey is the inverse of [Key.String]. It accepts the canonical form only.
func ParseKey(s string) (Key, error) {
	var k Key
	if len(s) != base64.RawURLEncoding.EncodedLen(len(k)) {
		return Key{}, fmt.Errorf("store: a session id has 43 characters, not %d", len(s))
	}
	_, err := base64.RawURLEncoding.Decode(k[:], []byte(s))
	if err != nil || k.String() != s { // base64 overlooks line ends and stray bits
		return Key{}, errors.New("store: not a session id: it must be base64url of 32 bytes")
	}
	return k, nil
}

// Record is what a store keeps under a [Key].
type Record struct {
	// Version is chosen by the store, differs from one Save to the next, and
	// is never zero for a record that exists. It is compared for equality
	// only.
	Version uint64

	// Expires is when the store may forget the record. Stores keep it to the
	// millisecond or better.
	Expires time.Time

	// Owner is whose session it is, the key of [OwnerIndex]: at most
	// [MaxOwner] arbitrary bytes, "" for nobody.
	Owner string

	// Data is opaque. The store keeps its own copy, and what it returns
	// belongs to the caller.
	Data []byte
}

// Store keeps records by key. All methods are safe for concurrent use and
// linearizable: each takes effect at one instant between its call and its
// return, and a call that returned is seen by all that follow. A call whose
// context is done before it had an effect returns the context's error.
type Store interface {
	// Load returns the live record under k. It returns [ErrNotFound] when
	// there is none, also when it has expired by the store's clock.
	Load(ctx context.Context, k Key) (Record, error)

	// Save stores r under k if, and only if, the live record's version is
	// r.Version, and returns the new version. Zero means that k must not
	// exist. Anything else is [ErrConflict], also when the record is gone or
	// has expired: Save never revives and never overwrites. A record that is
	// already past its Expires is accepted and is not found afterwards; it
	// never means "no expiry". An owner longer than [MaxOwner] is an error, and
	// so is a record for which a bounded store has no room, [ErrFull].
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

// Rotator is a [Store] that changes a record's key in one step, for the
// renewal at log-in.
type Rotator interface {
	// Rotate stores r under to and removes from, both or neither, if the live
	// record under from has r.Version and to does not exist; otherwise it
	// returns [ErrConflict] and has changed nothing. It returns the version of
	// the record under to. Otherwise it is like Save.
	Rotate(ctx context.Context, from, to Key, r Record) (version uint64, err error)
}

// Lister is a [Store] that can walk through all its records.
type Lister interface {
	// All yields the live records, in no particular order, fetching them
	// page by page while the caller consumes them and holding no lock
	// meanwhile. A record that lives through the whole walk is yielded once
	// at least; one that is created, changed or removed during it may be
	// yielded or not, and never torn. An error, that of a context too, is
	// yielded last.
	All(ctx context.Context) iter.Seq2[Entry, error]
}

// Entry is a record and its key, as [Lister] yields them.
type Entry struct {
	Key Key
	Record
}

// OwnerIndex is a [Store] that finds records by their owner without reading
// all of them. The owner "" is nobody: it has no records.
type OwnerIndex interface {
	// Owned yields the keys of owner's records. It may yield a key whose
	// record has expired, is gone or has another owner by now; it never misses
	// a live one that is there during the whole walk. An error is yielded last.
	Owned(ctx context.Context, owner string) iter.Seq2[Key, error]

	// DeleteOwned removes owner's records, except those under a key in keep,
	// and returns how many live ones. Of the records that were live when it was called
	// none is left when it returns nil, not even one that was rotated to
	// another key meanwhile. It removes nobody else's.
	DeleteOwned(ctx context.Context, owner string, keep ...Key) (int, error)
}

// Sweeper is a [Store] that has to be told to drop what has expired.
type Sweeper interface {
	// Sweep removes at most limit expired records and returns how many. It
	// judges each anew at the moment of removal, so that a record extended
	// meanwhile stays. A limit that is not positive removes nothing.
	Sweep(ctx context.Context, limit int) (int, error)
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
// [io.Closer]. A wrapper may keep records in another form than it hands out,
// so the manager asks the outermost store alone for the others.
func As[I any](s Store) (I, bool) {
	for s != nil {
		if i, ok := s.(I); ok {
			return i, true
		}
		w, ok := s.(interface{ Unwrap() Store })
		if !ok {
			break
		}
		s = w.Unwrap()
	}
	var none I
	return none, false
}
