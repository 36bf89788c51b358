// Package logstore keeps sessions in one file, to which it only appends.
//
// It is for a program that runs as one process and must not lose its sessions when
// it restarts, crashes or loses power. It needs no database and no library:
//
//	s, err := logstore.Open("sessions.db")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer s.Close()
//	sessions := sesame.New[Session](sesame.WithStore(s))
//
// All sessions are in memory as well, so that loading one costs no I/O. One
// session costs its data and about 150 bytes of memory, see [WithMaxBytes].
// Each change is a checksummed record at the end of the file; those that wait
// at the same time are written and made durable together. When more than half
// of the file is garbage, it is rewritten in the background.
//
// What survives a power loss depends on the mode, see [WithSync]. By default
// everything does that was answered, except for the extension of a session by
// Touch, which is written but not waited for.
//
// # Files
//
// Give the file a name that log rotation and cleaners of old files ignore, not one
// that ends in ".log". If it is renamed, removed or truncated while the store has it
// open, the store notices at the next change, logs it, and writes all sessions to a
// new file in its place. If another file is in its place, nothing can be saved until
// that is moved away.
//
// One process at a time can open the file. It is locked, and so is a second
// file, named like it with ".lock" at its end, which stays. That one also says
// how long the file was, and keeps 64 KiB of the disk, so that log-outs can
// still be written when the disk is full. During a compaction there is a third
// file, with ".tmp".
package logstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/internal/records"
	"github.com/sesame-go/sesame/store"
)

// Errors of this package, to be found with [errors.Is].
var (
	// ErrLocked says that the file is open already, most likely in another
	// process. See [WithLockTimeout].
	ErrLocked = errors.New("another process has the file open")

	// ErrDamaged says that [WithStrictRecovery] was given and the file is
	// damaged, shorter than it was, or gone.
	ErrDamaged = errors.New("the file is damaged")

	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("logstore: the store is closed")

	// ErrBroken says that the file cannot be written to any more, because an
	// fsync failed or another file is in its place, and that writing all
	// sessions to a new one has failed as well. Sessions can still be loaded.
	// The next change tries again.
	ErrBroken = errors.New("logstore: nothing can be saved")
)

// A Store keeps sessions in a file. It implements [store.Store] and of the
// optional interfaces [store.Lister], [store.OwnerIndex], [store.Sweeper],
// [store.Counter], [store.Watcher] and [io.Closer]. All methods are safe for
// concurrent use.
//
// If the context of a call ends while its change is being written, the call returns
// an error that says that the outcome is unknown, and wraps the context's.
//
// A Store keeps the Data that Save is given, and hands out what it keeps.
//
// Make one with [Open].
type Store struct {
	config
	fs       filesystem
	path     string
	lock     lockFile
	recovery Recovery
	set      *records.Set // what readers see
	touched  []store.Key  // whose expiry the file does not have yet; guarded by set
	watchers records.Watchers

	mu      sync.Mutex
	queue   []*op
	closing bool

	closed atomic.Bool
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
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil, fmt.Errorf("logstore: %s is a directory; name a file in it", name)
	}
	return open(disk{}, name, newConfig(opts))
}

// Recovery returns what Open found in the file.
func (s *Store) Recovery() Recovery { return s.recovery }

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
	if err := s.readable(ctx); err != nil {
		return store.Record{}, err
	}
	return s.set.Load(k)
}

// Save implements [store.Store]. It returns when the session is in the file,
// and durable in the mode [Always] or if r.Durable is set. A new session, or
// one that grows, takes the place of others if there is no room, see
// [WithMaxSessions]. Save returns [store.ErrFull] only for a session that is
// larger than [WithMaxBytes] allows, and an error if r.Owner is longer than
// [store.MaxOwner] or r.Data than 64 MiB.
func (s *Store) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	switch {
	case len(r.Owner) > store.MaxOwner:
		return 0, fmt.Errorf("logstore: the owner has %d bytes, more than %d", len(r.Owner), store.MaxOwner)
	case len(r.Data) > maxDataSize:
		return 0, fmt.Errorf("logstore: the data has %d bytes, more than %d", len(r.Data), maxDataSize)
	case records.Cost(r.Owner, r.Data) > s.maxBytes:
		return 0, store.ErrFull
	}
	o := &op{kind: kindPut, key: k, record: r}
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
	s.set.Lock()
	defer s.set.Unlock()
	r := s.set.Live(k, records.Now())
	if r == nil || !s.set.Extend(r, records.Micros(expires)) || r.Touched {
		return nil
	}
	r.Touched = true
	s.touched = append(s.touched, k)
	s.signal()
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
	s.watchers.Close()
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
