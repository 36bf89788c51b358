package sesamegin_test

import (
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	gingzip "github.com/gin-contrib/gzip"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/adapter"
	"github.com/sesame-go/sesame/adapter/adaptertest"
	sesamegin "github.com/sesame-go/sesame/adapters/gin"
	"github.com/sesame-go/sesame/sesametest"
)

func init() { gin.SetMode(gin.ReleaseMode) }

// TestAdapter runs the suite with either context that gin's users have.
func TestAdapter(t *testing.T) {
	for name, recovery := range map[string]func(*gin.Engine, ...gin.HandlerFunc){
		"recovery outside": func(e *gin.Engine, sessions ...gin.HandlerFunc) {
			e.Use(gin.RecoveryWithWriter(io.Discard))
			e.Use(sessions...)
		},
		"recovery inside too": func(e *gin.Engine, sessions ...gin.HandlerFunc) {
			e.Use(gin.RecoveryWithWriter(io.Discard))
			e.Use(sessions...)
			e.Use(gin.RecoveryWithWriter(io.Discard))
		},
	} {
		t.Run(name, func(t *testing.T) {
			adaptertest.Run(t, adaptertest.Framework{Streams: true, Binds: true, Serve: func(t *testing.T, h adaptertest.Handler, managers ...adapter.Manager) string {
				var sessions []gin.HandlerFunc
				for _, m := range managers {
					sessions = append(sessions, sesamegin.Sessions(m.(sesamegin.Manager)))
				}
				e := gin.New()
				recovery(e, sessions...)
				e.NoRoute(func(c *gin.Context) { c.String(http.StatusNotFound, "no route") })
				e.GET("/*path", func(c *gin.Context) { answer(c, h(c, c.Request.URL.Path)) })
				return serve(t, e)
			}})
		})
	}
}

func serve(t *testing.T, h http.Handler) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func answer(c *gin.Context, a adaptertest.Answer) {
	maps.Copy(c.Writer.Header(), a.Header)
	switch {
	case a.Then != nil:
		sent := false
		c.Stream(func(w io.Writer) bool {
			if sent {
				a.Then()
				return false
			}
			sent = true
			_, _ = io.WriteString(w, a.Body)
			return true
		})
	case a.Location != "":
		c.Redirect(a.Status, a.Location)
	default:
		c.String(a.Status, "%s", a.Body)
	}
}

type visit struct {
	Times int
	Flash string
}

// TestIdioms are the ways of gin that have to do with sessions.
func TestIdioms(t *testing.T) {
	sessions := sesame.New[visit]()
	e := gin.New()
	e.Use(gin.RecoveryWithWriter(io.Discard))
	e.GET("/outside", func(c *gin.Context) { sessions.Get(c) })
	group := e.Group("/shop", sesamegin.Sessions(sessions))
	count := func(c *gin.Context) {
		s := sessions.Get(c)
		s.Times++
		c.JSON(http.StatusOK, gin.H{"times": s.Times})
	}
	group.GET("/count", count)
	group.GET("/request", func(c *gin.Context) { count(c); require.Equal(t, 2, sessions.Get(c.Request.Context()).Times) })
	group.GET("/copy", func(c *gin.Context) {
		done := make(chan error)
		copied := c.Copy()
		go func() {
			done <- sessions.Update(copied, func(v *visit) error { v.Times++; return nil })
		}()
		require.NoError(t, <-done)
		c.String(http.StatusOK, "%d", sessions.Get(c).Times)
	})
	group.GET("/abort", func(c *gin.Context) { sessions.Get(c).Times++; c.AbortWithStatus(http.StatusForbidden) })
	group.GET("/status", func(c *gin.Context) { sessions.Get(c).Times += 100; c.Status(http.StatusInternalServerError) })
	group.GET("/none", func(c *gin.Context) { sessions.Get(c).Times++; c.Status(http.StatusNoContent) })
	group.GET("/file", func(c *gin.Context) { sessions.Get(c).Times++; c.File("middleware.go") })

	client := sesametest.NewClient(t, e)
	get := func(path string, status int, body string) {
		t.Helper()
		resp, got := client.Get(path)
		require.Equal(t, status, resp.StatusCode, path)
		require.Contains(t, got, body, path)
	}
	get("/outside", 500, "")
	get("/shop/count", 200, `{"times":1}`)
	get("/shop/request", 200, `{"times":2}`)
	get("/shop/copy", 200, "3")
	get("/shop/abort", 403, "")
	get("/shop/count", 200, `{"times":5}`)
	get("/shop/status", 500, "")
	get("/shop/none", 204, "")
	get("/shop/file", 200, "package sesamegin")
	get("/shop/count", 200, `{"times":8}`)
	get("/shop/nowhere", 404, "404 page not found")
}

