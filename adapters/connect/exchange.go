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
	header  http.Header // of the response, also if that is an error
	before  http.Header // what it was

	mu     sync.Mutex // messages may be sent by any goroutine
	begun  bool
	failed error // why the response could not begin
}

func newExchange(h http.Header) *exchange { return &exchange{header: h, before: maps.Clone(h)} }

// serve calls a procedure and returns what it has come to. Own is the header that
// only its response has, to be asked for if there is no error.
func (x *exchange) serve(procedure func() error, own func() http.Header) (err error) {
	returned := false
	defer func() {
		if !returned && !x.begun { // but panicked: a recovery around it answers
			x.takeBackHeader()
			x.session.Begin(x.header, false)
		}
	}()
	x.session.Call(func() { err = procedure() })
	returned = true
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.failed != nil:
		err = x.failed // whatever the procedure has made of it
	case err == nil && !x.begun && x.session.Failure() == nil:
		if err = x.begin(); err == nil {
			maps.DeleteFunc(own(), x.replaces)
		}
	default:
		if failed := x.session.Commit(isServerError(err)); failed != nil {
			err = x.fail(failed)
		}
	}
	if err != nil && !x.begun {
		x.session.Begin(x.header, false)
		err = x.told(err)
	}
	x.session.Close(true, err != nil)
	return err
}

// send begins the response with the first message.
func (x *exchange) send() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.begun || x.failed != nil {
		return x.failed
	}
	return x.begin()
}

// begin settles the session before the response begins.
func (x *exchange) begin() error {
	if err := x.session.Commit(false); err != nil {
		x.failed = x.fail(err)
		return x.failed
	}
	x.session.Begin(x.header, false)
	x.begun = true
	return nil
}

// replaces reports whether a field that a procedure has put into its own response
// or error contradicts what the session has put into the header: connect adds one
// to the other.
func (x *exchange) replaces(name string, _ []string) bool {
	return x.header.Get("Cache-Control") == "no-store" && x.session.Settles(name) && name != "Vary" && name != "Set-Cookie"
}

// isServerError reports whether the protocol maps an error to a status of 500 or
// more.
func isServerError(err error) bool {
	if err == nil || connect.IsNotModifiedError(err) {
		return false
	}
	switch connect.CodeOf(err) {
	case connect.CodeUnknown, connect.CodeInternal, connect.CodeDataLoss, connect.CodeUnavailable, connect.CodeDeadlineExceeded, connect.CodeUnimplemented:
		return true
	}
	return false
}

// told returns an error without metadata that the session replaces. It is a copy: a
// program may return one error to all of its clients.
func (x *exchange) told(err error) error {
	e, ok := errors.AsType[*connect.Error](err)
	if !ok || connect.IsWireError(e) { // whose metadata is not sent
		return err
	}
	meta := maps.Clone(e.Meta())
	maps.DeleteFunc(meta, x.replaces)
	if len(meta) == len(e.Meta()) {
		return err
	}
	told := connect.NewError(e.Code(), e.Unwrap())
	for _, detail := range e.Details() {
		told.AddDetail(detail)
	}
	maps.Copy(told.Meta(), meta)
	return told
}

// fail makes an error of connect of a session that could not be loaded or saved.
func (x *exchange) fail(err error) error {
	x.takeBackHeader()
	code := connect.CodeInternal
	switch adapter.Status(err) {
	case http.StatusServiceUnavailable:
		code = connect.CodeUnavailable
	case http.StatusConflict:
		code = connect.CodeAborted
	}
	return connect.NewError(code, opaque{err})
}

// takeBackHeader takes back what the procedure has put into the header.
func (x *exchange) takeBackHeader() {
	if !x.begun {
		clear(x.header)
		maps.Copy(x.header, x.before)
	}
}

// opaque says nothing to clients of what it wraps.
type opaque struct{ error }

func (o opaque) Error() string { return "the session is not available" }
func (o opaque) Unwrap() error { return o.error }
