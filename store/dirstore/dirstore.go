// Package dirstore keeps sessions in a directory, one file each.
//
// It is for a few processes on one machine that share sessions without a server,
// and for sessions that can be listed, copied and removed with ordinary tools:
//
//	sessions, err := dirstore.Open("sessions")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer sessions.Close()
//	m := sesame.New[Session](sesame.WithStore(sessions))
//
// A file is written under a temporary name, made durable and renamed, so that no
// crash leaves half a session. Processes exclude each other with file locks;
// loading takes none. The directory has to be on a local file system; file locks
// and renames on a network are not tested.
//
// Files are named after the sessions' IDs, which are no credentials. The
// sessions' data is in the clear; package sealed encrypts it.
package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/internal/expiry"
	"github.com/sesame-go/sesame/store"
)

// maxData bounds the data of a session, so that a foreign file of any size is
// not read into memory.
const maxData = 64 << 20

// A Store keeps sessions in a directory. Make one with [Open]. It implements
// [store.Store] and of the optional interfaces [store.Lister],
// [store.OwnerIndex], [store.Sweeper], [store.Counter] and [io.Closer].
//
// All methods are safe for concurrent use, also by other Stores on the same
// directory, in this process and in others. A call that has to wait for another
// ends with its context's error when that is done.
//
// The store is whatever is at the path given to Open. If the directory is removed,
// all calls fail, because it may be a disk that is missing for a moment. When it is
// there again, empty or with sessions, the store continues with it. The same holds
// for a directory that is renamed or replaced, and for parts of it.
//
// A damaged file is never served, overwritten or swept. Load, Save and Touch of
// that session fail with an error that names the file and wraps
// [store.ErrCorrupt]. Methods that deal with many sessions skip it, and report
// it to the logger of [WithLogger]. Remove the file, or call Delete, to end that
// one session.
//
// If the operating system returns an error while a session is being saved, the
// session may have been saved or not: the file holds the old one or the new one,
// whole.
type Store struct {
	config
	path     string                     // absolute
	open     func() (*directory, error) // opens what is at path now
	locks    lockSet
	cursor   atomic.Uint32 // where the next Sweep begins
	reported sync.Map      // what was written to the log

	mu  sync.Mutex                // held while dir is replaced
	dir atomic.Pointer[directory] // nil once closed
}

// Load implements [store.Store]. For a session that has expired and was not
// swept yet it returns [store.ErrExpired]. It takes no lock.
func (s *Store) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	d, err := s.current()
	if err != nil {
		return store.Record{}, err
	}
	return d.load(k)
}

// load returns the live record in k's file.
func (d *directory) load(k store.Key) (store.Record, error) {
	// What lived when the call began may be returned. Judged by a later time, a
	// session that was extended after the read would seem expired.
	now := clock()
	r, err := d.read(k)
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
	if len(r.Owner) > store.MaxOwner {
		return 0, fmt.Errorf("dirstore: the owner has %d bytes, more than %d", len(r.Owner), store.MaxOwner)
	}
	if len(r.Data) > maxData {
		return 0, fmt.Errorf("dirstore: the data has %d bytes, more than %d", len(r.Data), maxData)
	}
	var version uint64
	err := s.locked(ctx, k, func(d *directory) error {
		old, err := d.read(k)
		if err != nil {
			return err
		}
		now := clock()
		if r.Version != old.liveVersion(now) {
			return store.ErrConflict
		}
		version = newVersion(old.Version)
		if micros(r.Expires) <= now {
			return d.remove(k, old.Owner, true)
		}
		next := r
		next.Version = version
		return d.save(k, next, old.Owner, s.sync || r.Durable)
	})
	if err != nil {
		return 0, err
	}
	return version, nil
}

// save writes r to k's file, in which oldOwner's session was.
func (d *directory) save(k store.Key, r store.Record, oldOwner string, durable bool) error {
	// The index must never know less than there is, whatever a power loss takes:
	// a new owner's mark is made before, and the old one's is removed after the
	// session is durably the new owner's.
	passed := r.Owner != oldOwner
	if passed && r.Owner != "" {
		if err := d.mark(r.Owner, k); err != nil {
			return err
		}
	}
	durable = durable || passed
	if err := d.replace(fileName(k), encode(k, r), durable); err != nil {
		return err
	}
	if durable {
		if err := d.syncDir(fanDir(k)); err != nil {
			return err
		}
	}
	if passed {
		d.unmark(oldOwner, k)
	}
	return nil
}

// Touch implements [store.Store]. It leaves the version as it is. It rewrites
// the file, and costs about what Save does.
func (s *Store) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	return s.locked(ctx, k, func(d *directory) error {
		r, err := d.read(k)
		if err != nil || !r.alive(clock()) || micros(expires) <= micros(r.Expires) {
			return err
		}
		r.Expires = expires
		// The data is made durable, or a power loss could leave an empty file.
		// Which of the two expiries it leaves matters little.
		return d.replace(fileName(k), encode(k, r.Record), s.sync)
	})
}

// Delete implements [store.Store]. It removes the session's file even if that
// is damaged. The deletion is durable.
func (s *Store) Delete(ctx context.Context, k store.Key) error {
	return s.locked(ctx, k, func(d *directory) error {
		// A file that cannot be read can still be removed. A mark of its owner
		// that stays does no harm.
		r, _ := d.read(k)
		// The directory is synced even if the file is not there: the process
		// that removed it may have been killed before it was durable.
		return d.remove(k, r.Owner, true)
	})
}

// remove removes k's file, if there is one, and then the mark of its owner.
func (d *directory) remove(k store.Key, owner string, durable bool) error {
	err := d.root.Remove(fileName(k))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return d.failed(err)
	}
	if durable {
		if err := d.syncDir(fanDir(k)); err != nil {
			return err
		}
	}
	d.unmark(owner, k)
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

// newVersion returns a random version. A counter would start over when a
// session is deleted and created again; two random numbers are equal once in
// 2⁶⁴ times.
func newVersion(old uint64) uint64 {
	for {
		if v := rand.Uint64(); v != 0 && v != old {
			return v
		}
	}
}

// clock returns the time as files keep it. A change of a session reads it with
// the lock held.
func clock() int64 { return micros(time.Now()) }

// micros returns t in microseconds since 1970, of a year until 9999.
func micros(t time.Time) int64 { return expiry.Clamp(t).UnixMicro() }
