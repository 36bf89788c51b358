package bench

import (
	"bytes"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/session"
	"github.com/valyala/fasthttp"
)

// fiberSite is fiber's session middleware. It loads the session before the
// handler and saves it after, whether it was used or not; that moves the idle
// timeout. Visitors without a session get one.
type fiberSite struct {
	v       values
	held    *gate
	config  session.Config
	closers ioClosers
}

func newFiberSite(s Session, storage fiber.Storage, closers ioClosers) Site {
	store := session.NewStore(session.Config{
		Storage: storage, IdleTimeout: idle, AbsoluteTimeout: lifetime,
		CookieSecure: true, CookieHTTPOnly: true, CookieSessionOnly: true,
		ErrorHandler: func(_ fiber.Ctx, err error) { panic(err) },
	})
	config := store.Config
	config.Store = store
	return &fiberSite{s.values(), new(gate), config, closers}
}

func (f *fiberSite) Client(op Op) Client {
	do := act(op, f.v, f.held)
	app := fiber.New()
	app.Use(session.New(f.config))
	app.Get("/", func(c fiber.Ctx) error {
		answer := ok
		if do != nil {
			s := session.FromContext(c)
			if op == Renew {
				if err := s.Regenerate(); err != nil {
					return err
				}
			}
			answer = do(s)
		}
		return c.Send(answer)
	})
	return newFiberClient(app)
}

func (f *fiberSite) Close() error { return f.closers.Close() }

// fiberClient calls fiber's handler as fasthttp's server does, with the same
// request and response each time.
type fiberClient struct {
	handle fasthttp.RequestHandler
	ctx    fasthttp.RequestCtx
}

func newFiberClient(app *fiber.App) *fiberClient {
	c := &fiberClient{handle: app.Handler()}
	c.ctx.Init(&fasthttp.Request{}, nil, nil)
	c.ctx.Request.SetRequestURI("/")
	c.ctx.Request.Header.SetMethod(fiber.MethodGet)
	c.ctx.Request.Header.SetHost("localhost")
	return c
}

func (c *fiberClient) Do(cookie string) {
	c.ctx.ResetUserValues()
	c.ctx.Response.Reset()
	c.ctx.Request.Header.DelAllCookies() // Set adds to those that are there
	if cookie != "" {
		c.ctx.Request.Header.Set(fiber.HeaderCookie, cookie)
	}
	c.handle(&c.ctx)
}

func (c *fiberClient) Cookie() string {
	for _, set := range c.ctx.Response.Header.Cookies() {
		pair, _, _ := bytes.Cut(set, []byte(";"))
		return string(pair)
	}
	return ""
}

func (c *fiberClient) Status() int  { return c.ctx.Response.StatusCode() }
func (c *fiberClient) Body() []byte { return c.ctx.Response.Body() }

func openFiberMemory(s Session, _ Place) (Site, error) { return newFiberSite(s, nil, nil), nil }

// openFiberBare is fiber without sessions: what of the figures is fiber's own.
func openFiberBare(Session, Place) (Site, error) {
	app := fiber.New()
	app.Get("/", func(c fiber.Ctx) error { return c.Send(ok) })
	return fiberBare{app}, nil
}

type fiberBare struct{ app *fiber.App }

func (f fiberBare) Client(Op) Client { return newFiberClient(f.app) }
func (fiberBare) Close() error       { return nil }
