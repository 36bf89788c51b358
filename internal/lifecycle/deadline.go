package lifecycle

import (
	"context"
	"sync"
	"time"
)

// detach returns a context for a commit: a client that hangs up must not
// cancel a log-out, and a store that hangs must not hold the request for ever.
func (e *Engine) detach(ctx context.Context) (context.Context, context.CancelFunc) {
	c := &storeContext{request: ctx, detached: true, timeout: e.Timeout}
	return c, c.end
}

// limit returns a context for a load, which is worth nothing to a client that
// has hung up. It uses room unless that is in use already.
func (e *Engine) limit(ctx context.Context, room *storeContext) *storeContext {
	if room.request != nil {
		room = new(storeContext)
	}
	room.request, room.timeout = ctx, e.Timeout
	return room
}

// storeContext is a context.WithTimeout that makes its timer when somebody
// first waits for it, and its time runs from then. A store in memory never
// waits, and the timer would cost it more than the session does.
type storeContext struct {
	request context.Context
	timeout time.Duration

	mu       sync.Mutex
	detached bool // from the request's end
	asked    bool
	ended    bool
	limited  context.Context // once somebody waits
	cancel   context.CancelFunc
}

// start makes the timer, with c.mu held.
func (c *storeContext) start() context.Context {
	if c.limited == nil {
		parent := c.request
		if c.detached {
			parent = context.WithoutCancel(parent)
		}
		c.limited, c.cancel = context.WithTimeout(parent, c.timeout)
		if c.ended {
			c.cancel()
		}
	}
	return c.limited
}

func (c *storeContext) wait() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start()
}

func (c *storeContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.cancel != nil {
		c.cancel()
	}
}

func (c *storeContext) Deadline() (time.Time, bool) { return c.wait().Deadline() }
func (c *storeContext) Done() <-chan struct{}       { return c.wait().Done() }

// Err takes whoever asks a second time for one who waits.
func (c *storeContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.asked && !c.ended && c.limited == nil {
		c.asked = true
		if c.detached {
			return nil
		}
		return c.request.Err()
	}
	return c.start().Err()
}

// Value lets a context made from this one find the timer's, so that it needs no
// goroutine to learn of its end. What it must not find is what ends the
// request, if this context is detached from that.
func (c *storeContext) Value(key any) any {
	c.mu.Lock()
	limited := c.limited
	c.mu.Unlock()
	switch {
	case limited != nil:
		return limited.Value(key)
	case c.detached:
		return context.WithoutCancel(c.request).Value(key)
	default:
		return c.request.Value(key)
	}
}
