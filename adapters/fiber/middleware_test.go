package sesamefiber_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/compress"
	fiberrecover "github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/adapter"
	"github.com/sesame-go/sesame/adapter/adaptertest"
	sesamefiber "github.com/sesame-go/sesame/adapters/fiber"
)

// TestAdapter runs the suite with either context that fiber's users have.
func TestAdapter(t *testing.T) {
	for name, contextOf := range map[string]func(fiber.Ctx) context.Context{
		"fiber.Ctx": func(c fiber.Ctx) context.Context { return c },
		"Context":   func(c fiber.Ctx) context.Context { return c.Context() },
	} {
		for _, inside := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, recover inside %t", name, inside), func(t *testing.T) {
				adaptertest.Run(t, adaptertest.Framework{Serve: func(t *testing.T, h adaptertest.Handler, managers ...adapter.Manager) string {
					app := fiber.New()
					app.Use(fiberrecover.New())
					for _, m := range managers {
						app.Use(sesamefiber.Sessions(m))
					}
					if inside {
						app.Use(fiberrecover.New())
					}
					app.Get("/*", func(c fiber.Ctx) error { return answer(c, h(contextOf(c), c.Path())) })
					return serve(t, app)
				}})
			})
		}
	}
}

func serve(t *testing.T, app *fiber.App) string {
	listener, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	done := make(chan error)
	go func() { done <- app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		require.NoError(t, app.Shutdown())
		require.NoError(t, <-done)
	})
	return "http://" + listener.Addr().String()
}

func answer(c fiber.Ctx, a adaptertest.Answer) error {
	for name, values := range a.Header {
		for _, value := range values {
			c.Response().Header.Add(name, value)
		}
	}
	switch {
	case a.Location != "":
		_ = c.SendString(a.Body)
		return c.Redirect().Status(a.Status).To(a.Location)
	case a.Status >= 500:
		return fiber.NewError(a.Status, a.Body)
	}
	return c.Status(a.Status).SendString(a.Body)
}

type visit struct {
	Times int
	Flash string
	Agent string
}

// client keeps cookies, also Secure ones over plain HTTP.
type client struct {
	*testing.T
	url, cookie string
}

func (c *client) get(path string) (int, string, http.Header) {
	c.Helper()
	r := httptest.NewRequest(http.MethodGet, c.url+path, nil)
	r.RequestURI = ""
	r.Header.Set("Cookie", c.cookie)
	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(c, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(c, err)
	for _, set := range resp.Cookies() {
		if strings.Contains(set.Name, "session_id") {
			c.cookie = set.Name + "=" + set.Value
		}
	}
	return resp.StatusCode, string(body), resp.Header
}

// TestIdioms are the ways of fiber that have to do with sessions.
func TestIdioms(t *testing.T) {
	sessions := sesame.New[visit]()
	app := fiber.New(fiber.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
		s := sessions.Get(c)
		_ = c.Status(http.StatusTeapot).SendString(s.Flash + " " + err.Error())
		s.Flash = ""
		return nil
	}})
	group := app.Group("/shop", func(c fiber.Ctx) error {
		c.Set("X-Outer", "kept")
		return c.Next()
	}, compress.New(), sesamefiber.Sessions(sessions))
	group.Get("/count", func(c fiber.Ctx) error {
		s := sessions.Get(c)
		s.Times++
		s.Flash = "hello"
		c.Cookie(&fiber.Cookie{Name: "own", Value: "1"})
		c.Vary("Accept-Language")
		return c.JSON(s.Times)
	})
	group.Get("/error", func(c fiber.Ctx) error { sessions.Get(c).Times++; return errors.New("sorry") })

	c := &client{T: t, url: serve(t, app)}
	_, body, header := c.get("/shop/count")
	require.Equal(t, "1", body)
	require.Len(t, header.Values("Set-Cookie"), 2)
	require.Equal(t, "no-store", header.Get("Cache-Control"))
	require.Equal(t, "kept", header.Get("X-Outer"))
	require.Contains(t, strings.Join(header.Values("Vary"), ","), "Cookie")
	require.Contains(t, strings.Join(header.Values("Vary"), ","), "Accept-Language")
	status, body, header := c.get("/shop/error")
	require.Equal(t, http.StatusTeapot, status)
	require.Equal(t, "hello sorry", body)
	require.Empty(t, header.Values("Set-Cookie"))
	_, body, _ = c.get("/shop/error")
	require.Equal(t, " sorry", body)
	_, body, _ = c.get("/shop/count")
	require.Equal(t, "4", body)
	status, body, _ = c.get("/shop/nowhere")
	require.Equal(t, http.StatusTeapot, status)
	require.Contains(t, body, "hello")
}

