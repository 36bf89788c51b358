package frameworks_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
	echo4 "github.com/labstack/echo/v4"
	middleware4 "github.com/labstack/echo/v4/middleware"
	echo5 "github.com/labstack/echo/v5"
	middleware5 "github.com/labstack/echo/v5/middleware"
	"github.com/stretchr/testify/require"
)

// The routes for both versions have another page, which returns an error that echo
// renders.
const returnsError = "/returns-error"

var errBroken = errors.New("broken")

func echo4Routes(s *site, use ...echo4.MiddlewareFunc) *echo4.Echo {
	e := echo4.New()
	e.Logger.SetOutput(io.Discard)
	e.Use(use...)
	for path, f := range s.pages() {
		e.Match([]string{"GET", "HEAD"}, path, func(c echo4.Context) error { f(c.Response(), c.Request()); return nil })
	}
	e.GET(returnsError, func(c echo4.Context) error { s.m.Get(c.Request().Context()).N++; return errBroken })
	return e
}

func echo5Routes(s *site, use ...echo5.MiddlewareFunc) *echo5.Echo {
	e := echo5.New()
	e.Logger = slog.New(slog.DiscardHandler)
	e.Use(use...)
	for path, f := range s.pages() {
		for _, method := range []string{"GET", "HEAD"} {
			e.Add(method, path, func(c *echo5.Context) error { f(c.Response(), c.Request()); return nil })
		}
	}
	e.GET(returnsError, func(c *echo5.Context) error { s.m.Get(c.Request().Context()).N++; return errBroken })
	return e
}

var echoMounts = []mount{
	{name: "v4, around", handler: func(s *site) http.Handler { return s.m.Handler(echo4Routes(s, middleware4.Recover())) }},
	{name: "v4, around, with gzip", noWS: true, handler: func(s *site) http.Handler {
		return s.m.Handler(echo4Routes(s, middleware4.Recover(), middleware4.Gzip()))
	}},
	{name: "v4, WrapMiddleware after Recover", handler: func(s *site) http.Handler {
		return echo4Routes(s, middleware4.Recover(), echo4.WrapMiddleware(s.m.Handler))
	}},
	{name: "v4, WrapMiddleware before Recover", handler: func(s *site) http.Handler {
		return echo4Routes(s, echo4.WrapMiddleware(s.m.Handler), middleware4.Recover())
	}},
	{name: "v5, around", handler: func(s *site) http.Handler { return s.m.Handler(echo5Routes(s, middleware5.Recover())) }},
	{name: "v5, around, with gzip", noWS: true, handler: func(s *site) http.Handler {
		return s.m.Handler(echo5Routes(s, middleware5.Recover(), middleware5.Gzip()))
	}},
	{name: "v5, WrapMiddleware after Recover", handler: func(s *site) http.Handler {
		return echo5Routes(s, middleware5.Recover(), echo5.WrapMiddleware(s.m.Handler))
	}},
	{name: "v5, WrapMiddleware before Recover", handler: func(s *site) http.Handler {
		return echo5Routes(s, echo5.WrapMiddleware(s.m.Handler), render5, middleware5.Recover())
	}},
	{name: "v4, WrapMiddleware after the others", noWS: true, handler: func(s *site) http.Handler {
		return echo4Routes(s, append(theirs4(), echo4.WrapMiddleware(s.m.Handler))...)
	}},
	{name: "v4, WrapMiddleware before the others", noWS: true, handler: func(s *site) http.Handler {
		return echo4Routes(s, append([]echo4.MiddlewareFunc{echo4.WrapMiddleware(s.m.Handler)}, theirs4()...)...)
	}},
	{name: "v5, WrapMiddleware after the others", noWS: true, handler: func(s *site) http.Handler {
		return echo5Routes(s, append(theirs5(), echo5.WrapMiddleware(s.m.Handler))...)
	}},
	{name: "v5, WrapMiddleware before the others", noWS: true, handler: func(s *site) http.Handler {
		return echo5Routes(s, append([]echo5.MiddlewareFunc{echo5.WrapMiddleware(s.m.Handler), render5}, theirs5()...)...)
	}},
}

