package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sesame-go/sesame/store"
)

// Kind is what an [Event] tells.
type Kind string

// The kinds of events. The root package documents them.
const (
	Created      Kind = "created"
	Loaded       Kind = "loaded"
	Saved        Kind = "saved"
	Touched      Kind = "touched"
	Renewed      Kind = "renewed"
	Destroyed    Kind = "destroyed"
	Expired      Kind = "expired"
	Gone         Kind = "gone"
	Conflict     Kind = "conflict"
	Corrupt      Kind = "corrupt"
	UnknownToken Kind = "unknown token"
	Ambiguous    Kind = "ambiguous cookies"
	Late         Kind = "late"
	StoreError   Kind = "store error"
)

// Event is one thing that happened to a session.
type Event struct {
	Kind     Kind
	Key      store.Key // zero: of no session in particular
	Count    int       // of sessions, if not one
	Field    string
	Err      error
	Duration time.Duration
}

// ID returns the public ID of the event's session, "" if it has none.
func (ev Event) ID() string {
	if ev.Key == (store.Key{}) {
		return ""
	}
	return ev.Key.String()
}

// emit tells the observer, and the log what an operator must see. A session's
// ordinary life is not in the log.
func (e *Engine) emit(ctx context.Context, ev Event) {
	if e.Observe != nil {
		e.Observe(ctx, ev)
	}
	switch ev.Kind {
	case StoreError:
		e.Log(ctx, slog.LevelError, "sesame: session store failed", "session", ev.ID(), "err", ev.Err)
	case Late:
		e.Log(ctx, slog.LevelError, "sesame: session cookie too late for its response; call Save before the first byte", "session", ev.ID())
	case Corrupt:
		e.Log(ctx, slog.LevelWarn, "sesame: stored session is unreadable, treated as anonymous", "session", ev.ID(), "err", ev.Err)
	case Ambiguous:
		e.Log(ctx, slog.LevelWarn, "sesame: several live session cookies in one request, treated as anonymous")
	}
}

// began and since measure how long a store takes, for those who observe it:
// asking for the time is a good part of what a read costs otherwise.
func (e *Engine) began() (t time.Time) {
	if e.Observe != nil {
		t = time.Now()
	}
	return t
}

func (e *Engine) since(began time.Time) time.Duration {
	if began.IsZero() {
		return 0
	}
	return time.Since(began)
}

// Log logs to the configured logger.
func (e *Engine) Log(ctx context.Context, level slog.Level, msg string, args ...any) {
	logger := e.Logger
	if logger == nil {
		logger = slog.Default()
	}
	logger.Log(ctx, level, msg, args...)
}

// failed reports what the store answered to op, which began at a given time.
func (e *Engine) failed(ctx context.Context, op string, k store.Key, began time.Time, cause error) error {
	err := fmt.Errorf("%w: %s: %w", ErrStore, op, cause)
	if errors.Is(cause, context.Canceled) && ctx.Err() != nil {
		return err // the client hung up: nobody's failure
	}
	e.emit(ctx, Event{Kind: StoreError, Key: k, Err: err, Duration: e.since(began)})
	return err
}