// TestGzip compresses inside and outside of the sessions, pages that fit into
// what is held and pages that do not.
func TestGzip(t *testing.T) {
	sessions := sesame.New[visit](sesame.WithInsecureCookie())
	for _, order := range []string{"gzip inside", "gzip outside"} {
		for _, length := range []int{1, 2000, 3000, 100_000} {
			e := gin.New()
			if order == "gzip inside" {
				e.Use(sesamegin.Sessions(sessions), gingzip.Gzip(gingzip.DefaultCompression))
			} else {
				e.Use(gingzip.Gzip(gingzip.DefaultCompression), sesamegin.Sessions(sessions))
			}
			page := strings.Repeat("x", length)
			e.GET("/", func(c *gin.Context) {
				sessions.Get(c).Times++
				c.String(http.StatusOK, "%s", page)
			})
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, serve(t, e)+"/", nil)
			require.NoError(t, err)
			r.Header.Set("Accept-Encoding", "gzip")
			resp, err := http.DefaultTransport.RoundTrip(r)
			require.NoError(t, err)
			require.Equal(t, "gzip", resp.Header.Get("Content-Encoding"))
			require.Len(t, resp.Cookies(), 1)
			body, err := gzip.NewReader(resp.Body)
			require.NoError(t, err, "%s, %d bytes", order, length)
			got, err := io.ReadAll(body)
			require.NoError(t, err, "%s, %d bytes", order, length)
			require.Equal(t, page, string(got), "%s, %d bytes", order, length)
			require.NoError(t, resp.Body.Close())
		}
	}
}

// TestErrorPage renders an error of gin.Context.Errors inside, which takes a
// message out of the session, and outside, where there is none.
func TestErrorPage(t *testing.T) {
	sessions := sesame.New[visit]()
	render := func(c *gin.Context) {
		c.Next()
		if len(c.Errors) > 0 {
			s := sessions.Get(c)
			c.String(http.StatusBadRequest, "%s %s", s.Flash, c.Errors[0].Err)
			s.Flash = ""
		}
	}
	build := func(middlewares ...gin.HandlerFunc) *gin.Engine {
		e := gin.New()
		e.Use(gin.RecoveryWithWriter(io.Discard))
		e.Use(middlewares...)
		e.GET("/flash", func(c *gin.Context) { sessions.Get(c).Flash = "hello"; sessions.Get(c).Times = 1 })
		e.GET("/error", func(c *gin.Context) { _ = c.Error(io.ErrUnexpectedEOF) })
		return e
	}
	client := sesametest.NewClient(t, build(sesamegin.Sessions(sessions), render))
	client.Get("/flash")
	_, body := client.Get("/error")
	require.Equal(t, "hello unexpected EOF", body)
	_, body = client.Get("/error")
	require.Equal(t, " unexpected EOF", body)

	client = sesametest.NewClient(t, build(render, sesamegin.Sessions(sessions)))
	resp, _ := client.Get("/error")
	require.Equal(t, http.StatusInternalServerError, resp.StatusCode, "the session has been settled: what the page changes would be lost")
}

func TestNil(t *testing.T) {
	require.PanicsWithValue(t, "sesamegin: Sessions(nil): give it the manager, sesame.New[T]()", func() { sesamegin.Sessions(nil) })
}

// TestSize has middlewares inside and outside ask what was written.
func TestSize(t *testing.T) {
	sessions := sesame.New[visit]()
	var sizes, statuses []int
	ask := func(c *gin.Context) {
		c.Next()
		sizes = append(sizes, c.Writer.Size())
		statuses = append(statuses, c.Writer.Status())
	}
	e := gin.New()
	e.Use(ask, sesamegin.Sessions(sessions), ask)
	e.GET("/", func(c *gin.Context) { sessions.Get(c).Times++; c.String(http.StatusCreated, "12345") })
	e.GET("/silent", func(c *gin.Context) { sessions.Get(c).Times++ })
	client := sesametest.NewClient(t, e)
	client.Get("/")
	require.Equal(t, []int{5, 5}, sizes)
	require.Equal(t, []int{201, 201}, statuses)
	sizes = nil
	client.Get("/silent")
	require.Equal(t, []int{-1, -1}, sizes)
}