func theirs4() []echo4.MiddlewareFunc {
	return []echo4.MiddlewareFunc{
		middleware4.RequestID(), middleware4.RequestLoggerWithConfig(middleware4.RequestLoggerConfig{LogStatus: true, LogValuesFunc: func(echo4.Context, middleware4.RequestLoggerValues) error { return nil }}),
		middleware4.Recover(), middleware4.Gzip(), middleware4.ContextTimeout(10 * time.Second),
	}
}

func theirs5() []echo5.MiddlewareFunc {
	return []echo5.MiddlewareFunc{
		middleware5.RequestID(), middleware5.RequestLoggerWithConfig(middleware5.RequestLoggerConfig{LogStatus: true, LogValuesFunc: func(*echo5.Context, middleware5.RequestLoggerValues) error { return nil }}),
		middleware5.Recover(), middleware5.Gzip(), middleware5.ContextTimeout(10 * time.Second),
	}
}

func TestEcho(t *testing.T) {
	for _, mt := range echoMounts {
		t.Run(mt.name, mt.run)
	}
}

func render4(next echo4.HandlerFunc) echo4.HandlerFunc {
	return func(c echo4.Context) error {
		if err := next(c); err != nil {
			c.Error(err)
		}
		return nil
	}
}

func render5(next echo5.HandlerFunc) echo5.HandlerFunc {
	return func(c *echo5.Context) error {
		if err := next(c); err != nil {
			c.Echo().HTTPErrorHandler(c, err)
		}
		return nil
	}
}

// echo renders a handler's error after its middlewares have returned. A session
// handler around echo is still running then; one that is a middleware is not, unless
// a middleware inside it renders the error.
func TestEchoErrors(t *testing.T) {
	for name, test := range map[string]struct {
		handler func(s *site) http.Handler
		stored  int
	}{
		"v4, around":         {func(s *site) http.Handler { return s.m.Handler(echo4Routes(s)) }, 1},
		"v5, around":         {func(s *site) http.Handler { return s.m.Handler(echo5Routes(s)) }, 1},
		"v4, WrapMiddleware": {func(s *site) http.Handler { return echo4Routes(s, echo4.WrapMiddleware(s.m.Handler)) }, 2},
		"v5, WrapMiddleware": {func(s *site) http.Handler { return echo5Routes(s, echo5.WrapMiddleware(s.m.Handler)) }, 2},
		"v4, WrapMiddleware, errors rendered inside": {func(s *site) http.Handler {
			return echo4Routes(s, echo4.WrapMiddleware(s.m.Handler), render4)
		}, 1},
		"v5, WrapMiddleware, errors rendered inside": {func(s *site) http.Handler {
			return echo5Routes(s, echo5.WrapMiddleware(s.m.Handler), render5)
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite()
			server := quietServer(test.handler(s))
			defer server.Close()
			c := newClient(t, server.URL)
			c.get("/visit").is(200, "1")
			c.get(returnsError)
			require.Equal(t, 500, c.last.status)
			require.Equal(t, []int{test.stored}, s.stored(t))
		})
	}
}

// echo's gzip middleware loses the response to a websocket handshake, with and without
// sesame.
func TestEchoGzipWithoutSesame(t *testing.T) {
	e := echo4.New()
	e.Use(middleware4.Gzip())
	e.GET("/ws", func(c echo4.Context) error {
		conn, err := websocket.Accept(c.Response(), c.Request(), nil)
		if err == nil {
			_ = conn.Close(websocket.StatusNormalClosure, "")
		}
		return nil
	})
	server := quietServer(e)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, _, err := websocket.Dial(ctx, server.URL+"/ws", nil)
	require.Error(t, err, "then the mounts above can have websockets")
}
