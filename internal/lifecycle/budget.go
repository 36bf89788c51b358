package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sesame-go/sesame/store"
)

// limit returns a context for calls of the store that end with ctx, and within
// WithStoreTimeout. A store in memory never waits and needs neither.
func (e *Engine) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if e.inMemory {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, e.Timeout, errNoAnswer)
}

// detach is limit without the end of the request: a client that hangs up must
// not cancel a log-out, nor the save of what was done for it.
func (s *Session) detach() (context.Context, context.CancelFunc) {
	if s.engine.inMemory {
		return &s.request, func() {}
	}
	return context.WithTimeoutCause(&s.request, s.engine.Timeout, errNoAnswer)
}

// errNoAnswer distinguishes the end of the store's time from that of a caller's.
var errNoAnswer = errors.New("no answer within WithStoreTimeout")

// untied is a request's context that does not end with the request. It is used
// through a pointer, so that making one allocates nothing.
type untied struct{ context.Context }

func (*untied) Deadline() (end time.Time, ok bool) { return }
func (*untied) Done() <-chan struct{}              { return nil }
func (*untied) Err() error                         { return nil }

// maxAttempts bounds the retries of one save. In each round some request
// succeeds, so losing this often means overload.
const maxAttempts = 100

// pause waits a random time, longer after each attempt that lost, so that
// requests that collided do not collide again.
func pause(ctx context.Context, attempt int) error {
	if attempt == maxAttempts {
		return ErrConflict
	}
	if attempt > 1 {
		select {
		case <-time.After(rand.N(50 * time.Microsecond << min(attempt, 9))):
		case <-ctx.Done():
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return nil
}

// takeTurn lets requests that collided on one session commit one after the other, so
// that each needs few attempts. It saves work and is not needed for correctness:
// other processes do not take part, and a request that waits too long goes on.
func (e *Engine) takeTurn(ctx context.Context, k store.Key) (done func()) {
	turn := e.turns[k[0]%turns]
	waited := time.NewTimer(100 * time.Millisecond)
	defer waited.Stop()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }
	case <-waited.C:
	case <-ctx.Done():
	}
	return func() {}
}

// turns is the number of queues. Requests for two sessions that share one wait for
// each other needlessly.
const turns = 64
