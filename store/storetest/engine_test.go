package storetest

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
)

// An engine is a server in miniature, which clients share.
type engine struct {
	mu       sync.Mutex
	down     bool
	restarts int
	version  uint64
	records  map[store.Key]store.Record
	past     map[store.Key]store.Record // each record as it was first saved
	lost     map[store.Key]bool         // what the index has lost
}

var errDown = errors.New("the engine is down")

// restart is an outage; change may do to the engine what must not happen.
func (e *engine) restart(change func(e *engine)) {
	e.mu.Lock()
	e.down = true
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

// A client is a store on an engine, and the reference for what several of them
// must do. It has a clock of its own.
type client struct {
	*engine
	by       time.Duration // how far the clock is ahead
	relative bool          // the engine is told times to live and measures them
	counter  *uint64       // the last version; nil for the engine's
	calls    int
}

func (c *client) now() time.Time { return time.Now().Add(c.by) }

// call makes an operation one step.
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
	r := c.records[k]
	if c.relative {
		r.Expires = r.Expires.Add(c.by)
	}
	if !r.Expires.After(c.now()) {
		return store.Record{}
	}
	r.Data = bytes.Clone(r.Data)
	return r
}

func (c *client) put(k store.Key, r store.Record) {
	if c.relative {
		r.Expires = r.Expires.Add(-c.by)
	}
	r.Data = bytes.Clone(r.Data)
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

func (c *client) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	return c.move(ctx, k, k, r)
}

func (c *client) Rotate(ctx context.Context, from, to store.Key, r store.Record) (uint64, error) {
	if r.Version == 0 || from == to {
		return 0, store.ErrConflict
	}
	return c.move(ctx, from, to, r)
}

func (c *client) move(ctx context.Context, from, to store.Key, r store.Record) (uint64, error) {
	err := c.call(ctx, func() error {
		if len(r.Owner) > store.MaxOwner {
			return errors.New("the owner is too long")
		}
		if c.live(from).Version != r.Version || from != to && c.live(to).Version != 0 {
			return store.ErrConflict
		}
		n := c.counter
		if n == nil {
			n = &c.version
		}
		*n++
		r.Version = *n
		delete(c.records, from)
		c.put(to, r)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return r.Version, nil
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
		delete(c.records, k)
		return nil
	})
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
			if !yield(e, nil) {
				return
			}
		}
		if err != nil {
			yield(store.Entry{}, err)
		}
	}
}

func (c *client) Owned(ctx context.Context, owner string) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		for e, err := range c.All(ctx) {
			if (err != nil || owner != "" && e.Owner == owner && !c.lost[e.Key]) && !yield(e.Key, err) {
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
			delete(c.records, k)
		}
		return nil
	})
	return n, err
}

func (c *client) Sweep(ctx context.Context, limit int) (n int, err error) {
	err = c.call(ctx, func() error {
		for k := range c.records {
			if n < limit && c.live(k).Version == 0 {
				delete(c.records, k)
				n++
			}
		}
		return nil
	})
	return n, err
}
