package frameworks_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"connectrpc.com/connect"
	"github.com/a-h/templ"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	recoverer "github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// serve starts a server and returns a client of it.
func serve(t *testing.T, h http.Handler) *client {
	server := quietServer(h)
	t.Cleanup(server.Close)
	return newClient(t, server.URL)
}

// outages requests a page while loads fail, and again while saves fail.
func outages(t *testing.T, s *site, c *client, path string) {
	for _, op := range []string{"load", "save"} {
		s.store.down.Store(&op)
		c.get(path).is(503, "Service Unavailable\n")
		s.store.down.Store(nil)
	}
}

func TestHuma(t *testing.T) {
	for _, recovers := range []bool{false, true} {
		t.Run(fmt.Sprint("recovers=", recovers), func(t *testing.T) {
			s := newSite()
			r := chi.NewRouter()
			r.Use(s.m.Handler)
			if recovers {
				r.Use(middleware.Recoverer)
			}
			api := humachi.New(r, huma.DefaultConfig("counter", "1"))
			type output struct{ Body struct{ N int } }
			huma.Get(api, "/visit", func(ctx context.Context, _ *struct{}) (*output, error) {
				session := s.m.Get(ctx)
				session.N++
				out := new(output)
				out.Body.N = session.N
				return out, nil
			})
			huma.Get(api, "/error", func(ctx context.Context, _ *struct{}) (*output, error) {
				s.m.Get(ctx).N++
				return nil, huma.Error500InternalServerError("broken")
			})
			huma.Get(api, "/panic", func(ctx context.Context, _ *struct{}) (*output, error) {
				s.m.Get(ctx).N++
				panic("boom")
			})
			c := serve(t, r)
			c.get("/visit")
			require.Equal(t, 200, c.last.status)
			require.Contains(t, c.last.body, `"N":1`)
			require.True(t, c.last.sets)
			for _, path := range []string{"/error", "/panic"} {
				c.get(path)
				require.True(t, c.last.status == 500 || path == "/panic" && !recovers && c.last.err != nil, "%+v", c.last)
				require.Equal(t, []int{1}, s.stored(t))
			}
			outages(t, s, c, "/visit")
			c.get("/visit")
			require.Contains(t, c.last.body, `"N":2`)
		})
	}
}

func TestConnect(t *testing.T) {
	for name, opts := range map[string][]connect.HandlerOption{
		"plain": nil,
		"WithRecover": {connect.WithRecover(func(context.Context, connect.Spec, http.Header, any) error {
			return connect.NewError(connect.CodeInternal, errBroken)
		})},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite()
			const procedure = "/counter.v1.Counter/Add"
			mux := http.NewServeMux()
			mux.Handle(procedure, connect.NewUnaryHandler(procedure, func(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.Int64Value], error) {
				session := s.m.Get(ctx)
				session.N++
				return connect.NewResponse(wrapperspb.Int64(int64(session.N))), nil
			}, opts...))
			c := serve(t, s.m.Handler(mux))
			rpc := connect.NewClient[emptypb.Empty, wrapperspb.Int64Value](c.http, c.url+procedure)
			for want := range int64(2) {
				res, err := rpc.CallUnary(t.Context(), connect.NewRequest(new(emptypb.Empty)))
				require.NoError(t, err)
				require.Equal(t, want+1, res.Msg.Value)
			}
			for _, op := range []string{"load", "save"} {
				s.store.down.Store(&op)
				_, err := rpc.CallUnary(t.Context(), connect.NewRequest(new(emptypb.Empty)))
				require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err), "%v", err)
			}
			require.Equal(t, []int{2}, s.stored(t))
		})
	}
}

func TestTempl(t *testing.T) {
	for name, opts := range map[string][]func(*templ.ComponentHandler){"buffered": nil, "streaming": {templ.WithStreaming()}} {
		t.Run(name, func(t *testing.T) {
			s := newSite()
			page := templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
				if _, err := io.WriteString(w, "<p>"); err != nil {
					return err
				}
				session := s.m.Get(ctx)
				session.N++
				_, err := fmt.Fprint(w, session.N)
				return err
			})
			c := serve(t, s.m.Handler(templ.Handler(page, opts...)))
			c.get("/").is(200, "<p>1")
			require.True(t, c.last.sets)
			c.get("/").is(200, "<p>2")
			outages(t, s, c, "/")
		})
	}
}

// fiber serves net/http handlers through its adaptor, which turns a panic into a panic
// in fiber. Without fiber's recovery middleware that ends the process. Native handlers
// of fiber run on fasthttp and have no http.ResponseWriter.
func TestFiber(t *testing.T) {
	s := newSite()
	mux := http.NewServeMux()
	for path, f := range s.pages() {
		if path != "/ws" {
			mux.HandleFunc(path, f)
		}
	}
	mux.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, 5000))
		s.m.Get(r.Context())
	})
	app := fiber.New()
	app.Use(recoverer.New())
	app.All("/*", adaptor.HTTPHandler(s.m.Handler(mux)))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() { _ = listener.Close() }) // app.Shutdown races with fasthttp's own contexts
	c := newClient(t, "http://"+listener.Addr().String())
	c.get("/visit").is(200, "1")
	require.True(t, c.last.sets)
	c.get("/visit").is(200, "2")
	c.get("/redirect")
	require.Equal(t, 303, c.last.status)
	c.get("/flush").is(200, "ab")
	c.get("/error")
	require.Equal(t, 500, c.last.status)
	c.get("/panic")
	require.True(t, c.last.err != nil || c.last.status == 500, "%+v", c.last)
	require.Equal(t, []int{4}, s.stored(t))
	c.do(http.MethodHead, "/visit").is(200, "")
	c.get("/304").is(304, "")
	outages(t, s, c, "/visit")
	op := "load"
	s.store.down.Store(&op)
	c.get("/big").is(500, "net/http handler panicked")
	s.store.down.Store(nil)
	c.get("/visit").is(200, "7")
}
