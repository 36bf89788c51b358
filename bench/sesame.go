package bench

import (
	"context"
	"io"
	"net/http"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/adapter"
)

// app is a program that keeps the struct with sesame, before it is mounted in a
// framework.
type app struct {
	sessions manager
	page     func(Op) func(context.Context) []byte // what a handler answers
}

type manager interface {
	adapter.Manager
	Handler(next http.Handler) http.Handler
}

// sesame stores the struct itself, with the default limits: an hour without a
// request, a day in all. Renew gives the session a new token.
func (s Sample[T]) sesame(opts ...sesame.Option) app {
	m := sesame.New[T](opts...)
	held := new(gate)
	act := func(op Op) func(context.Context) {
		if i, yes := op.mark(); yes {
			return func(ctx context.Context) {
				session := m.Get(ctx)
				held.wait()
				s.Mark(session, i)
			}
		}
		switch op {
		case Read:
			return func(ctx context.Context) { s.check(s.Read(m.Get(ctx))) }
		case Change:
			return func(ctx context.Context) { s.Change(m.Get(ctx)) }
		case Create:
			return func(ctx context.Context) { *m.Get(ctx) = s.Value }
		case Renew:
			return func(ctx context.Context) {
				m.Renew(ctx)
				s.Change(m.Get(ctx))
			}
		default:
			return func(context.Context) {}
		}
	}
	return app{m, func(op Op) func(context.Context) []byte {
		do := act(op)
		return func(ctx context.Context) []byte {
			do(ctx)
			if op != opDump {
				return ok
			}
			session := m.Get(ctx)
			marks := 0
			if s.Marks != nil {
				marks = s.Marks(session)
			}
			return dump(*session, marks)
		}
	}}
}

// handlers mounts the program in net/http itself.
func (a app) handlers(op Op) http.Handler {
	page := a.page(op)
	return a.sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(page(r.Context()))
	}))
}

func openSesame(s Session, closers ioClosers, opts ...sesame.Option) (Site, error) {
	return httpSite{handlers: s.sesame(opts...).handlers, close: closers.Close}, nil
}

// ioClosers are closed one after the other.
type ioClosers []io.Closer

func (c ioClosers) Close() error {
	var failed error
	for _, closer := range c {
		if err := closer.Close(); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}
