package sesame

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"sync/atomic"

	"github.com/sesame-go/sesame/internal/cookie"
	"github.com/sesame-go/sesame/internal/lifecycle"
)

// manager is the part of a Manager that does not depend on T.
type manager struct {
	engine  *lifecycle.Engine
	cookie  cookie.Template
	nameKey any // the cookie's name, as a context key
	onError func(http.ResponseWriter, *http.Request, error)
	warned  atomic.Bool // of a Secure cookie over plain HTTP
}

func answerError(w http.ResponseWriter, _ *http.Request, err error) {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, ErrStore), errors.Is(err, ErrConflict), errors.Is(err, ErrLate):
		status = http.StatusServiceUnavailable
	case errors.Is(err, ErrSuperseded):
		status = http.StatusConflict
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}

func (m *manager) handler(next http.Handler) http.Handler {
	if next == nil {
		panic("sesame: Handler(nil): give it the handler that uses the sessions")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.find(r.Context()) != nil {
			next.ServeHTTP(w, r)
			return
		}
		m.refuseSameName(r.Context())
		x, writer := newExchange(w)
		x.init(m, w, r)
		x.serve(next, writer)
	})
}

// exchange is a request's state, its context and its response writer in one
// allocation.
type exchange struct {
	context.Context // the request's
	manager         *manager
	session         lifecycle.Session
	w               http.ResponseWriter
	r               *http.Request
	outer           http.Header // what was set before Handler, nil if nothing
	vary            [1]string

	held        *page
	failure     atomic.Pointer[loadFailure] // not answered yet
	failed      error                       // why the session could not be saved or loaded; the error handler has answered
	answered    http.Header                 // the header that the error handler left
	errorPanic  any                         // what the error handler panicked with
	status      int16                       // that the handler has written
	second      int16                       // the highest status of a superfluous WriteHeader
	superfluous uint8                       // how many of those there were
	implicit    bool                        // the status is that of a Write
	begun       bool                        // the response has begun
	returned    bool                        // the handler has returned
	settled     bool                        // and its session is
	panicked    bool                        // the handler has panicked
	unsaved     bool                        // a change after the response began could not be saved
	over        bool                        // Handler is done
}

func (x *exchange) init(m *manager, w http.ResponseWriter, r *http.Request) {
	x.Context, x.manager, x.w, x.r = r.Context(), m, w, r
	x.session.Init(x, m.engine, r.Header["Cookie"])
	if h := w.Header(); len(h) > 0 {
		x.outer = maps.Clone(h)
	}
}

// Value finds the exchange by its manager's engine, and whether there is one by
// the name of the cookie.
func (x *exchange) Value(key any) any {
	switch key := key.(type) {
	case *lifecycle.Engine:
		if key == x.manager.engine {
			return x
		}
	case cookieName:
		if string(key) == x.manager.cookie.Name() {
			return x
		}
	case lifecycle.Key:
		return x.manager.engine
	}
	return x.Context.Value(key)
}

type cookieName string

// refuseSameName panics if another manager around this one uses its cookie:
// each would log the other's visitors out.
func (m *manager) refuseSameName(ctx context.Context) {
	if name := m.cookie.Name(); ctx.Value(m.nameKey) != nil {
		panic("sesame: two managers use the cookie " + name + ", one inside the other's Handler: give one of them another name, sesame.WithCookie(http.Cookie{Name: ...})")
	}
}

// Format keeps the session out of logs that print a context or a writer.
func (x *exchange) Format(f fmt.State, verb rune) { x.session.Format(f, verb) }

func (m *manager) find(ctx context.Context) *exchange {
	x, _ := ctx.Value(m.engine).(*exchange)
	return x
}

func (m *manager) exchange(ctx context.Context) *exchange {
	if x := m.find(ctx); x != nil {
		return x
	}
	panic("sesame: no session in this context: wrap the handler in the Handler of this very manager, sessions.Handler(next), and use the request's context, r.Context(); an observer and a logger have none")
}

// loadFailure is what Get panics with. It is an error so that a recovering
// middleware in between prints a sentence.
type loadFailure struct {
	error
	x *exchange
}

func (f *loadFailure) Unwrap() error { return f.error }

func (x *exchange) must(err error) {
	if err != nil {
		f := &loadFailure{err, x}
		x.failure.Store(f)
		panic(f)
	}
}

func (x *exchange) serve(next http.Handler, w http.ResponseWriter) {
	r := x.r.WithContext(x)
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
	if x.failure.Load() == nil && x.failed == nil {
		return
	}
	p := recover()
	err, _ := p.(error)
	failure, ours := errors.AsType[*loadFailure](err)
	switch {
	case p == nil:
	case x.errorPanic != nil:
		panic(p)
	case x.failed != nil && (ours || errors.Is(err, x.failed)): // a framework panics with what Write returned
		x.resetHeader(x.answered)
	case !ours || failure.x != x:
		panic(p)
	case !x.begun:
		x.answer(failure.error)
	default:
		panic(http.ErrAbortHandler) // half a page must not look like a whole one
	}
}

// finish settles what has changed since the response began, or begins it.
func (x *exchange) finish() {
	switch {
	case !x.begun && x.status == 0 && x.failure.Load() == nil:
		x.finishUnwritten()
	case !x.begun:
		_ = x.begin()
	case x.failed != nil:
		// What the handler has put there since would go out as trailers, or be
		// picked up by a writer around us that sends the header last.
		x.resetHeader(x.answered)
	case x.failure.Load() != nil:
		panic(http.ErrAbortHandler) // a middleware recovered; half a page must not look like a whole one
	default:
		if err := x.commit(); err != nil {
			x.unsaved = true
			x.log(err)
		}
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
		x.session.Sent(false)
		if err := x.session.Commit(); err != nil {
			x.manager.engine.Log(x, slog.LevelError, "sesame: the response was written around the ResponseWriter that Handler has given, before the session was settled; pass that writer on", "err", err)
		}
		return
	}
	if err := x.session.Commit(); err != nil {
		x.answer(err)
		return
	}
	x.setHeader(x.session.Sent(false))
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
	x.log(err)
	x.takeBackHeader()
	defer func() {
		if x.errorPanic = recover(); x.errorPanic != nil {
			panic(x.errorPanic)
		}
		x.answered = maps.Clone(x.w.Header())
	}()
	x.manager.onError(x.w, x.r, err)
}

// takeBackHeader takes back what the handler has set, but for the cookie that
// an earlier Save or Update has earned: the old token is dead.
func (x *exchange) takeBackHeader() {
	_, c := x.session.Sent(false)
	x.resetHeader(x.outer)
	x.setHeader(false, c)
}

func (x *exchange) resetHeader(to http.Header) {
	h := x.w.Header()
	clear(h)
	maps.Copy(h, to)
}

// log reports an error that has had no event.
func (x *exchange) log(err error) {
	if !errors.Is(err, ErrStore) && !errors.Is(err, ErrLate) {
		x.manager.engine.Log(x, slog.LevelError, "sesame: session not saved", "err", err)
	}
}
