package sesameecho_test

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/adapter"
	"github.com/sesame-go/sesame/adapter/adaptertest"
	sesameecho "github.com/sesame-go/sesame/adapters/echo"
	"github.com/sesame-go/sesame/sesametest"
)

func TestAdapter(t *testing.T) {
	for _, inside := range []bool{false, true} {
		t.Run(fmt.Sprintf("recover inside %t", inside), func(t *testing.T) {
			adaptertest.Run(t, adaptertest.Framework{Streams: true, Binds: true, Serve: func(t *testing.T, h adaptertest.Handler, managers ...adapter.Manager) string {
				e := newEcho()
				e.Use(middleware.Recover())
				for _, m := range managers {
					e.Use(sesameecho.Sessions(m.(sesameecho.Manager)))
				}
				if inside {
					e.Use(middleware.Recover())
				}
				e.GET("/*", func(c *echo.Context) error { return answer(c, h(c.Request().Context(), c.Request().URL.Path)) })
				server := httptest.NewServer(e)
				t.Cleanup(server.Close)
				return server.URL
			}})
		})
	}
}

func answer(c *echo.Context, a adaptertest.Answer) error {
	maps.Copy(c.Response().Header(), a.Header)
	switch {
	case a.Then != nil:
		if err := c.String(a.Status, a.Body); err != nil {
			return err
		}
		if err := http.NewResponseController(c.Response()).Flush(); err != nil {
			return err
		}
		a.Then()
		return nil
	case a.Location != "":
		return c.Redirect(a.Status, a.Location)
	case a.Status >= 500:
		return echo.NewHTTPError(a.Status, a.Body)
	}
	return c.String(a.Status, a.Body)
}

type visit struct {
	Times int
	Flash string
}

// TestIdioms are the ways of echo that have to do with sessions.
func TestIdioms(t *testing.T) {
	sessions := sesame.New[visit]()
	e := newEcho()
	var seen []error
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc { // a log
		return func(c *echo.Context) error {
			err := next(c)
			seen = append(seen, err)
			return err
		}
	})
	render := func(c *echo.Context, err error) {
		s := sessions.Get(c.Request().Context())
		_ = c.String(http.StatusTeapot, fmt.Sprintf("%s %v", s.Flash, errors.Is(err, http.ErrNoCookie)))
		s.Flash = ""
	}
	e.HTTPErrorHandler = func(c *echo.Context, err error) {
		if resp, _ := echo.UnwrapResponse(c.Response()); resp.Committed {
			return
		}
		render(c, err)
	}
	group := e.Group("/shop", sesameecho.Sessions(sessions))
	group.GET("/count", func(c *echo.Context) error {
		s := sessions.Get(c.Request().Context())
		s.Times++
		s.Flash = "hello"
		return c.JSON(http.StatusOK, s.Times)
	})
	group.GET("/error", func(c *echo.Context) error {
		sessions.Get(c.Request().Context()).Times++
		return fmt.Errorf("wrapped: %w", http.ErrNoCookie)
	})
	group.GET("/none", func(c *echo.Context) error {
		sessions.Get(c.Request().Context()).Times++
		return c.NoContent(http.StatusNoContent)
	})

	client := sesametest.NewClient(t, e)
	get := func(path string, status int, body string) {
		t.Helper()
		resp, got := client.Get(path)
		require.Equal(t, status, resp.StatusCode, path)
		require.Contains(t, got, body, path)
	}
	get("/shop/count", 200, "1")
	seen = nil
	get("/shop/error", http.StatusTeapot, "hello true")
	require.Len(t, seen, 1)
	require.ErrorIs(t, seen[0], http.ErrNoCookie, "the error goes on to the log")
	get("/shop/error", http.StatusTeapot, " true")
	get("/shop/none", 204, "")
	get("/shop/count", 200, "5")
}

// TestGzip compresses inside and outside of the sessions.
func TestGzip(t *testing.T) {
	sessions := sesame.New[visit]()
	for i, order := range [][]echo.MiddlewareFunc{
		{middleware.Gzip(), sesameecho.Sessions(sessions)},
		{sesameecho.Sessions(sessions), middleware.Gzip()},
	} {
		for _, length := range []int{1, 2000, 3000, 100_000} {
			e := newEcho()
			e.Use(order...)
			page := fmt.Sprintf("%0*d", length, 7)
			e.GET("/", func(c *echo.Context) error {
				sessions.Get(c.Request().Context()).Times++
				return c.String(http.StatusOK, page)
			})
			resp, got := sesametest.NewClient(t, e).Get("/")
			require.Len(t, resp.Cookies(), 1)
			require.True(t, resp.Uncompressed, "order %d", i)
			require.Equal(t, page, got, "order %d, %d bytes", i, length)
		}
	}
}

func TestNil(t *testing.T) {
	require.PanicsWithValue(t, "sesameecho: Sessions(nil): give it the manager, sesame.New[T]()", func() { sesameecho.Sessions(nil) })
}

func newEcho() *echo.Echo {
	e := echo.New()
	e.Logger = slog.New(slog.DiscardHandler)
	return e
}
