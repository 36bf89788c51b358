package inspect

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sesame-go/sesame/internal/lifecycle"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

// health knows whether the store answers: by the events of the program's
// requests, and by asking it while an operator looks.
type health struct {
	engine  *lifecycle.Engine
	counter store.Counter // nil if the engine of the store does not count

	mu       sync.Mutex
	state    state
	failed   time.Time     // the last time
	checking chan struct{} // closed when the check is over; nil if there was none yet
	checked  time.Time     // when the last one began
}

// state is what is known of the store.
type state struct {
	Up      bool
	Since   time.Time // of the last failure if it is up, else of the first
	Error   string    // why it is down
	Count   int       // of live sessions
	Counted time.Time // zero: never
	Counts  bool      // its engine does, so that it is asked without an operator's wish
}

const (
	// pause is the least time between two checks.
	pause = 5 * time.Second

	// patience is how long a page waits for the store before it says what is
	// known.
	patience = 500 * time.Millisecond

	// calm is how long there was no failure when a store is up again.
	calm = 10 * time.Second
)

func newHealth(e *lifecycle.Engine, now time.Time) *health {
	h := &health{engine: e, state: state{Up: true, Since: now}}
	h.counter, h.state.Counts = store.Capability[store.Counter](e.Store)
	return h
}

// event learns from an event whether the store answers.
func (h *health) event(e event) {
	if e.Kind == lifecycle.StoreError {
		h.learn(e.Error)
	} else if _, ok := operationOf[e.Kind]; ok {
		h.learn("")
	}
}

// learn notes a failure, or that there was none. A store that is half down, as
// when it is read but not written, does both in turn: it is up again once it has
// been calm for a while.
func (h *health) learn(failure string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	switch s := &h.state; {
	case failure == "" && !s.Up && now.Sub(h.failed) >= calm:
		s.Up, s.Since = true, h.failed
	case failure != "":
		if h.failed, s.Error = now, failure; s.Up {
			s.Up, s.Since = false, now
		}
	}
}

// look asks the store if it was not asked just now, waits a little, and returns
// what is known.
func (h *health) look() state {
	select {
	case <-h.check():
	case <-time.After(patience):
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state
}

func (h *health) check() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.checking != nil && time.Since(h.checked) < pause {
		return h.checking
	}
	if h.checking != nil {
		select {
		case <-h.checking:
		default:
			return h.checking // the store hangs; one question at a time
		}
	}
	done := make(chan struct{})
	h.checking, h.checked = done, time.Now()
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil { // of a store; here it would end the process
				h.learn(shorten(fmt.Sprintf("panic: %v", r), maxError))
			}
		}()
		h.ask()
	}()
	return done
}

// ask asks the store itself, not through the engine: that would log a line and
// tell an event every five seconds of an outage that an operator looks at.
func (h *health) ask() {
	ctx, cancel := context.WithTimeout(context.Background(), h.engine.Timeout)
	defer cancel()
	var err error
	if h.counter != nil {
		var n int
		if n, err = h.counter.Count(ctx); err == nil {
			h.counted(n)
			return
		}
		if errors.Is(err, errors.ErrUnsupported) {
			h.cannotCount()
		}
	}
	if h.counter == nil || errors.Is(err, errors.ErrUnsupported) {
		if p, ok := store.As[store.Pinger](h.engine.Store); ok {
			err = p.Ping(ctx)
		} else if _, err = h.engine.Store.Load(ctx, token.ID(token.New())); errors.Is(err, store.ErrNotFound) {
			err = nil
		}
	}
	if err != nil {
		h.learn(shorten(err.Error(), maxError))
		return
	}
	h.learn("")
}

func (h *health) counted(n int) {
	h.learn("")
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state.Count, h.state.Counted = n, time.Now()
}

// cannotCount is for a wrapper that has the method for a store that has not.
func (h *health) cannotCount() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state.Counts = false
}
