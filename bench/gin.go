package bench

import (
	"net/http"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/memstore"
	"github.com/gin-gonic/gin"
)

// ginSite is gin-contrib/sessions in a gin without other middleware. It wraps
// gorilla/sessions: no idle timeout, and no way to change the token either, so
// that a log-in keeps the one it had.
func ginSite(s Session, store sessions.Store, closers ioClosers) Site {
	gin.SetMode(gin.ReleaseMode)
	store.Options(sessions.Options{
		Path: "/", MaxAge: int(lifetime.Seconds()), Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	v, held := s.values(), new(gate)
	return httpSite{
		handlers: func(op Op) http.Handler {
			do := act(op, v, held)
			engine := gin.New()
			engine.Use(sessions.Sessions(gorillaName, store))
			engine.GET("/", func(c *gin.Context) {
				answer := ok
				if do != nil {
					session := sessions.Default(c)
					answer = do(session)
					if op.saves() {
						must(session.Save())
					}
				}
				_, _ = c.Writer.Write(answer)
			})
			return engine
		},
		close: closers.Close,
	}
}

func openGinMemory(s Session, _ Place) (Site, error) {
	return ginSite(s, memstore.NewStore(authKey), nil), nil
}

// openGinBare is gin without sessions: what of the figures is gin's own.
func openGinBare(Session, Place) (Site, error) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/", func(c *gin.Context) { _, _ = c.Writer.Write(ok) })
	return httpSite{handlers: func(Op) http.Handler { return engine }}, nil
}
