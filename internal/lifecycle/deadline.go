package lifecycle

import (
	"context"
	"sync"
	"time"
)

// detach returns a context for a commit: a client that hangs up must not
// cancel a log-out, and a store that hangs must not hold the request for ever.
func (e *Engine) detach(ctx context.Context) (context.Context, context.CancelFunc) {
	c := &commitContext{values: ctx, timeout: e.Timeout}
	return c, c.end
}

// commitContext is a context.WithTimeout that makes its timer when somebody
// first waits for it, and its time runs from then. A store in memory never
// waits, and the timer would cost it more than the session does.
type commitContext struct {
	values  context.Context
	timeout time.Duration

	mu     sync.Mutex
	asked  bool
	ended  bool
	limit  context.Context // once somebody waits
	cancel context.CancelFunc
}

func (c *commitContext) limited() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start()
}

func (c *commitContext) start() context.Context {
	if c.limit == nil {
		c.limit, c.cancel = context.WithTimeout(context.WithoutCancel(c.values), c.timeout)
		if c.ended {
			c.cancel()
		}
	}
	return c.limit
}

func (c *commitContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.cancel != nil {
		c.cancel()
	}
}

func (c *commitContext) Deadline() (time.Time, bool) { return c.limited().Deadline() }
func (c *commitContext) Done() <-chan struct{}       { return c.limited().Done() }

// Err takes whoever asks a second time for one who waits.
func (c *commitContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.asked && !c.ended && c.limit == nil {
		c.asked = true
		return nil
	}
	return c.start().Err()
}

// Value lets a context made from this one find the timer's, so that it needs no
// goroutine to learn of its end.
func (c *commitContext) Value(key any) any {
	c.mu.Lock()
	limit := c.limit
	c.mu.Unlock()
	if limit != nil {
		return limit.Value(key)
	}
	return context.WithoutCancel(c.values).Value(key)
}
