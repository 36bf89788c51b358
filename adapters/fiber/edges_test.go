package sesamefiber_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/cache"
	fiberrecover "github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/gofiber/fiber/v3/middleware/timeout"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	sesamefiber "github.com/sesame-go/sesame/adapters/fiber"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// full is a store in memory that has no room.
type full struct{ *memstore.Store }

func (full) Save(context.Context, store.Key, store.Record) (uint64, error) {
	return 0, errors.New("no room")
}

// TestHijack upgrades a connection in a request that comes to nothing: the client
// that was told so must not meet a websocket.
func TestHijack(t *testing.T) {
	sessions := sesame.New[visit](sesame.WithStore(full{memstore.New()}))
	app := fiber.New()
	app.Use(fiberrecover.New(), sesamefiber.Sessions(sessions))
	app.Get("/:how", func(c fiber.Ctx) error {
		sessions.Get(c).Times++
		c.RequestCtx().Hijack(func(net.Conn) { t.Error("the connection was taken over") })
		if c.Params("how") == "panic" {
			panic("the handler's")
		}
		return c.SendStatus(http.StatusSwitchingProtocols)
	})
	c := &client{T: t, url: serve(t, app)}
	for how, want := range map[string]int{"panic": 500, "fail": 503} {
		status, _, _ := c.get("/" + how)
		require.Equal(t, want, status)
		status, _, _ = c.get("/" + how) // on the same connection
		require.Equal(t, want, status)
	}
}

// TestTimeout has fiber's timeout middleware answer while the handler goes on.
func TestTimeout(t *testing.T) {
	sessions := sesame.New[visit]()
	answered, ended := make(chan struct{}), make(chan struct{})
	app := fiber.New()
	app.Use(sesamefiber.Sessions(sessions))
	app.Get("/", timeout.New(func(c fiber.Ctx) error {
		defer close(ended)
		s := sessions.Get(c)
		for {
			select {
			case <-answered:
				return nil
			default:
				s.Times++
			}
		}
	}, timeout.Config{Timeout: 10 * time.Millisecond}))
	status, _, header := (&client{T: t, url: serve(t, app)}).get("/")
	close(answered)
	<-ended
	require.Equal(t, http.StatusRequestTimeout, status)
	require.Empty(t, header.Values("Set-Cookie"))
	n, err := sessions.Count(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "no client has its token")
}

type custom struct{ *fiber.DefaultCtx }

// TestMounted has a mounted app with an ErrorHandler of its own and a context of
// the program's.
func TestMounted(t *testing.T) {
	sessions := sesame.New[visit]()
	shop := fiber.New(fiber.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
		s := sessions.Get(c)
		s.Times += 10
		return c.Status(http.StatusTeapot).SendString(fmt.Sprint(s.Times, " ", err))
	}})
	shop.Get("/error", func(c fiber.Ctx) error { sessions.Get(c).Times++; return errors.New("sorry") })
	shop.Get("/redirect", func(c fiber.Ctx) error { sessions.Get(c).Times++; return c.Redirect().With("k", "v").To("/") })
	app := fiber.NewWithCustomCtx(func(app *fiber.App) fiber.CustomCtx { return &custom{fiber.NewDefaultCtx(app)} })
	app.Use(sesamefiber.Sessions(sessions))
	app.Use("/shop", shop)
	c := &client{T: t, url: serve(t, app)}
	status, body, header := c.get("/shop/error")
	require.Equal(t, http.StatusTeapot, status)
	require.Equal(t, "11 sorry", body)
	require.Len(t, header.Values("Set-Cookie"), 1)
	status, _, header = c.get("/shop/redirect")
	require.Equal(t, http.StatusSeeOther, status)
	require.Len(t, header.Values("Set-Cookie"), 1, "fiber's own flash message")
	_, body, _ = c.get("/shop/error")
	require.Equal(t, "23 sorry", body)
}

