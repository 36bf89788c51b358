package sesamefiber

import (
	"maps"
	"net/http"
	"slices"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	"github.com/sesame-go/sesame/adapter"
)

// exchange is one request.
type exchange struct {
	ctx     fiber.Ctx
	session adapter.Exchange
	before  fasthttp.ResponseHeader // as it was when the middleware was called
}

func (x *exchange) serve() (err error) {
	returned, abandoned := false, false
	defer func() {
		if !returned { // but panicked: the middleware that recovers answers
			x.reset()
			x.begin()
		}
	}()
	x.session.Call(func() {
		err = x.ctx.Next()
		if abandoned = x.ctx.IsAbandoned(); !abandoned {
			x.render(err)
		}
	})
	if abandoned { // by fiber's timeout: the handler is still running
		returned = true
		x.session.Close(true, true)
		return err
	}
	err = x.session.Commit(x.ctx.Response().StatusCode() >= http.StatusInternalServerError)
	if err != nil {
		x.answer(err)
	}
	x.begin()
	returned = true
	x.session.Close(true, err != nil)
	return nil
}

// render has the app's ErrorHandler answer if a handler has not.
func (x *exchange) render(err error) {
	if err != nil && x.ctx.App().ErrorHandler(x.ctx, err) != nil {
		_ = x.ctx.SendStatus(http.StatusInternalServerError) // as fiber does
	}
}

// answer has the app's ErrorHandler say that the session could not be loaded or
// saved, in place of all that the handler wrote.
func (x *exchange) answer(err error) {
	x.reset()
	f := &failure{fiber.NewError(adapter.Status(err)), err}
	rendered := false
	x.session.Call(func() {
		x.render(f)
		rendered = true
	})
	if !rendered { // it asked for the session, too
		x.reset()
		_ = x.ctx.Status(f.status.Code).SendString(f.Error())
	}
}

// failure tells clients no more than its status.
type failure struct {
	status *fiber.Error
	cause  error
}

func (f *failure) Error() string   { return f.status.Message }
func (f *failure) Unwrap() []error { return []error{f.status, f.cause} }

// reset takes back what the handler has written.
func (x *exchange) reset() {
	r := x.ctx.Response()
	x.before.CopyTo(&r.Header)
	r.ResetBody()
	x.ctx.RequestCtx().Hijack(nil) // a websocket's upgrade has been answered otherwise
}

// begin puts what the client must be told into the response's header.
func (x *exchange) begin() {
	to := &x.ctx.Response().Header
	h := make(http.Header)
	for name, value := range to.All() {
		if name := string(name); x.session.Settles(name) {
			h.Add(name, string(value))
		}
	}
	said := maps.Clone(h)
	x.session.Begin(h, false)
	for name := range said {
		if _, ok := h[name]; !ok {
			to.Del(name)
		}
	}
	for name, values := range h {
		if slices.Equal(said[name], values) {
			continue
		}
		to.Del(name)
		for _, value := range values {
			to.Add(name, value)
		}
	}
}
