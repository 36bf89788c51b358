package lifecycle

import (
	"context"
	"errors"
)

// Handle is what a manager embeds, so that package adapter finds its engine, and
// only managers have one.
type Handle struct{ engine *Engine }

// NewHandle returns the handle of a manager with the given engine.
func NewHandle(e *Engine) Handle { return Handle{e} }

func (h Handle) handle() *Engine { return h.engine }

// Handler is a type that embeds a [Handle].
type Handler interface{ handle() *Engine }

// EngineOf returns the engine of a manager.
func EngineOf(m Handler) *Engine { return m.handle() }

// carrierKey is the key under which a context has the engine that uses a cookie
// or a header field.
type carrierKey string

// SessionIn returns the session that a handler's context has, nil if there is none.
func (e *Engine) SessionIn(ctx context.Context) *Session {
	if s, ok := ctx.Value(e).(*Session); ok {
		return s
	}
	s, _ := ctx.Value(e.name).(*Session) // a gin.Context knows strings only
	return s
}

// Name is another key under which a context may have a session.
func (e *Engine) Name() string { return e.name.(string) }

// Around returns the engine that has given a context sessions by the same cookie
// or header field, nil if there is none. It is e if a middleware is mounted twice.
// Two others would log each other's visitors out.
func (e *Engine) Around(ctx context.Context) *Engine {
	around, _ := ctx.Value(e.carrierKey).(*Engine)
	return around
}

// Value returns what a handler's context has under a key because of s.
func (s *Session) Value(key any) any {
	switch key := key.(type) {
	case *Engine:
		if key == s.engine {
			return s
		}
	case carrierKey:
		if key == s.engine.carrierKey {
			return s.engine
		}
	case devicePath:
		if key == s.engine.devicePath {
			return s.engine
		}
	}
	return nil
}

// Failure is what a method panics with that has no error to return. It is an
// error so that a recovering middleware in between prints a sentence.
type Failure struct {
	error
	session *Session
}

// Unwrap returns why the session could not be loaded.
func (f *Failure) Unwrap() error { return f.error }

// Must panics with err unless it is nil, and remembers it: the request has
// failed even if something in between recovers.
func (s *Session) Must(err error) {
	if err != nil {
		f := &Failure{err, s}
		s.failure.Store(f)
		panic(f)
	}
}

// Failed returns what Must has panicked with, nil if it has not.
func (s *Session) Failed() error {
	if f := s.failure.Load(); f != nil {
		return f
	}
	return nil
}

// Caused reports whether a panic is one of Must's, or passes its error on.
func (s *Session) Caused(p any) bool {
	err, _ := p.(error)
	f, ok := errors.AsType[*Failure](err)
	return ok && f.session == s
}
