package sesameconnect

import (
	"errors"
	"maps"
	"net/http"
	"sync"

	"connectrpc.com/connect"

	"github.com/sesame-go/sesame/adapter"
)

// exchange is one call.
type exchange struct {
	session adapter.Exchange

	mu     sync.Mutex // messages may be sent by any goroutine
	begun  bool
	failed error // why the response could not begin
}

// serve calls a procedure and returns what it has come to. The header is the
// response's, to be asked for if there is no error.
func (x *exchange) serve(procedure func() error, header func() http.Header) (err error) {
	x.session.Call(func() { err = procedure() })
	switch {
	case x.failed != nil:
		err = x.failed // whatever the procedure has made of it
	case err == nil && !x.begun && x.session.Failure() == nil:
		err = x.begin(header())
	default:
		if failed := x.session.Commit(err != nil && isServerError(connect.CodeOf(err))); failed != nil {
			err = failure(failed)
		}
	}
	if err != nil && !x.begun {
		err = x.told(err)
	}
	x.session.Close(true, err != nil)
	return err
}

// begin settles the session before the response begins.
func (x *exchange) begin(h http.Header) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.begun || x.failed != nil {
		return x.failed
	}
	if err := x.session.Commit(false); err != nil {
		x.failed = failure(err)
		return x.failed
	}
	x.session.Begin(h, false)
	x.begun = true
	return nil
}

// isServerError reports whether the protocol maps a code to a status of 500 or
// more.
func isServerError(code connect.Code) bool {
	switch code {
	case connect.CodeUnknown, connect.CodeInternal, connect.CodeDataLoss, connect.CodeUnavailable, connect.CodeDeadlineExceeded, connect.CodeUnimplemented:
		return true
	}
	return false
}

// told puts what the client must be told into the metadata of an error. It is a
// copy: a program may return one error to all of its clients.
func (x *exchange) told(err error) error {
	h := make(http.Header)
	x.session.Begin(h, false)
	if len(h) == 0 {
		return err
	}
	e, ok := errors.AsType[*connect.Error](err)
	if !ok {
		e = connect.NewError(connect.CodeOf(err), err)
	}
	told := connect.NewError(e.Code(), e.Unwrap())
	for _, detail := range e.Details() {
		told.AddDetail(detail)
	}
	maps.Copy(told.Meta(), e.Meta())
	maps.Copy(told.Meta(), h)
	return told
}

// failure makes an error of connect of a session that could not be loaded or
// saved.
func failure(err error) error {
	code := connect.CodeInternal
	switch adapter.Status(err) {
	case http.StatusServiceUnavailable:
		code = connect.CodeUnavailable
	case http.StatusConflict:
		code = connect.CodeAborted
	}
	return connect.NewError(code, opaque{err})
}

// opaque says nothing to clients of what it wraps.
type opaque struct{ error }

func (o opaque) Error() string { return "the session is not available" }
func (o opaque) Unwrap() error { return o.error }