// TestErrorHandlerWithoutSession fails to load in the handler, and once more in the
// app's ErrorHandler.
func TestErrorHandlerWithoutSession(t *testing.T) {
	var told error
	sessions := sesame.New[visit](sesame.WithImport(func(*http.Request) (sesame.Import[visit], bool) {
		return sesame.Import[visit]{Err: errors.New("the other store is down at 10.0.0.7")}, false
	}))
	app := fiber.New(fiber.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
		told = err
		sessions.Get(c)
		return c.SendString("unreachable")
	}})
	app.Use(sesamefiber.Sessions(sessions))
	app.Get("/", func(c fiber.Ctx) error { sessions.Get(c); return nil })
	status, body, _ := (&client{T: t, url: serve(t, app)}).get("/")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "Service Unavailable", body, "clients learn nothing of the failure")
	require.ErrorIs(t, told, sesame.ErrStore)
	e, ok := errors.AsType[*fiber.Error](told)
	require.True(t, ok)
	require.Equal(t, http.StatusServiceUnavailable, e.Code)
}

// TestImportSeesTheRequest gives the import function a request of net/http's.
func TestImportSeesTheRequest(t *testing.T) {
	sessions := sesame.New[visit](sesame.WithImport(func(r *http.Request) (sesame.Import[visit], bool) {
		c, err := r.Cookie("old")
		if err != nil || r.URL.Path != "/page" || r.URL.RawQuery != "q=1" || r.Method != http.MethodGet || r.Host == "" {
			return sesame.Import[visit]{}, false
		}
		return sesame.Import[visit]{Token: c.Value, Session: visit{Times: 41}}, true
	}))
	app := fiber.New()
	app.Use(sesamefiber.Sessions(sessions))
	app.Get("/page", func(c fiber.Ctx) error {
		s := sessions.Get(c)
		s.Times++
		return c.JSON(s.Times)
	})
	c := &client{T: t, url: serve(t, app), cookie: "a=b; old=secret"}
	_, body, _ := c.get("/page?q=1")
	require.Equal(t, "42", body)
}

// TestReusedMemory keeps a session's context beyond its request, while fasthttp
// uses the request's memory for others. ReduceMemoryUsage has it do so at once.
func TestReusedMemory(t *testing.T) {
	sessions := sesame.New[visit]()
	app := fiber.New(fiber.Config{ReduceMemoryUsage: true})
	app.Use(sesamefiber.Sessions(sessions))
	var mu sync.Mutex
	kept := map[string]context.Context{}
	app.Get("/login/:name", func(c fiber.Ctx) error {
		sessions.Get(c).Agent = strings.Clone(c.Params("name"))
		return nil
	})
	app.Get("/keep/:name", func(c fiber.Ctx) error { // does not load: the context outlives the request untouched
		mu.Lock()
		defer mu.Unlock()
		kept[strings.Clone(c.Params("name"))] = c.Context()
		return nil
	})
	url := serve(t, app)
	const users = 32
	var all sync.WaitGroup
	for i := range users {
		all.Go(func() {
			c := &client{T: t, url: url}
			name := fmt.Sprintf("user%d", i)
			c.get("/login/" + name)
			c.get("/keep/" + name)
		})
	}
	all.Wait()
	for range 3 * users { // poison
		c := &client{T: t, url: url, cookie: strings.Repeat("x", 200)}
		c.get("/login/poison")
	}
	require.Len(t, kept, users)
	for name, ctx := range kept {
		s, err := sessions.Load(ctx)
		require.NoError(t, err)
		require.Equal(t, name, s.Agent)
	}
}

func TestNil(t *testing.T) {
	require.PanicsWithValue(t, "sesamefiber: Sessions(nil): give it the manager, sesame.New[T]()", func() { sesamefiber.Sessions(nil) })
}

func TestDeviceBinding(t *testing.T) {
	require.PanicsWithValue(t, "sesamefiber: WithDeviceBinding needs the manager's Handler, which answers the browser: leave it out, or serve these users by net/http",
		func() { sesamefiber.Sessions(sesame.New[visit](sesame.WithDeviceBinding())) })
}
