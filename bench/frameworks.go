package bench

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v3"
	"github.com/labstack/echo/v5"

	sesameecho "github.com/sesame-go/sesame/adapters/echo"
	sesamefiber "github.com/sesame-go/sesame/adapters/fiber"
	sesamegin "github.com/sesame-go/sesame/adapters/gin"
)

// openSesameGin is sesame in a gin without other middleware.
func openSesameGin(s Session, _ Place) (Site, error) {
	gin.SetMode(gin.ReleaseMode)
	a := s.sesame()
	return httpSite{handlers: func(op Op) http.Handler {
		page := a.page(op)
		engine := gin.New()
		engine.Use(sesamegin.Sessions(a.sessions))
		engine.GET("/", func(c *gin.Context) { _, _ = c.Writer.Write(page(c)) })
		return engine
	}}, nil
}

// openSesameEcho is sesame in an echo without other middleware.
func openSesameEcho(s Session, _ Place) (Site, error) {
	a := s.sesame()
	return httpSite{handlers: func(op Op) http.Handler {
		page := a.page(op)
		e := echo.New()
		e.Use(sesameecho.Sessions(a.sessions))
		e.GET("/", func(c *echo.Context) error {
			_, err := c.Response().Write(page(c.Request().Context()))
			return err
		})
		return e
	}}, nil
}

// openEchoBare is echo without sessions: what of the figures is echo's own.
func openEchoBare(Session, Place) (Site, error) {
	e := echo.New()
	e.GET("/", func(c *echo.Context) error {
		_, err := c.Response().Write(ok)
		return err
	})
	return httpSite{handlers: func(Op) http.Handler { return e }}, nil
}

// openSesameFiber is sesame in a fiber without other middleware.
func openSesameFiber(s Session, _ Place) (Site, error) { return fiberPages{s.sesame()}, nil }

type fiberPages struct{ app }

func (f fiberPages) Client(op Op) Client {
	page := f.page(op)
	app := fiber.New()
	app.Use(sesamefiber.Sessions(f.sessions))
	app.Get("/", func(c fiber.Ctx) error { return c.Send(page(c)) })
	return newFiberClient(app)
}

func (fiberPages) Close() error { return nil }
