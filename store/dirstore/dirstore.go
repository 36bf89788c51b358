// Package dirstore keeps sessions in a directory, one file each.
//
// It is the store for a few processes on one machine that share sessions
// without a server, and for whoever likes to see a session as a file that can
// be listed, copied and removed with the tools at hand:
//
//	sessions, err := dirstore.Open("sessions")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer sessions.Close()
//	m := sesame.New[Session](sesame.WithStore(sessions))
//
// A file is written beside its place, made durable and renamed, so that no
// crash leaves half a session. Processes exclude each other with file locks;
// loading needs none. The directory has to be on a local file system; what
// file locks and renames are worth on a network is not known here.
//
// What is saved under a cookie's hash is named after it, so that who can read
// the directory learns no token. The sessions' data is there in the clear;
// package sealed encrypts it.
package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/internal/expiry"
	"github.com/sesame-go/sesame/store"
)

// maxData bounds the data of a session, so that a foreign file of any size is
// not read into memory.
const maxData = 64 << 20

// A Store keeps sessions in a directory. It implements [store.Store] and of
// the optional interfaces [store.Rotator], [store.Lister],
// [store.OwnerIndex], [store.Sweeper] and [io.Closer].
//
// All methods are safe for concurrent use, also by other Stores on the same
// directory, in this process and in others. A call that has to wait for
// another ends with its context's error when that is done.
//
// A session whose file is damaged fails with [ErrDamaged]. An error of the
// operating system while a session is being saved leaves open whether it was:
// what is there is the old session or the new one, whole.
//
// Make one with [Open].
type Store struct {
	root   *os.Root
	path   string // of root, for messages
	sync   bool
	locks  lockSet
	cursor atomic.Uint32 // where the next Sweep begins
}

// An Option changes a default of [Open].
type Option func(*Store)

// WithSync says whether a session that is saved is made durable before Save
// returns, so that it survives the end of the power: true by default.
//
// Without it the end of the process still loses nothing, but after the end of
// the power sessions saved in the last minute or so may be as they were
// before, gone, or damaged. Deletes, rotations, and saves that change whose
// session it is are durable regardless.
func WithSync(on bool) Option {
	return func(s *Store) { s.sync = on }
}

// Load implements [store.Store]. For a session that has expired and was not
// swept yet it returns [store.ErrExpired], for one whose file is damaged an
// error that wraps [ErrDamaged]. It takes no lock.
func (s *Store) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	// What lived when the call began may be returned; judged by a later
	// time, a session that was extended after the read would seem expired.
	now := clock()
	r, err := s.read(k)
	switch {
	case err != nil:
		return store.Record{}, err
	case !r.exists():
		return store.Record{}, store.ErrNotFound
	case !r.alive(now):
		return store.Record{}, store.ErrExpired
	}
	return r.Record, nil
}

// Save implements [store.Store]. It returns an error if r.Owner is longer than
// [store.MaxOwner] or r.Data longer than 64 MiB.
func (s *Store) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if err := check(ctx, r); err != nil {
		return 0, err
	}
	unlock, err := s.lock(ctx, keyLock(k))
	if err != nil {
		return 0, err
	}
	defer unlock()

	old, err := s.read(k)
	if err != nil {
		return 0, err
	}
	now := clock()
	if r.Version != old.liveVersion(now) {
		return 0, store.ErrConflict
	}
	r.Version = newVersion(old.Version)
	if micros(r.Expires) <= now {
		return r.Version, s.remove(k, old.Owner, true)
	}
	// The index must never know less than there is, whatever is lost when the
	// power ends: a new owner's mark is made before, the old one's is removed
	// after the session is durably the new owner's.
	moved := r.Owner != old.Owner
	if moved && r.Owner != "" {
		if err := s.mark(r.Owner, k); err != nil {
			return 0, err
		}
	}
	durable := s.sync || moved
	if err := s.write(k, encode(face{k, r}), durable); err != nil {
		return 0, err
	}
	if durable {
		if err := s.syncDir(fanDir(k)); err != nil {
			return 0, err
		}
	}
	if moved {
		s.unmark(old.Owner, k)
	}
	return r.Version, nil
}

// Touch implements [store.Store]. It leaves the version as it is. It writes
// the file anew, and costs about what Save does.
func (s *Store) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	unlock, err := s.lock(ctx, keyLock(k))
	if err != nil {
		return err
	}
	defer unlock()

	r, err := s.read(k)
	if err != nil || !r.alive(clock()) || micros(expires) <= micros(r.Expires) {
		return err
	}
	r.Expires = expires
	// The data is made durable, lest nothing be left of it. Which of the two
	// expiries a power failure leaves does not matter much.
	return s.write(k, encode(face{k, r.Record}), s.sync)
}

// Delete implements [store.Store]. It removes the session's file even if that
// is damaged. The deletion is durable.
func (s *Store) Delete(ctx context.Context, k store.Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	unlock, err := s.lock(ctx, keyLock(k))
	if err != nil {
		return err
	}
	defer unlock()

	// A file that cannot be read can be removed all the same; a mark of its
	// owner that stays does no harm.
	r, _ := s.read(k)
	// A file that is not there is synced too: who removed it may have been
	// killed before it was durable.
	return s.remove(k, r.Owner, true)
}

// remove removes k's file, if there is one, and then the mark of its owner.
func (s *Store) remove(k store.Key, owner string, durable bool) error {
	err := s.root.Remove(fileName(k))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed(err)
	}
	if durable {
		if err := s.syncDir(fanDir(k)); err != nil {
			return err
		}
	}
	s.unmark(owner, k)
	return nil
}

// found is a record as it is in its file, which may have expired. The zero
// value is that of no file.
type found struct{ store.Record }

func (r found) exists() bool { return r.Version != 0 }

func (r found) alive(now int64) bool { return r.exists() && micros(r.Expires) > now }

// liveVersion returns the version that a Save must know, 0 to create.
func (r found) liveVersion(now int64) uint64 {
	if r.alive(now) {
		return r.Version
	}
	return 0
}

// newVersion returns a random version. A counter would begin anew when a
// session is deleted and created again; of random numbers two are the same
// once in 2⁶⁴ times.
func newVersion(old uint64) uint64 {
	for {
		if v := rand.Uint64(); v != 0 && v != old {
			return v
		}
	}
}

func check(ctx context.Context, r store.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(r.Owner) > store.MaxOwner {
		return fmt.Errorf("dirstore: the owner has %d bytes, more than %d", len(r.Owner), store.MaxOwner)
	}
	if len(r.Data) > maxData {
		return fmt.Errorf("dirstore: the data has %d bytes, more than %d", len(r.Data), maxData)
	}
	return nil
}

func failed(err error) error { return fmt.Errorf("dirstore: %w", err) }

// clock returns the time as files keep it. Who changes a session reads it with
// the lock held.
func clock() int64 { return micros(time.Now()) }

// micros returns t in microseconds since 1970, of a year until 9999.
func micros(t time.Time) int64 { return expiry.Clamp(t).UnixMicro() }
