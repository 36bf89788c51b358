package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
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
	Revoked      Kind = "revoked"
	Expired      Kind = "expired"
	Swept        Kind = "swept"
	Gone         Kind = "gone"
	Superseded   Kind = "superseded"
	Conflict     Kind = "conflict"
	Corrupt      Kind = "corrupt"
	UnknownToken Kind = "unknown_token"
	Ambiguous    Kind = "ambiguous"
	Newer        Kind = "newer"
	Dropped      Kind = "dropped"
	Late         Kind = "late"
	Cacheable    Kind = "cacheable"
	Bound        Kind = "bound"
	Stale        Kind = "stale"
	StoreError   Kind = "store_error"
)

// Event is one thing that happened to a session.
type Event struct {
	Kind     Kind
	Key      store.Key // zero: of no session in particular
	Owner    string
	Count    int // of sessions, if not one
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

// emit reports the event to the observer and, if an operator should see it, to the
// log. Ordinary events are not logged.
func (e *Engine) emit(ctx context.Context, ev Event) {
	e.tell(ev)
	if e.Observe != nil {
		e.observe(ctx, ev)
	}
	switch ev.Kind {
	case StoreError:
		e.Log(ctx, slog.LevelError, "sesame: session store failed", "session", ev.ID(), "err", ev.Err)
	case Late:
		e.Log(ctx, slog.LevelError, "sesame: too late to store the session: call Get, Renew and Save before the response begins and the client hangs up", "session", ev.ID(), "err", ev.Err)
	case Cacheable:
		e.Log(ctx, slog.LevelWarn, "sesame: the session was read after a response had begun that a cache may serve to others: read it before, or send Cache-Control: private", "session", ev.ID())
	case Corrupt:
		e.Log(ctx, slog.LevelWarn, "sesame: stored session is unreadable, treated as anonymous", "session", ev.ID(), "err", ev.Err)
	case Newer:
		e.Log(ctx, slog.LevelWarn, "sesame: stored session is from a newer program, treated as anonymous and left alone", "session", ev.ID(), "err", ev.Err)
	case Ambiguous:
		e.Log(ctx, slog.LevelWarn, "sesame: several live sessions in one request, treated as anonymous")
	}
}

// observe calls the observer. It may run on a goroutine of sesame's own, where
// a panic would end the process.
func (e *Engine) observe(ctx context.Context, ev Event) {
	defer e.recovered(ctx, "the observer")
	e.Observe(outside{ctx, e}, ev)
}

// outside is a request's context for observers and loggers, without the session. The
// session is locked while they run, so that a method that used it would deadlock.
type outside struct {
	context.Context
	engine *Engine
}

// Value hides what is found by the engine.
func (o outside) Value(key any) any {
	if key == any(o.engine) || key == o.engine.name {
		return nil
	}
	return o.Context.Value(key)
}

// recovered is deferred. It logs a panic.
func (e *Engine) recovered(ctx context.Context, where string) {
	if r := recover(); r != nil {
		e.Log(ctx, slog.LevelError, "sesame: panic in "+where, "panic", r, "stack", string(debug.Stack()))
	}
}

// began and since measure how long a store takes, if there is an observer:
// asking for the time is a good part of what a read costs.
func (e *Engine) began() (t time.Time) {
	if e.Observe != nil || e.watchers.Load() != nil {
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
	logger.Log(outside{ctx, e}, level, msg, args...)
}

// failed reports the store's error for op, which began at the given time. The end of
// the caller's own context is not reported as a failure of the store.
func (e *Engine) failed(ctx context.Context, op string, k store.Key, began time.Time, cause error) error {
	if ended := ctx.Err(); ended != nil && errors.Is(cause, ended) {
		if !errors.Is(context.Cause(ctx), errNoAnswer) {
			return fmt.Errorf("%w: %s: %w", ErrStore, op, cause)
		}
		cause = fmt.Errorf("%w: %w", errNoAnswer, cause)
	}
	err := fmt.Errorf("%w: %s: %w", ErrStore, op, cause)
	e.emit(ctx, Event{Kind: StoreError, Key: k, Err: err, Duration: e.since(began)})
	return err
}
