// Package logstore keeps sessions in one file, to which it only appends.
//
// It is the store for a program that runs as one process and must not lose its
// sessions when it restarts, crashes or loses power. It needs no database and
// no library:
//
//	s, err := logstore.Open("sessions.log")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer s.Close()
//	sessions := sesame.New[Session](sesame.WithStore(s))
//
// All sessions are in memory as well, so that loading one costs no I/O. One
// session costs its data and about 170 bytes of memory. Each change is a
// checksummed record at the end of the file; those that wait at the same time
// are written and made durable together. When more than half of the file is
// garbage, it is rewritten in the background.
//
// What survives the end of the power depends on the mode, see [WithSync]. By
// default everything does that was answered, except for the extension of a
// session by Touch, which is written but not waited for.
//
// One process at a time can open the file. It is locked by way of a second
// one, named like it with ".lock" at its end, which stays. During a compaction
// there is a third, with ".tmp".
package logstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// Errors of this package, to be found with [errors.Is].
var (
	// ErrLocked says that the file is open already, most likely in another
	// process. See [WithLockTimeout].
	ErrLocked = errors.New("another process has the file open")

	// ErrDamaged says that [WithStrictRecovery] was given and the file is
	// damaged.
	ErrDamaged = errors.New("the file is damaged")

	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("logstore: the store is closed")

	// ErrBroken says that an fsync failed, or that a failed write could not be
	// undone. What the file holds is not certain any more, so that nothing
	// more is written. Sessions can still be loaded. After the cause is
	// removed, close the store and open it again.
	ErrBroken = errors.New("logstore: nothing more can be saved because the file is in doubt")
)

// A Store keeps sessions in a file. It implements [store.Store] and of the
// optional interfaces [store.Rotator], [store.Lister], [store.OwnerIndex],
// [store.Sweeper] and [io.Closer]. All methods are safe for concurrent use.
//
// Make one with [Open].
type Store struct {
	config
	fs       filesystem
	path     string
	lock     io.Closer
	recovery Recovery
	index    *index

	mu      sync.Mutex
	queue   []*op
	closing bool

	closed atomic.Bool
	broken atomic.Pointer[error]
	wake   chan struct{} // there is something to do
	done   chan struct{} // the writer has ended
	err    error         // of Close

	writer
}

// Open opens the file at path, or makes it if there is none. Only the user of
// the process may read a file that it makes.
//
// It returns [ErrLocked] if the file is open already, and an error for a file
// that is not a session log, which it leaves as it is. Damage it skips, see
// [WithStrictRecovery].
//
// Close the store when it is not used any more.
func Open(path string, opts ...Option) (*Store, error) {
	name, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("logstore: %w", err)
	}
	// A compaction is to replace the file, not a link to it.
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	return open(disk{}, name, newConfig(opts))
}

// Recovery returns what Open found in the file.
func (s *Store) Recovery() Recovery { return s.recovery }

// Len returns the number of sessions, including those that have expired and
// were not swept yet.
func (s *Store) Len() int {
	s.index.mu.RLock()
	defer s.index.mu.RUnlock()
	return s.index.len()
}

// Load implements [store.Store]. For a session that has expired and was not
// swept yet it returns [store.ErrExpired].
func (s *Store) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if err := s.readable(ctx); err != nil {
		return store.Record{}, err
	}
	s.index.mu.RLock()
	i := s.index.find(k)
	if i == 0 {
		s.index.mu.RUnlock()
		return store.Record{}, store.ErrNotFound
	}
	e := *s.index.at(i)
	expired := e.expired(clock())
	s.index.mu.RUnlock()

	if expired {
		return store.Record{}, store.ErrExpired
	}
	return e.record(), nil
}

// Save implements [store.Store]. It returns when the session is in the file,
// and in the mode [Always] durable. It returns [store.ErrFull] for a new
// session if the store is full of sessions that it must keep, and an error if
// r.Owner is longer than [store.MaxOwner] or r.Data than 64 MiB.
func (s *Store) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	return s.change(ctx, &op{kind: kindPut, key: k}, r)
}

// Rotate implements [store.Rotator]. It returns when the change is durable, in
// all modes. Its errors are those of Save.
func (s *Store) Rotate(ctx context.Context, from, to store.Key, r store.Record) (uint64, error) {
	return s.change(ctx, &op{kind: kindRotate, from: from, key: to}, r)
}

func (s *Store) change(ctx context.Context, o *op, r store.Record) (uint64, error) {
	if len(r.Owner) > store.MaxOwner {
		return 0, fmt.Errorf("logstore: the owner has %d bytes, more than %d", len(r.Owner), store.MaxOwner)
	}
	if len(r.Data) > maxDataSize {
		return 0, fmt.Errorf("logstore: the data has %d bytes, more than %d", len(r.Data), maxDataSize)
	}
	o.expected, o.expires, o.owner, o.data = r.Version, micros(r.Expires), r.Owner, string(r.Data)
	if err := s.do(ctx, o); err != nil {
		return 0, err
	}
	return o.version, nil
}

// Touch implements [store.Store]. It leaves the version as it is. It never
// waits for the disk: the new expiry is written soon after, and if the process
// or the power ends before that, the session has the old one.
func (s *Store) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	if err := s.readable(ctx); err != nil {
		return err
	}
	if err := s.broken.Load(); err != nil {
		return *err
	}
	x := s.index
	x.mu.Lock()
	defer x.mu.Unlock()
	i := x.live(k, clock())
	if i == 0 || !x.extend(i, micros(expires)) {
		return nil
	}
	if e := x.at(i); !e.touched {
		e.touched = true
		x.touched = append(x.touched, k)
		s.signal()
	}
	return nil
}

// Delete implements [store.Store]. It returns when the removal is durable, in
// all modes.
func (s *Store) Delete(ctx context.Context, k store.Key) error {
	return s.do(ctx, &op{kind: kindRemove, key: k})
}

// Close waits for the calls that have begun, makes everything durable and
// closes the file. From then on all methods return [ErrClosed], but for Close:
// called again it returns what it returned first.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closing = true
	s.closed.Store(true)
	s.mu.Unlock()
	s.signal()
	<-s.done
	return s.err
}

func (s *Store) readable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed.Load() {
		return ErrClosed
	}
	return nil
}
