package logstore

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// A writer is the part of the store that belongs to one goroutine. It takes all
// changes that wait, decides on them, writes them with one call, syncs them
// with another, and only then shows them to readers and answers.
type writer struct {
	file       file
	header     []byte // of the file
	format     format
	end        atomic.Int64 // of what the file holds for certain; the compactor reads it
	version    uint64       // the last one given out; never reused, so no ABA
	begun      bool         // the file has a start of this process
	unsynced   bool         // something was written since the last sync
	timer      *time.Timer  // for the next sync of an Interval; nil if none is due
	buf        []byte
	doubt      error // why the file must be written again, see rewrite.go
	retryAt    time.Time
	complaint  string // the last one in the log
	reserve    reserve
	compacting *compaction
	compacted  chan *compaction
	compactAt  int64 // not before the file has this size
	background sync.WaitGroup
}

// An op is a change that a caller waits for.
type op struct {
	kind   byte // kindPut, kindRemove, or kindRemoveOwned
	key    store.Key
	record store.Record // of a kindPut

	// Of a kindRemoveOwned, which removes some and says where to go on.
	owner   string
	kept    map[store.Key]bool
	after   uint64
	more    bool
	removed []store.Key
	live    int // how many of those were

	version uint64 // of the result
	ctx     context.Context
	state   atomic.Int32
	done    chan struct{}
	err     error
}

// kindRemoveOwned is an op that becomes a remove frame for each record.
const kindRemoveOwned = 100

const (
	waiting   = iota // in the queue
	taken            // by the writer
	withdrawn        // by the caller
)

// do hands o to the writer and waits for its answer. While o is in the queue
// the caller may withdraw it; from then on only the writer knows, and o is its.
func (s *Store) do(ctx context.Context, o *op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o.ctx, o.done = ctx, make(chan struct{})
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return ErrClosed
	}
	s.queue = append(s.queue, o)
	s.mu.Unlock()
	s.signal()

	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
	}
	if o.state.CompareAndSwap(waiting, withdrawn) {
		return ctx.Err()
	}
	select {
	case <-o.done:
		return o.err
	default:
		return fmt.Errorf("logstore: the disk has not answered in time, so the outcome is not known: %w", ctx.Err())
	}
}

func (o *op) answer(err error) {
	o.err = err
	if o.done != nil { // a removal to make room has no caller
		close(o.done)
	}
}

// signal wakes the writer.
func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run is the writer.
func (s *Store) run() {
	defer close(s.done)
	var deferred []*op
	for {
		s.startCompaction()
		if len(deferred) > 0 {
			s.signal() // do not wait
		}
		var due <-chan time.Time
		if s.timer != nil {
			due = s.timer.C
		}
		select {
		case <-s.wake:
		case <-due:
			_ = s.append(nil, true) // it has been logged, and the next change will tell
		case c := <-s.compacted:
			s.finishCompaction(c)
		}
		s.gather()
		s.mu.Lock()
		ops := slices.Concat(deferred, s.queue)
		clear(s.queue)
		s.queue = s.queue[:0]
		closing := s.closing
		s.mu.Unlock()

		deferred = s.write(ops)
		if closing && len(deferred) == 0 {
			s.err = s.shutdown()
			return
		}
	}
}

// gather waits, as long as the queue grows, for callers that have just been answered
// to make their next change: a sync costs as much for many changes as for one. With
// 64 goroutines that save all the time it makes batches half as long again.
func (s *Store) gather() {
	last := 0
	for range 3 { // on a busy machine each may take a while
		s.mu.Lock()
		n := len(s.queue)
		s.mu.Unlock()
		if n == last {
			return
		}
		last = n
		runtime.Gosched()
	}
}

// write does ops and returns those that have to wait for the next batch. If
// the batch cannot be written, the removals in it are tried alone, with what
// the reserve gives: log-outs must work on a full disk.
func (s *Store) write(ops []*op) (deferred []*op) {
	b := s.stage(ops)
	b.saves.buf = append(b.saves.buf, b.removals.buf...)
	err := s.append(b.saves.buf, b.durable || s.config.sync == Always && len(b.saves.ops) > 0)
	s.apply(b, &b.saves, err)
	if err != nil && len(b.removals.ops) > 0 && s.doubt == nil {
		s.reserve.spend()
		err = s.append(b.removals.buf, true)
	} else if err == nil {
		s.reserve.save()
	}
	s.apply(b, &b.removals, err)
	if s.buf = b.saves.buf[:0]; cap(s.buf) > maxKeptBuffer {
		s.buf = nil
	}
	return b.deferred
}

// maxKeptBuffer is up to which size the memory of a batch is used again.
const maxKeptBuffer = 1 << 20

// append adds frames to the file, or to a new one if that is in doubt, and
// syncs it if they are to be durable.
func (s *Store) append(frames []byte, durable bool) error {
	if s.doubt == nil {
		if err := s.extend(frames, durable); s.doubt == nil {
			return err
		}
	}
	return s.rewrite(frames)
}

// extend adds frames to the file. After an error the file is as it was, or
// there is a doubt.
func (s *Store) extend(frames []byte, durable bool) error {
	end := s.end.Load()
	if len(frames) > 0 {
		if !s.begun {
			durable = true
			frames = append(s.format.append(nil, s.start()), frames...)
		}
		if n, err := s.file.Write(frames); err != nil {
			if n > 0 {
				if undo := s.file.Truncate(end); undo != nil {
					s.doubt = fmt.Errorf("%w, and then: %w", err, undo)
				}
			}
			return fmt.Errorf("logstore: %w", err)
		}
		s.unsynced = true
		end += int64(len(frames))
	}
	if durable {
		s.sync()
	} else if s.unsynced && s.config.sync > 0 && s.timer == nil {
		s.timer = time.NewTimer(time.Duration(s.config.sync))
	}
	if s.doubt == nil {
		s.doubt = s.look(end)
	}
	if s.doubt == nil {
		s.begun = s.begun || len(frames) > 0
		s.end.Store(end)
	}
	return nil
}

// sync makes the file durable. It is not repeated after a failure, since the system
// may then report success for data that it has dropped.
func (s *Store) sync() {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if !s.unsynced {
		return
	}
	if s.doubt = s.file.sync(); s.doubt == nil {
		s.unsynced = false
	}
}

// start returns the frame that makes the versions of the next process follow
// on all that this one gives out. It is written, and made durable, with the
// first change: nothing that a process does before needs room on the disk.
func (s *Store) start() *frame { return &frame{kind: kindStart, version: s.version} }

func (s *Store) nextVersion() uint64 {
	s.version++
	return s.version
}

// shutdown ends the writer.
func (s *Store) shutdown() error {
	s.stopCompaction()
	s.retryAt = time.Time{}
	err := s.append(nil, true)
	s.background.Wait()
	if err == nil {
		s.writeNote()
	}
	if closeErr := s.file.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("logstore: %w", closeErr)
	}
	if lockErr := s.lock.Close(); err == nil && lockErr != nil {
		err = fmt.Errorf("logstore: %w", lockErr)
	}
	return err
}
