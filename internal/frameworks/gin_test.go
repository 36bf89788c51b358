package frameworks_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/gin-contrib/gzip"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
)

func ginEngine(s *site, use ...gin.HandlerFunc) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.Use(use...)
	for path, f := range s.pages() {
		serve := func(c *gin.Context) { f(c.Writer, c.Request) }
		e.GET(path, serve)
		e.HEAD(path, serve)
	}
	return e
}

func TestGin(t *testing.T) {
	logger := gin.LoggerWithWriter(io.Discard)
	recovery := gin.RecoveryWithWriter(io.Discard)
	for _, mt := range []mount{
		{name: "around", handler: func(s *site) http.Handler { return s.m.Handler(ginEngine(s, logger, recovery)) }},
		{name: "around, with gzip", noWS: true, handler: func(s *site) http.Handler {
			return s.m.Handler(ginEngine(s, logger, recovery, gzip.Gzip(gzip.DefaultCompression)))
		}},
	} {
		t.Run(mt.name, mt.run)
	}
}

// gin's own helpers assert that the writer is an http.CloseNotifier.
func TestGinStream(t *testing.T) {
	s := newSite()
	e := ginEngine(s)
	e.GET("/stream", func(c *gin.Context) {
		n := 0
		s.m.Get(c.Request.Context()).N++
		c.Stream(func(w io.Writer) bool {
			n++
			fmt.Fprint(w, n)
			return n < 3
		})
	})
	server := quietServer(s.m.Handler(e))
	defer server.Close()
	c := newClient(t, server.URL)
	c.get("/stream").is(200, "123")
	require.True(t, c.last.sets)
	c.get("/visit").is(200, "2")
}

// A handler that is registered with gin as a separate middleware bypasses the session
// handler's writer. The session handler reports that.
func TestGinAsMiddleware(t *testing.T) {
	s := newSite()
	e := gin.New()
	e.Use(func(c *gin.Context) {
		s.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			c.Request = r
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
	})
	e.GET("/visit", func(c *gin.Context) {
		s.m.Get(c.Request.Context()).N++
		c.String(200, "page")
	})
	server := quietServer(e)
	defer server.Close()
	c := newClient(t, server.URL)
	c.get("/visit").is(200, "page")
	require.False(t, c.last.sets)
	require.Empty(t, s.stored(t), "a session whose cookie cannot go out is not created")
}
