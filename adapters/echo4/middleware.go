// Package sesameecho4 gives the handlers of echo v4 their sessions, for the whole
// program or a group:
//
//	e.Use(middleware.RequestLogger(), middleware.Recover(), sesameecho4.Sessions(sessions))
//
//	e.GET("/", func(c echo.Context) error {
//		s := sessions.Get(c.Request().Context())
//		s.Times++
//		return c.String(http.StatusOK, fmt.Sprintf("%d times!", s.Times))
//	})
package sesameecho4

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sesame-go/sesame/adapter"
)

// Manager is a *sesame.Manager[T], whatever its T.
type Manager interface {
	adapter.Manager
	Handler(next http.Handler) http.Handler
}

// Sessions returns a middleware that gives the handlers after it the sessions of
// m, and saves them. The manager's methods take the request's context,
// c.Request().Context().
//
// It does what m's Handler does, and documents: the response begins at the same
// moment, WithErrorHandler answers for a session that cannot be loaded or saved,
// and a status of 500 or more drops what was changed.
//
// An error that a handler returns is rendered by echo's central error handler
// within the middleware, so what that changes in the session, such as a message
// it has shown, is saved with the page. The error goes on to the middlewares
// around this one; a central error handler of your own must do nothing for a
// response that is committed, as echo's own does. Errors of middlewares around
// this one have no session.
//
// echo's middleware ContextTimeout goes with it, Timeout does not: once that has
// answered, the handler that is still running shares its echo.Context with another
// request.
//
// A manager with WithDeviceBinding needs the whole program: the browser asks for
// addresses that no group has.
//
// Sessions panics if m is nil.
func Sessions(m Manager) echo.MiddlewareFunc {
	if m == nil {
		panic("sesameecho4: Sessions(nil): give it the manager, sesame.New[T]()")
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			outer, request := c.Response(), c.Request()
			if adapter.Within(request.Context(), m) {
				return next(c)
			}
			defer func() {
				c.SetResponse(outer)
				c.SetRequest(request)
			}()
			m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c.SetRequest(r)
				c.SetResponse(echo.NewResponse(w, c.Echo()))
				if err = next(c); err != nil {
					c.Error(err)
				}
			})).ServeHTTP(outer, request)
			return err
		}
	}
}
