package sesamegin_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	sesamegin "github.com/sesame-go/sesame/adapters/gin"
	"github.com/sesame-go/sesame/sesametest"
)

// TestHandleContext has gin serve another route in the same request, for which it
// clears the context, with the manager's Handler around the engine.
func TestHandleContext(t *testing.T) {
	sessions := sesame.New[visit]()
	e := gin.New()
	e.Use(sesamegin.Sessions(sessions))
	e.GET("/old", func(c *gin.Context) {
		sessions.Get(c).Times++
		c.Request.URL.Path = "/new"
		e.HandleContext(c)
	})
	e.GET("/new", func(c *gin.Context) {
		sessions.Get(c).Times += 10
		c.String(http.StatusOK, "%d", sessions.Get(c).Times)
	})
	client := sesametest.NewClient(t, sessions.Handler(e))
	for _, want := range []string{"11", "22"} {
		_, body := client.Get("/old")
		require.Equal(t, want, body)
	}
}

// TestUpgrade takes the connection over after a status 101, as websocket libraries
// do, with two managers.
func TestUpgrade(t *testing.T) {
	sessions := sesame.New[visit](sesame.WithInsecureCookie())
	admin := sesame.New[visit](sesame.WithCookie(http.Cookie{Name: "admin"}))
	e := gin.New()
	e.Use(sesamegin.Sessions(admin), sesamegin.Sessions(sessions))
	e.GET("/", func(c *gin.Context) {
		sessions.Get(c).Times++
		admin.Get(c).Times++
		c.Header("Upgrade", "echo")
		c.Header("Connection", "Upgrade")
		c.Status(http.StatusSwitchingProtocols)
		c.Writer.WriteHeaderNow()
		conn, _, err := c.Writer.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "hello")
		_ = conn.Close()
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(serve(t, e), "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
	require.NoError(t, err)
	from := bufio.NewReader(conn)
	resp, err := http.ReadResponse(from, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	require.Len(t, resp.Cookies(), 2)
	said, err := io.ReadAll(from)
	require.NoError(t, err)
	require.Equal(t, "hello", string(said))
	_ = resp.Body.Close()
}
