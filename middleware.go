package sesame

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"

	"github.com/sesame-go/sesame/adapter"
	"github.com/sesame-go/sesame/internal/lifecycle"
)

// manager is the part of a Manager that does not depend on T.
type manager struct {
	lifecycle.Handle
	engine  *lifecycle.Engine
	device  *device // nil: sessions are not bound to devices
	onError func(http.ResponseWriter, *http.Request, error)
}

func answerError(w http.ResponseWriter, _ *http.Request, err error) {
	status := adapter.Status(err)
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}

func (m *manager) handler(next http.Handler) http.Handler {
	if next == nil {
		panic("sesame: Handler(nil): give it the handler that uses the sessions")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if adapter.Within(r.Context(), m) {
			next.ServeHTTP(w, r)
			return
		}
		if m.device.serves(r) {
			m.device.serve(w, r)
			return
		}
		x, writer := newExchange(w)
		x.init(m, w, r)
		x.serve(next, writer)
	})
}

// exchange is a request's session and its response writer in one allocation.
type exchange struct {
	session adapter.Exchange // also the request's context
	manager *manager
	w       http.ResponseWriter
	r       *http.Request
	outer   http.Header // what was set before Handler, nil if nothing

	held        *page
	failed      error       // why the session could not be saved or loaded; the error handler has answered
	answered    http.Header // the header that the error handler left
	errorPanic  any         // what the error handler panicked with
	status      int16       // that the handler has written
	second      int16       // the highest status of a superfluous WriteHeader
	superfluous uint8       // how many of those there were
	implicit    bool        // the status is that of a Write
	begun       bool        // the response has begun
	returned    bool        // the handler has returned
	settled     bool        // and its session is
	panicked    bool        // the handler has panicked
	unsaved     bool        // a change after the response began could not be saved
	over        bool        // Handler is done
}

func (x *exchange) init(m *manager, w http.ResponseWriter, r *http.Request) {
	x.manager, x.w, x.r = m, w, r
	x.session.Open(r.Context(), m, (*request)(x))
	if h := w.Header(); len(h) > 0 {
		x.outer = maps.Clone(h)
	}
}

// request is the exchange as the session sees it.
type request exchange

func (r *request) Header(field string) []string { return r.r.Header[field] }

func (r *request) HTTP() *http.Request { return r.r }

// Format keeps the session out of logs that print the writer.
func (x *exchange) Format(f fmt.State, verb rune) { x.session.Format(f, verb) }

// find returns the session of a request by its context.
func (m *manager) find(ctx context.Context) *lifecycle.Session {
	if s := m.engine.SessionIn(ctx); s != nil {
		return s
	}
	panic("sesame: no session in this context: wrap the handler in the Handler of this very manager, sessions.Handler(next), and use the request's context, r.Context(); an observer and a logger have none")
}

func (x *exchange) serve(next http.Handler, w http.ResponseWriter) {
	r := x.r.WithContext(&x.session)
	defer x.end(r)
	defer x.recoverFailure()
	next.ServeHTTP(w, r)
	x.returned = true
	x.finish()
	x.settled = true
}

// recoverFailure answers for a Get that could not load. Other panics pass
// unchanged.
func (x *exchange) recoverFailure() {
	failure := x.session.Failure()
	if failure == nil && x.failed == nil {
		return
	}
	p := recover()
	err, _ := p.(error)
	ours := x.session.Caused(p)
	switch {
	case p == nil:
	case x.errorPanic != nil:
		panic(p)
	case x.failed != nil && (ours || errors.Is(err, x.failed)): // a framework panics with what Write returned
		x.resetHeader(x.answered)
	case !ours:
		panic(p)
	case !x.begun:
		x.answer(failure)
	default:
		panic(http.ErrAbortHandler) // half a page must not look like a whole one
	}
}

// finish settles what has changed since the response began, or begins it.
func (x *exchange) finish() {
	switch {
	case !x.begun && x.status == 0 && x.session.Failure() == nil:
		x.finishUnwritten()
	case !x.begun:
		_ = x.begin()
	case x.failed != nil:
		// What the handler has put there since would go out as trailers, or be
		// picked up by a writer around us that sends the header last.
		x.resetHeader(x.answered)
	case x.session.Failure() != nil:
		panic(http.ErrAbortHandler) // a middleware recovered; half a page must not look like a whole one
	default:
		x.unsaved = x.commit() != nil
	}
	if x.errorPanic != nil {
		panic(x.errorPanic) // a middleware recovered from it; the response must not look like a success
	}
}

// finishUnwritten settles the session of a handler that has not written
// anything, at least not to the writer that it was given.
func (x *exchange) finishUnwritten() {
	if around, ok := reach[interface{ Written() bool }](x.w); ok && around.Written() {
		x.begun = true
		x.session.Begin(http.Header{}, false)
		if err := x.session.Commit(false); err != nil {
			x.manager.engine.Log(&x.session, slog.LevelError, "sesame: the response was written around the ResponseWriter that Handler has given, before the session was settled; pass that writer on", "err", err)
		}
		return
	}
	if err := x.session.Commit(false); err != nil {
		x.answer(err)
		return
	}
	x.session.Begin(x.w.Header(), false)
}

// end runs after a panic too, since goroutines of the handler may still use x.
func (x *exchange) end(r *http.Request) {
	if !x.settled {
		x.panicked = true
		if !x.begun {
			x.dropPage()
			x.status, x.second, x.superfluous, x.implicit = 0, 0, 0, false
			x.takeBackHeader()
		}
	}
	x.over = true
	x.session.Close(x.begun, x.unsaved || x.failed != nil)
	x.r.Pattern = r.Pattern // for a log around us
	if r.MultipartForm != nil && x.r.MultipartForm == nil {
		x.r.MultipartForm = r.MultipartForm // net/http removes its files
	}
}

// answer lets the error handler answer, alone.
func (x *exchange) answer(err error) {
	x.begun, x.failed = true, err
	x.dropPage()
	x.takeBackHeader()
	onError := x.manager.onError
	if errors.Is(err, lifecycle.ErrProveFirst) {
		onError = answerProveFirst
	}
	defer func() {
		if x.errorPanic = recover(); x.errorPanic != nil {
			panic(x.errorPanic)
		}
		x.answered = maps.Clone(x.w.Header())
	}()
	onError(x.w, x.r, err)
}

// takeBackHeader takes back what the handler has set, but for the cookie that
// an earlier Save or Update has earned: the old token is dead.
func (x *exchange) takeBackHeader() {
	x.resetHeader(x.outer)
	x.session.Begin(x.w.Header(), false)
}

func (x *exchange) resetHeader(to http.Header) {
	h := x.w.Header()
	clear(h)
	maps.Copy(h, to)
}