// TestStreamWriter changes the session by a stream writer, which fasthttp starts at
// once, beside the handler.
func TestStreamWriter(t *testing.T) {
	sessions := sesame.New[visit]()
	app := fiber.New()
	app.Use(sesamefiber.Sessions(sessions))
	app.Get("/", func(c fiber.Ctx) error {
		sessions.Get(c).Times++
		if err := sessions.Save(c); err != nil {
			return err
		}
		ctx := c.Context()
		return c.SendStreamWriter(func(w *bufio.Writer) {
			times := 0
			err := sessions.Update(ctx, func(v *visit) error { v.Times += 10; times = v.Times; return nil })
			_, _ = fmt.Fprint(w, times, " ", err)
		})
	})
	c := &client{T: t, url: serve(t, app)}
	for _, want := range []string{"11 <nil>", "22 <nil>"} {
		_, body, _ := c.get("/")
		require.Equal(t, want, body)
	}
}

// TestImportInGoroutine looks for another library's session in a goroutine, while
// the handler reads the request.
func TestImportInGoroutine(t *testing.T) {
	sessions := sesame.New[visit](sesame.WithImport(func(r *http.Request) (sesame.Import[visit], bool) {
		c, err := r.Cookie("old")
		if err != nil {
			return sesame.Import[visit]{}, false
		}
		return sesame.Import[visit]{Token: c.Value, Session: visit{Times: 41}}, true
	}))
	app := fiber.New()
	app.Use(sesamefiber.Sessions(sessions))
	app.Get("/", func(c fiber.Ctx) error {
		ctx := c.Context()
		var beside sync.WaitGroup
		beside.Go(func() {
			if err := sessions.Update(ctx, func(v *visit) error { v.Times++; return nil }); err != nil {
				t.Error(err)
			}
		})
		for range 100 {
			_, _ = c.Get("Accept"), c.Cookies("other")
		}
		beside.Wait()
		return c.JSON(sessions.Get(c).Times)
	})
	url := serve(t, app)
	for i := range 10 {
		_, body, _ := (&client{T: t, url: url, cookie: fmt.Sprint("old=secret", i)}).get("/")
		require.Equal(t, "42", body)
	}
}

// TestCache has fiber's cache in front of the sessions, which tell it what it may
// serve to others.
func TestCache(t *testing.T) {
	sessions := sesame.New[visit]()
	app := fiber.New()
	app.Use(cache.New(), sesamefiber.Sessions(sessions))
	app.Get("/login/:name", func(c fiber.Ctx) error { sessions.Get(c).Agent = strings.Clone(c.Params("name")); return nil })
	app.Get("/me", func(c fiber.Ctx) error { return c.SendString(sessions.Get(c).Agent) })
	app.Get("/plain", func(c fiber.Ctx) error { return c.SendString("plain") })
	url := serve(t, app)
	for range 2 {
		for _, name := range []string{"ann", "bob"} {
			c := &client{T: t, url: url}
			c.get("/login/" + name)
			require.NotEmpty(t, c.cookie)
			_, body, _ := c.get("/me")
			require.Equal(t, name, body)
			c.get("/plain")
		}
	}
	_, _, header := (&client{T: t, url: url}).get("/plain")
	require.Equal(t, "hit", header.Get("X-Cache"))
}

// TestErrorHandlerPanics over a session that cannot be saved: nothing that it or the
// handler wrote leaves with the page of the recovery.
func TestErrorHandlerPanics(t *testing.T) {
	sessions := sesame.New[visit](sesame.WithStore(full{memstore.New()}))
	app := fiber.New(fiber.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
		if errors.Is(err, sesame.ErrStore) {
			c.Set("X-Page", "1")
			panic("the error handler's")
		}
		return c.SendStatus(http.StatusInternalServerError)
	}})
	app.Use(fiberrecover.New(), sesamefiber.Sessions(sessions))
	app.Get("/", func(c fiber.Ctx) error {
		sessions.Get(c).Times++
		c.Set("X-Own", "1")
		return c.SendString("page")
	})
	status, body, header := (&client{T: t, url: serve(t, app)}).get("/")
	require.Equal(t, http.StatusInternalServerError, status)
	require.NotContains(t, body, "page")
	require.Empty(t, header.Get("X-Own")+header.Get("X-Page"))
}
