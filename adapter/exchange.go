package adapter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/sesame-go/sesame/internal/lifecycle"
)

// Manager is a *sesame.Manager[T], whatever its T.
type Manager interface{ lifecycle.Handler }

// Request is what an Exchange asks of a request. Open and Begin call it, so it may
// read what belongs to their goroutine. If the framework uses the request's memory
// again, both methods return copies.
type Request interface {
	// Header returns the values of a header field, as http.Header.Values does.
	// Open calls it, with "Cookie" or the field that sesame.WithHeader names.
	Header(field string) []string

	// HTTP returns the request as one of net/http's: its Method, URL, Host, TLS
	// and Header. Open calls it if the manager has a sesame.WithImport, which looks
	// for another library's session in it. Begin asks it for HTTPS when it sets a
	// Secure cookie, to warn of plain HTTP.
	HTTP() *http.Request
}

// Exchange is a request's session between the first byte of the request and the
// last of its response. It is the context that the handler is given, or the
// parent of that: the manager's methods find their session in it.
//
// Call Open first. The other methods may be called by one goroutine only.
type Exchange struct {
	context.Context
	engine  *lifecycle.Engine
	session lifecycle.Session
	request Request
	vary    [1]string
	begun   bool // the response has
	failed  bool // the latest Commit has
}

// Open begins the exchange. Nothing is loaded before the handler asks for its
// session. Open panics if another manager that uses the same cookie or header
// field is around this one in ctx; ask [Within] first whether this very manager
// is.
func (x *Exchange) Open(ctx context.Context, m Manager, r Request) {
	e := lifecycle.EngineOf(m)
	if e.Around(ctx) != nil {
		panic("sesame: two managers use " + e.Carrier.Name() + ", one inside the other's Handler: give one of them another name, " + e.Carrier.Option())
	}
	if e.SamePath(ctx) {
		panic("sesame: two managers bind sessions at " + e.Device.Register + ", one inside the other's Handler: give one of them another path, sesame.WithProofPath(...)")
	}
	x.Context, x.engine, x.request = ctx, e, r
	x.session.Init(x, e, r)
}

// Within reports whether ctx has the manager's session already, since its
// middleware is mounted twice. The second one has nothing to do.
func Within(ctx context.Context, m Manager) bool {
	e := lifecycle.EngineOf(m)
	return e.Around(ctx) == e
}

// Binds reports whether the manager has sesame.WithDeviceBinding. Browsers then ask
// for two addresses that only the manager's Handler answers, so an adapter that
// does not stand on Handler refuses the manager.
func Binds(m Manager) bool { return lifecycle.EngineOf(m).Device != nil }

// Value implements [context.Context].
func (x *Exchange) Value(key any) any {
	if v := x.session.Value(key); v != nil {
		return v
	}
	return x.Context.Value(key)
}

// KeyValue returns what a framework's own context must hold for the manager to
// find the session in it, if that context is not derived from ctx, which is an
// Exchange or derived from one. The value is nil if ctx has no session of m.
func KeyValue(ctx context.Context, m Manager) (key string, value any) {
	e := lifecycle.EngineOf(m)
	if s := e.SessionIn(ctx); s != nil {
		value = s
	}
	return e.Name(), value
}

// Format keeps the session out of logs that print the context.
func (x *Exchange) Format(f fmt.State, verb rune) { x.session.Format(f, verb) }

// Call calls a handler. If a method of the manager panics in it because the
// session could not be loaded, Call returns, and [Exchange.Failure] and
// [Exchange.Commit] tell of it. Another panic ends the exchange and goes on: nothing
// is saved.
func (x *Exchange) Call(handler func()) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if p := recover(); !x.Caused(p) {
			x.Close(x.begun, false)
			panic(p)
		}
	}()
	handler()
	returned = true
}

// Failure returns the error with which a method of the manager has panicked in
// this request because the session could not be loaded, nil if none has. The
// response must then be an error, even if something in between has recovered from
// the panic.
func (x *Exchange) Failure() error { return x.session.Failed() }

// Caused reports whether a panic is the one that [Exchange.Failure] tells of.
// Other panics go on. Adapters that use Call do not need it.
func (x *Exchange) Caused(p any) bool { return x.session.Caused(p) }

// Commit saves, renews or deletes the session as the handler has asked. If the
// handler has failed, with a status of 500 or more, it carries out a log-out, but
// drops what has not been saved yet. Call it before the response begins, and once
// more when the handler has returned after that.
//
// An error, which is that of Failure if there is one, means that the response must
// be an error with the [Status] of it, and nothing that the handler wrote. It has
// been logged or was an event. The client's hanging up does not stop Commit.
func (x *Exchange) Commit(failed bool) error {
	err := x.Failure()
	switch {
	case err != nil:
	case failed:
		err = x.session.Drop()
	default:
		err = x.session.Commit()
	}
	x.failed = err != nil
	if err != nil && !errors.Is(err, lifecycle.ErrStore) && !errors.Is(err, lifecycle.ErrLate) && !errors.Is(err, lifecycle.ErrProveFirst) {
		x.engine.Log(x, slog.LevelError, "sesame: session not saved", "err", err)
	}
	return err
}

// Close ends the exchange when the handler has returned or panicked. Begun says
// whether the response has begun: if not, the framework may still write one, an
// error page for instance, and Commit and Begin once more before it. Failed says
// whether the client has been told of a failure. What the handler's goroutines do
// to the session after Close is reported as too late.
func (x *Exchange) Close(begun, failed bool) { x.session.Close(begun, failed) }

// Status returns the status of a response to a request whose session could not
// be loaded or saved: 503 Service Unavailable if the store failed, the session
// was too busy or the request took too long, 409 Conflict if a log-in was
// overtaken by another one, else 500 Internal Server Error.
func Status(err error) int {
	switch {
	case errors.Is(err, lifecycle.ErrStore), errors.Is(err, lifecycle.ErrConflict), errors.Is(err, lifecycle.ErrLate):
		return http.StatusServiceUnavailable
	case errors.Is(err, lifecycle.ErrSuperseded):
		return http.StatusConflict
	}
	return http.StatusInternalServerError
}
