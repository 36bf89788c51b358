package storetest

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
)

// An engine is a small server in memory, which clients share.
type engine struct {
	mu       sync.Mutex
	down     bool
	restarts int
	version  uint64
	records  map[store.Key]store.Record
	past     map[store.Key]store.Record // each record as it was first saved
	lost     map[store.Key]bool         // keys that the index has lost
	watches  []*watch
}

// A watch is a client's call of Watch.
type watch struct {
	ended func(store.Key)
	done  chan struct{}
}

func newEngine() *engine {
	return &engine{
		records: make(map[store.Key]store.Record),
		past:    make(map[store.Key]store.Record),
		lost:    make(map[store.Key]bool),
	}
}

var errDown = errors.New("the engine is down")

// restart is an outage; change may cause a fault in the engine.
func (e *engine) restart(change func(e *engine)) {
	e.mu.Lock()
	e.down = true
	for _, w := range e.watches {
		close(w.done)
	}
	e.watches = nil
	e.mu.Unlock()
	time.Sleep(20 * time.Millisecond)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down = false
	e.restarts++
	if change != nil {
		change(e)
	}
}

func (e *engine) tell(k store.Key) {
	for _, w := range e.watches {
		w.ended(k)
	}
}

// A client is a correct store on an engine, with all optional interfaces and its own
// clock.
type client struct {
	*engine
	by       time.Duration // how far the clock is ahead
	relative bool          // the engine gets times to live and measures them
	grace    time.Duration // how long Sweep leaves an expired record
	counter  *uint64       // the last version; nil for the engine's
	calls    int
}

// newClient returns a client on a new engine.
func newClient() *client { return &client{engine: newEngine()} }

func (c *client) now() time.Time { return time.Now().Add(c.by) }

// call makes an operation atomic.
func (c *client) call(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.down {
		return errDown
	}
	return f()
}

// live returns the live record under k, or one with version 0.
func (c *client) live(k store.Key) store.Record {
	r := c.stored(k)
	if !r.Expires.After(c.now()) {
		return store.Record{}
	}
	return r
}

func (c *client) stored(k store.Key) store.Record {
	r := c.records[k]
	if c.relative {
		r.Expires = r.Expires.Add(c.by)
	}
	return r
}

func (c *client) put(k store.Key, r store.Record) {
	if c.relative {
		r.Expires = r.Expires.Add(-c.by)
	}
	r.Durable = false
	c.records[k] = r
	if _, ok := c.past[k]; !ok {
		c.past[k] = r
	}
}

func (c *client) Load(ctx context.Context, k store.Key) (r store.Record, err error) {
	err = c.call(ctx, func() error {
		if r = c.live(k); r.Version == 0 {
			return store.ErrNotFound
		}
		return nil
	})
	return r, err
}

func (c *client) Save(ctx context.Context, k store.Key, r store.Record) (version uint64, err error) {
	err = c.call(ctx, func() error {
		if len(r.Owner) > store.MaxOwner {
			return errors.New("the owner is too long")
		}
		if c.live(k).Version != r.Version {
			return store.ErrConflict
		}
		n := c.counter
		if n == nil {
			n = &c.version
		}
		*n++
		version = *n
		r.Version = version
		c.put(k, r)
		if r.Durable {
			c.tell(k)
		}
		return nil
	})
	return version, err
}

func (c *client) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	return c.call(ctx, func() error {
		if r := c.live(k); r.Version != 0 && expires.After(r.Expires) {
			r.Expires = expires
			c.put(k, r)
		}
		return nil
	})
}

func (c *client) Delete(ctx context.Context, k store.Key) error {
	return c.call(ctx, func() error {
		c.remove(k)
		return nil
	})
}

func (c *client) remove(k store.Key) {
	if _, ok := c.records[k]; ok {
		delete(c.records, k)
		c.tell(k)
	}
}

func (c *client) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		var entries []store.Entry
		err := c.call(ctx, func() error {
			for k := range c.records {
				if r := c.live(k); r.Version != 0 {
					entries = append(entries, store.Entry{Key: k, Record: r})
				}
			}
			return nil
		})
		for _, e := range entries {
			if err = ctx.Err(); err != nil {
				break
			}
			if !yield(e, nil) {
				return
			}
		}
		if err != nil {
			yield(store.Entry{}, err)
		}
	}
}

func (c *client) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		for e, err := range c.All(ctx) {
			if (err != nil || owner != "" && e.Owner == owner && !c.lost[e.Key]) && !yield(e, err) {
				return
			}
		}
	}
}

func (c *client) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (n int, err error) {
	err = c.call(ctx, func() error {
		for k, r := range c.records {
			if owner == "" || r.Owner != owner || slices.Contains(keep, k) {
				continue
			}
			if c.live(k).Version != 0 {
				n++
			}
			c.remove(k)
		}
		return nil
	})
	return n, err
}

func (c *client) Sweep(ctx context.Context, limit int) (n int, err error) {
	err = c.call(ctx, func() error {
		for k := range c.records {
			if n < limit && !c.stored(k).Expires.After(c.now().Add(-c.grace)) {
				delete(c.records, k)
				n++
			}
		}
		return nil
	})
	return n, err
}

func (c *client) Count(ctx context.Context) (n int, err error) {
	err = c.call(ctx, func() error {
		for k := range c.records {
			if c.live(k).Version != 0 {
				n++
			}
		}
		return nil
	})
	return n, err
}

func (c *client) Watch(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	w := &watch{ended: ended, done: make(chan struct{})}
	err := c.call(ctx, func() error {
		c.watches = append(c.watches, w)
		return nil
	})
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if i := slices.Index(c.watches, w); i >= 0 {
			c.watches = slices.Delete(c.watches, i, i+1)
			close(w.done)
		}
	})
	return w.done, nil
}
