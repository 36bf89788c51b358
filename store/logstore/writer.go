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
	format     format
	end        atomic.Int64 // of what the file holds for certain; the compactor reads it
	version    uint64       // the last one given out; never reused, so no ABA
	unsynced   bool         // something was written since the last sync
	timer      *time.Timer  // for the next sync of an Interval; nil if none is due
	buf        []byte
	compacting *compaction
	compacted  chan *compaction
	compactAt  int64 // not before the file has this size
	background sync.WaitGroup
}

// An op is a change that a caller waits for.
type op struct {
	kind      byte // kindPut, kindRemove, kindRotate, or kindRemoveOwned
	key, from store.Key
	expected  uint64
	expires   int64
	owner     string
	data      string
	keep      []store.Key

	version uint64      // of the result
	removed []store.Key // by kindRemoveOwned
	count   int         // how many of them were live

	ctx   context.Context
	state atomic.Int32
	done  chan struct{}
	err   error
}

// kindRemoveOwned is an op that becomes a remove frame for each record.
const kindRemoveOwned = 100

const (
	waiting   = iota // in the queue
	taken            // by the writer
	withdrawn        // by the caller
)

// do hands o to the writer and waits for its answer. While o is in the queue
// the caller may withdraw it; from then on only the writer knows.
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
	case <-ctx.Done():
		if o.state.CompareAndSwap(waiting, withdrawn) {
			return ctx.Err()
		}
		<-o.done
	}
	return o.err
}

func (o *op) answer(err error) {
	o.err = err
	if o.done != nil { // else nobody waits
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
			_ = s.sync() // it has been logged, and the next change will fail
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

// gather lets those who have just been answered come back with their next
// change, while the queue grows by it: a sync costs as much for many changes as
// for one. With 64 goroutines that save all the time batches are half as long
// again for it.
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

// write does ops and returns those that have to wait for the next batch.
func (s *Store) write(ops []*op) (deferred []*op) {
	if err := s.broken.Load(); err != nil {
		for _, o := range ops {
			if o.state.CompareAndSwap(waiting, taken) {
				o.answer(*err)
			}
		}
		return nil
	}
	b := s.stage(ops)
	err := s.append(b)
	s.apply(b, err)
	return b.deferred
}

// append writes the frames of b and, if there is need, syncs them.
func (s *Store) append(b *batch) error {
	if len(b.buf) == 0 {
		if b.durable && s.config.sync != Always {
			return s.sync()
		}
		return nil
	}
	end := s.end.Load()
	if _, err := s.file.WriteAt(b.buf, end); err != nil {
		err = fmt.Errorf("logstore: %w", err)
		if undo := s.file.Truncate(end); undo != nil {
			_ = s.fail(fmt.Errorf("%w, and then: %w", err, undo))
		}
		return err
	}
	s.unsynced = true
	if b.durable || s.config.sync == Always && len(b.ops) > 0 {
		if err := s.sync(); err != nil {
			return err
		}
	} else if s.config.sync > 0 && s.timer == nil {
		s.timer = time.NewTimer(time.Duration(s.config.sync))
	}
	s.end.Add(int64(len(b.buf)))
	return nil
}

// sync makes the file durable. After a failure the system may believe that it
// has written what it has not, so trying again would prove nothing.
func (s *Store) sync() error {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if err := s.broken.Load(); err != nil {
		return *err
	}
	if !s.unsynced {
		return nil
	}
	if err := s.file.sync(); err != nil {
		return s.fail(err)
	}
	s.unsynced = false
	return nil
}

// fail makes the store refuse all further changes.
func (s *Store) fail(cause error) error {
	err := fmt.Errorf("%w: %w", ErrBroken, cause)
	if s.broken.CompareAndSwap(nil, &err) {
		s.log.Error("logstore: nothing more can be saved", "file", s.path, "error", cause)
	}
	return *s.broken.Load()
}

// shutdown ends the work of the writer.
func (s *Store) shutdown() error {
	s.stopCompaction()
	s.background.Wait()
	err := s.sync()
	if closeErr := s.file.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("logstore: %w", closeErr)
	}
	if lockErr := s.lock.Close(); err == nil && lockErr != nil {
		err = fmt.Errorf("logstore: %w", lockErr)
	}
	return err
}
