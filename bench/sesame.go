package bench

import (
	"io"
	"net/http"

	"github.com/sesame-go/sesame"
)

// sesame has the struct itself, and its defaults: an hour without a request, a
// day in all. Renew moves the session to a new token.
func (s Sample[T]) sesame(opts ...sesame.Option) handlers {
	m := sesame.New[T](opts...)
	held := new(gate)
	act := func(op Op) func(*http.Request) {
		if i, yes := op.mark(); yes {
			return func(r *http.Request) {
				session := m.Get(r.Context())
				held.wait()
				s.Mark(session, i)
			}
		}
		switch op {
		case Read:
			return func(r *http.Request) { s.check(s.Read(m.Get(r.Context()))) }
		case Change:
			return func(r *http.Request) { s.Change(m.Get(r.Context())) }
		case Create:
			return func(r *http.Request) { *m.Get(r.Context()) = s.Value }
		case Renew:
			return func(r *http.Request) {
				m.Renew(r.Context())
				s.Change(m.Get(r.Context()))
			}
		default:
			return func(*http.Request) {}
		}
	}
	return func(op Op) http.Handler {
		do := act(op)
		return m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			do(r)
			answer := ok
			if op == opDump {
				session := m.Get(r.Context())
				marks := 0
				if s.Marks != nil {
					marks = s.Marks(session)
				}
				answer = dump(*session, marks)
			}
			_, _ = w.Write(answer)
		}))
	}
}

func openSesame(s Session, closers ioClosers, opts ...sesame.Option) (Site, error) {
	return httpSite{handlers: s.sesame(opts...), close: closers.Close}, nil
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
