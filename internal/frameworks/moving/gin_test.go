package moving_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-contrib/sessions/redis"
	"github.com/gin-gonic/gin"
	"github.com/gorilla/securecookie"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
)

var (
	oldGinCookie cookie.Store
	oldGinRedis  redis.Store
)

func fromGinCookie(r *http.Request) (imp sesame.Import[Session], ok bool) {
	s, err := oldGinCookie.New(r, "session")
	if err != nil || s.IsNew {
		return imp, false // no cookie, or a forged one, or one that is too old
	}
	cookie, _ := r.Cookie("session")
	imp.Token, imp.Expires, imp.Remember = cookie.Value, lastOld, true
	imp.Session.User, _ = s.Values["user"].(string)
	imp.Session.Visits, _ = s.Values["visits"].(int)
	return imp, true
}

func fromGinRedis(r *http.Request) (imp sesame.Import[Session], ok bool) {
	s, err := oldGinRedis.New(r, "session")
	if cookie, _ := r.Cookie("session"); cookie != nil {
		imp.Token = cookie.Value // also if the session has moved already
	}
	if errors.As(err, new(securecookie.Error)) {
		return imp, false // a forged cookie, or one that is too old
	}
	if err != nil || s.IsNew { // Redis failed, or has no such session
		imp.Err = err
		return imp, false
	}
	imp.Expires, imp.Remember = lastOld, true
	imp.Session.User, _ = s.Values["user"].(string)
	imp.Session.Visits, _ = s.Values["visits"].(int)
	imp.Forget = func(ctx context.Context) error {
		s.Options.MaxAge = -1 // deletes it
		return s.Save(r.WithContext(ctx), httptest.NewRecorder())
	}
	return imp, true
}

func startGinCookie(*testing.T) (http.Handler, func()) {
	oldGinCookie = cookie.NewStore(authenticationKey)
	return ginProgram(oldGinCookie), func() {}
}

func startGinRedis(t *testing.T) (http.Handler, func()) {
	var err error
	oldGinRedis, err = redis.NewStoreWithDB(10, "tcp", redisAddress(t), "", "", strconv.Itoa(redisDatabase), authenticationKey)
	require.NoError(t, err)
	inner, err := redis.GetRedisStore(oldGinRedis)
	require.NoError(t, err)
	return ginProgram(oldGinRedis), func() { inner.Close() }
}

func ginProgram(store sessions.Store) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(sessions.Sessions("session", store))
	engine.GET("/login", func(c *gin.Context) {
		s := sessions.Default(c)
		s.Set("user", "ann")
		s.Set("visits", 3)
		if err := s.Save(); err != nil {
			panic(err)
		}
		c.String(http.StatusOK, "welcome")
	})
	engine.GET("/", func(c *gin.Context) {
		user, _ := sessions.Default(c).Get("user").(string)
		visits, _ := sessions.Default(c).Get("visits").(int)
		c.String(http.StatusOK, "%s %d", user, visits)
	})
	return engine
}
