// Package sesamefiber gives the handlers of fiber v3 their sessions, for the whole
// app or a group:
//
//	app.Use(recover.New(), sesamefiber.Sessions(sessions))
//
//	app.Get("/", func(c fiber.Ctx) error {
//		s := sessions.Get(c)
//		s.Times++
//		return c.SendString(fmt.Sprintf("%d times!", s.Times))
//	})
package sesamefiber

import (
	"github.com/gofiber/fiber/v3"

	"github.com/sesame-go/sesame/adapter"
)

// Sessions returns a middleware that gives the handlers after it the sessions of
// m, and saves them. The manager's methods take the fiber.Ctx, or c.Context().
// Goroutines that may outlive the handler, stream writers and Live must be given the
// latter: fiber uses its own context again for other requests.
//
// fasthttp sends nothing before the handler has returned, so all that handlers
// change is one save, and its cookie goes out with the response; but fiber.Ctx.End
// sends it at once, without the cookie. A stream writer runs beside the handler and
// after it: it changes the session by the manager's Update, and sees what the handler
// changed once that is saved.
//
// An error that a handler returns is rendered by the app's ErrorHandler within the
// middleware, so what that changes in the session is saved; as with fiber's
// logger, middlewares around this one see the response and no error. A status of
// 500 or more drops what was changed. If the session cannot be loaded or saved, the
// ErrorHandler renders that in place of all that the handler wrote: a *fiber.Error
// with the status 503, 409 or 500 which wraps the manager's error. The manager's
// WithErrorHandler is not called.
//
// What a handler changes that overruns fiber's timeout middleware is not saved, but
// by Save and Update. fiber's cache middleware belongs in front of this one: behind
// it, it does not see what tells clients apart, and serves one client's page to
// others.
//
// A panic saves nothing and goes on; without fiber's recover middleware it ends
// the process. The panic of a Get that cannot load its session does not.
//
// Sessions panics if m is nil or has WithDeviceBinding.
func Sessions(m adapter.Manager) fiber.Handler {
	if m == nil {
		panic("sesamefiber: Sessions(nil): give it the manager, sesame.New[T]()")
	}
	if adapter.Binds(m) {
		panic("sesamefiber: WithDeviceBinding needs the manager's Handler, which answers the browser: leave it out, or serve these users by net/http")
	}
	return func(c fiber.Ctx) error {
		parent := c.Context()
		if adapter.Within(parent, m) {
			return c.Next()
		}
		x := &exchange{ctx: c}
		x.session.Open(parent, m, request{c})
		c.Response().Header.CopyTo(&x.before)
		c.SetContext(&x.session)
		key, session := adapter.KeyValue(&x.session, m)
		c.Locals(key, session)
		return x.serve()
	}
}
