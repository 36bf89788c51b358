// Package sesamegin gives the handlers of gin their sessions, for the whole
// router or a group:
//
//	router.Use(gin.Logger(), gin.Recovery(), sesamegin.Sessions(sessions))
//
//	router.GET("/", func(c *gin.Context) {
//		s := sessions.Get(c)
//		s.Times++
//		c.String(http.StatusOK, "%d times!", s.Times)
//	})
package sesamegin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/sesame-go/sesame/adapter"
)

// Manager is a *sesame.Manager[T], whatever its T.
type Manager interface {
	adapter.Manager
	Handler(next http.Handler) http.Handler
}

// Sessions returns a middleware that gives the handlers after it the sessions of
// m, and saves them. The manager's methods take the *gin.Context, whether
// gin.Engine.ContextWithFallback is set or not, or its request's context. Give Live
// the latter: without ContextWithFallback a *gin.Context does not end when the client
// leaves.
//
// It does what m's Handler does, and documents: the response begins at the same
// moment, WithErrorHandler answers for a session that cannot be loaded or saved,
// and a status of 500 or more drops what was changed. A middleware that renders
// the errors of gin.Context.Errors, and one that recovers, may change the session
// if it is registered after this one. One that is registered before has no session
// after c.Next, where the manager's methods panic.
//
// gin.Engine.HandleContext takes the writer away from all middlewares, and a new
// session's cookie with it. A program that calls it serves m.Handler(engine), too.
//
// A manager with WithDeviceBinding needs the whole router: the browser asks for
// addresses that no group has.
//
// Sessions panics if m is nil.
func Sessions(m Manager) gin.HandlerFunc {
	if m == nil {
		panic("sesamegin: Sessions(nil): give it the manager, sesame.New[T]()")
	}
	return func(c *gin.Context) {
		outer, request := c.Writer, c.Request
		if adapter.Within(request.Context(), m) {
			c.Set(adapter.KeyValue(request.Context(), m)) // m's Handler may be around the engine
			c.Next()
			return
		}
		defer func() { c.Writer, c.Request = outer, request }()
		called := false
		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called = true
			inner := &writer{ResponseWriter: w, outer: outer, status: outer.Status(), size: unwritten}
			c.Writer, c.Request = inner, r
			key, session := adapter.KeyValue(r.Context(), m)
			c.Set(key, session)
			defer c.Delete(key)
			c.Next()
			inner.end(outer.Status())
		})).ServeHTTP(outer, request)
		if !called { // the manager has answered by itself, see sesame.WithDeviceBinding
			c.Abort()
		}
	}
}
