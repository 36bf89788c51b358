package sealed_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestManager sees what a request gets of a session that cannot be opened: it
// is anonymous, and an event tells why.
func TestManager(t *testing.T) {
	type session struct{ N int }
	inner := memstore.New()
	const token = "AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA"
	var events []sesame.Event
	visit := func(s store.Store) *httptest.ResponseRecorder {
		m := sesame.New[session](sesame.WithStore(s), sesame.WithInsecureCookie(),
			sesame.WithObserver(func(_ context.Context, e sesame.Event) { events = append(events, e) }),
			sesame.WithSessions(map[string]session{token: {N: 7}}))
		h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, m.Get(r.Context()).N)
		}))
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.AddCookie(&http.Cookie{Name: "session_id", Value: token})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	w := visit(seal(t, inner, secret(1)))
	assert.Equal(t, "7", w.Body.String())

	events = nil
	w = visit(seal(t, inner, secret(2)))
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "0", w.Body.String())
	assert.Empty(t, w.Header().Values("Set-Cookie"))
	require.NotEmpty(t, events)
	last := events[len(events)-1]
	assert.Equal(t, sesame.EventKind("corrupt"), last.Kind)
	assert.ErrorContains(t, last.Err, "sealed: none of the 1 keys opens this session")
	assert.Equal(t, 1, inner.Len(), "the record is left alone")
}
