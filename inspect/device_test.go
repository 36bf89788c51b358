package inspect_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/inspect"
)

type bound struct{ User string }

func (b *bound) Owner() string { return b.User }

// TestDevice shows of a log-in that it was offered to the browser's device.
func TestDevice(t *testing.T) {
	sessions := sesame.New[bound](sesame.WithDeviceBinding())
	page := inspect.Handler(sessions, inspect.Allow(func(*http.Request) bool { return true }))
	id := ""
	logIn := sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sessions.Get(r.Context()).User = "ann"
		sessions.Renew(r.Context())
		require.NoError(t, sessions.Save(r.Context()))
		id = sessions.Info(r.Context()).ID
	}))
	logIn.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "https://example.com/login", nil))
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest("GET", "https://example.com/inspect/session/"+id, nil))
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), "<dt>Device</dt><dd>offered, not bound</dd>")
}
