package sesameecho_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	sesameecho "github.com/sesame-go/sesame/adapters/echo"
	"github.com/sesame-go/sesame/internal/dbsc"
	"github.com/sesame-go/sesame/internal/dbsc/dbsctest"
)

type member struct{ User string }

func (m *member) Owner() string { return m.User }

// TestDeviceBinding registers a device by the address that the middleware answers
// and the router does not know.
func TestDeviceBinding(t *testing.T) {
	sessions := sesame.New[member](sesame.WithDeviceBinding())
	e := newEcho()
	e.Use(sesameecho.Sessions(sessions))
	e.POST("/login", func(c *echo.Context) error {
		sessions.Get(c.Request().Context()).User = "ann"
		sessions.Renew(c.Request().Context())
		return nil
	})
	e.POST("/device", func(c *echo.Context) error {
		return c.String(http.StatusOK, sessions.Info(c.Request().Context()).Device.String())
	})
	browser := map[string]string{}
	post := func(path string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "https://example.com"+path, nil)
		for name, value := range browser {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			browser[c.Name] = c.Value
		}
		return w
	}
	path, challenge := dbsctest.Offer(post("/login").Header())
	require.NotEmpty(t, challenge)
	w := post(path, dbsc.HeaderResponse, dbsctest.New().Registration(challenge))
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Contains(t, w.Body.String(), "session_identifier")
	require.NotContains(t, w.Body.String(), "page not found")
	require.Len(t, browser, 2, "the session's cookie and the proof")
	require.Equal(t, "bound", post("/device").Body.String())
}
