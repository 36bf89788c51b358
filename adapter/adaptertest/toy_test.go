package adaptertest

import (
	"context"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/adapter"
)

// toy is an adapter for a small framework of this test's own. It is right as
// newToy returns it; the wrong ones have another function in one place.
type toy struct {
	around   func(handler) handler
	within   func(context.Context, adapter.Manager) bool
	hide     func(context.Context) context.Context
	lines    func(r *http.Request, field string) []string
	http     func(*http.Request) *http.Request
	call     func(x *exchange, handler func())
	commit   func(*exchange) error
	again    func(*exchange) error // when the response has begun
	flush    func(begin func())
	answer   func(w *reply, err error)
	begin    func(*exchange)
	panicked func(*exchange)
}

// exchange is one request.
type exchange struct {
	adapter.Exchange
	sessions *sesame.Manager[Session]
	request  *http.Request
	reply    *reply
}

// reply is the framework's response. It is sent when it is flushed, or else when
// the handler has returned.
type reply struct {
	header http.Header
	status int
	body   string
	flush  func()
}

func (w *reply) reset() { w.header, w.status, w.body = make(http.Header), http.StatusOK, "" }

// handler is a handler of the framework.
type handler func(context.Context, *http.Request, *reply)

func newToy() *toy {
	return &toy{
		around:   func(h handler) handler { return h },
		within:   adapter.Within,
		hide:     func(ctx context.Context) context.Context { return ctx },
		lines:    func(r *http.Request, field string) []string { return r.Header.Values(field) },
		http:     func(r *http.Request) *http.Request { return r },
		call:     func(x *exchange, handler func()) { x.Call(handler) },
		commit:   func(x *exchange) error { return x.Commit(x.reply.status >= 500) },
		again:    func(x *exchange) error { return x.Commit(x.reply.status >= 500) },
		flush:    func(begin func()) { begin() },
		answer:   func(w *reply, err error) { w.reset(); w.status = adapter.Status(err) },
		begin:    func(x *exchange) { x.Begin(x.reply.header, false) },
		panicked: func(x *exchange) { x.reply.reset(); x.Begin(x.reply.header, false) },
	}
}

// sessions is the toy's middleware.
func (y *toy) sessions(m adapter.Manager, next handler) handler {
	return y.around(func(ctx context.Context, r *http.Request, w *reply) {
		if y.within(ctx, m) {
			next(ctx, r, w)
			return
		}
		x := &exchange{sessions: m.(*sesame.Manager[Session]), request: r, reply: w}
		x.Open(y.hide(ctx), m, request{y, r})
		begun, returned := false, false
		begin := func() (err error) {
			if err = y.commit(x); err != nil {
				y.answer(w, err)
			}
			y.begin(x)
			return err
		}
		flush := w.flush
		w.flush = func() {
			y.flush(func() { _ = begin(); begun = true })
			flush()
		}
		defer func() {
			if !returned {
				y.panicked(x)
			}
		}()
		y.call(x, func() { next(x, r, w) })
		end := begin
		if begun {
			end = func() error { return y.again(x) }
		}
		err := end()
		returned = true
		x.Close(true, err != nil)
	})
}

type request struct {
	*toy
	r *http.Request
}

func (r request) Header(field string) []string { return r.lines(r.r, field) }
func (r request) HTTP() *http.Request          { return r.http(r.r) }

// serve is [Framework.Serve].
func (y *toy) serve(t *testing.T, h Handler, managers ...adapter.Manager) string {
	serve := handler(func(ctx context.Context, r *http.Request, w *reply) {
		a := h(ctx, r.URL.Path)
		maps.Copy(w.header, a.Header)
		if a.Location != "" {
			w.header.Set("Location", a.Location)
		}
		w.status, w.body = a.Status, a.Body
		if a.Then != nil {
			w.flush()
			a.Then()
		}
	})
	for _, m := range slices.Backward(managers) {
		serve = y.sessions(m, serve)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
		w, sent := new(reply), false
		w.reset()
		w.flush = func() {
			sent = true
			maps.Copy(to.Header(), w.header)
			to.WriteHeader(w.status)
			_, _ = io.WriteString(to, w.body)
			_ = http.NewResponseController(to).Flush()
		}
		send := w.flush
		defer func() {
			if p := recover(); p != nil {
				w.status, w.body = http.StatusInternalServerError, "recovered"
			}
			if !sent {
				send()
			}
		}()
		serve(r.Context(), r, w)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// TestToy finds no fault with the toy, so that what it finds with the wrong ones is
// theirs.
func TestToy(t *testing.T) {
	Run(t, Framework{Streams: true, Serve: newToy().serve})
}
