package moving_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/gofiber/fiber/v3/middleware/session"
	"github.com/gofiber/storage/redis/v3"

	"github.com/sesame-go/sesame"
)

var oldFiber *session.Store

func fromFiber(r *http.Request) (imp sesame.Import[Session], ok bool) {
	cookie, err := r.Cookie("session_id")
	if err != nil || cookie.Value == "" {
		return imp, false
	}
	imp.Token = cookie.Value // also if the session has moved already
	s, err := oldFiber.GetByID(r.Context(), cookie.Value)
	if errors.Is(err, session.ErrSessionIDNotFoundInStore) {
		return imp, false
	}
	if err != nil {
		imp.Err = err
		return imp, false
	}
	defer s.Release()
	imp.Session.User, _ = s.Get("user").(string)
	imp.Session.Visits, _ = s.Get("visits").(int)
	imp.Forget = func(ctx context.Context) error { return oldFiber.Delete(ctx, cookie.Value) }
	return imp, imp.Session.User != "" // fiber has a session for every visitor
}

func startFiber(t *testing.T) (http.Handler, func()) {
	storage := redis.New(redis.Config{Addrs: []string{redisAddress(t)}, Database: redisDatabase})
	oldFiber = session.NewStore(session.Config{Storage: storage})
	app := fiber.New()
	app.Use(session.New(session.Config{Store: oldFiber}))
	app.Get("/login", func(c fiber.Ctx) error {
		s := session.FromContext(c)
		s.Set("user", "ann")
		s.Set("visits", 3)
		return c.SendString("welcome")
	})
	app.Get("/", func(c fiber.Ctx) error {
		user, _ := session.FromContext(c).Get("user").(string)
		visits, _ := session.FromContext(c).Get("visits").(int)
		return c.SendString(fmt.Sprint(user, " ", visits))
	})
	return adaptor.FiberApp(app), func() { storage.Close() }
}
