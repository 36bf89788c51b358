package redistest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// A clerk is the only one who writes one session, again and again, and knows
// what may be in it: the last value that the store has acknowledged, or one of
// those whose answer was lost since.
type clerk struct {
	s       store.Store
	k       store.Key
	dead    store.Key // of a session that was deleted
	acked   int
	version uint64
	lost    map[int]bool // values whose answer was lost, and may be stored yet
	unsure  bool         // what is stored has to be looked up

	done   atomic.Int64 // calls that were answered
	failed atomic.Int64 // calls that met an outage
	mu     sync.Mutex
	last   error // of those
}

// work makes one call. It returns an error if the answer is wrong; that there
// was none is counted.
func (c *clerk) work(ctx context.Context, next int) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if next%5 == 0 {
		if _, err := c.s.Load(ctx, c.dead); !errors.Is(err, store.ErrNotFound) && !c.outage(err) {
			return fmt.Errorf("what was deleted is there: %w", err)
		}
	}
	if c.unsure || next%3 == 0 {
		return c.look(ctx)
	}
	r := owned("clerk", strconv.Itoa(next))
	r.Version = c.version
	v, err := c.s.Save(ctx, c.k, r)
	switch {
	case err == nil:
		c.acked, c.version = next, v
		clear(c.lost)
		c.done.Add(1)
	case errors.Is(err, store.ErrConflict) && len(c.lost) == 0:
		return fmt.Errorf("a conflict without a rival, after %d: %w", c.acked, err)
	case errors.Is(err, store.ErrConflict):
		c.unsure = true
	case c.outage(err):
		c.lost[next], c.unsure = true, true
	default:
		return fmt.Errorf("save: %w", err)
	}
	return nil
}

func (c *clerk) look(ctx context.Context) error {
	r, err := c.s.Load(ctx, c.k)
	if err != nil {
		if c.outage(err) {
			return nil
		}
		return fmt.Errorf("load, after %d was acknowledged: %w", c.acked, err)
	}
	got, err := strconv.Atoi(string(r.Data))
	if err != nil || got != c.acked && !c.lost[got] || r.Owner != "clerk" {
		return fmt.Errorf("loaded %q of %q, want %d or one of %v", r.Data, r.Owner, c.acked, c.lost)
	}
	c.acked, c.version, c.unsure = got, r.Version, false
	c.done.Add(1)
	return nil
}

// outage reports whether err says that there was no answer, and counts it.
func (c *clerk) outage(err error) bool {
	for _, answer := range []error{nil, store.ErrNotFound, store.ErrConflict, store.ErrCorrupt, store.ErrFull} {
		if errors.Is(err, answer) {
			return false
		}
	}
	c.failed.Add(1)
	c.mu.Lock()
	c.last = err
	c.mu.Unlock()
	return true
}

func (c *clerk) lastFailure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// An office is clerks at work.
type office struct {
	t      testing.TB
	clerks []*clerk
	stop   func()
}

// newOffice puts n clerks to work on the given stores, in turn. Its stop, which
// is also called when the test is over, fails the test if a clerk was given a
// wrong answer.
func newOffice(t testing.TB, n int, stores ...store.Store) *office {
	o := &office{t: t}
	for i := range n {
		s := stores[i%len(stores)]
		c := &clerk{s: s, k: newKey(), dead: create(t, s, owned("clerk", "dead")), lost: make(map[int]bool)}
		require.NoError(t, s.Delete(t.Context(), c.dead))
		var err error
		c.version, err = s.Save(t.Context(), c.k, owned("clerk", "0"))
		require.NoError(t, err)
		o.clerks = append(o.clerks, c)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	for _, c := range o.clerks {
		running.Go(func() {
			for next := 1; ctx.Err() == nil; next++ {
				if err := c.work(context.WithoutCancel(ctx), next); err != nil {
					t.Errorf("session %v: %v", c.k, err)
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	o.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(o.stop)
	return o
}

// progress waits until each of the clerks has been answered some more times.
func (o *office) progress(clerks []*clerk, within time.Duration) {
	o.t.Helper()
	deadline := time.Now().Add(within)
	for _, c := range clerks {
		for want := c.done.Load() + 3; c.done.Load() < want; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				o.stop()
				o.t.Fatalf("a session cannot be worked on within %v; %v", within, c.lastFailure())
			}
		}
	}
}

// noticed waits until one of the clerks has met an outage: a call may wait for
// as long as its context lets it.
func (o *office) noticed(clerks []*clerk) {
	o.t.Helper()
	require.Eventually(o.t, func() bool {
		n, _ := failures(clerks)
		return n > 0
	}, 30*time.Second, 5*time.Millisecond, "no clerk notices")
}

// failures returns how many calls of the clerks met an outage.
func failures(clerks []*clerk) (n int64, last error) {
	for _, c := range clerks {
		n += c.failed.Load()
		if err := c.lastFailure(); err != nil {
			last = err
		}
	}
	return n, last
}

// flawless fails the test if any of the clerks has met an outage.
func (o *office) flawless(clerks []*clerk) {
	o.t.Helper()
	n, last := failures(clerks)
	require.Zero(o.t, n, "%v", last)
}
