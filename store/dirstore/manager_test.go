package dirstore_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
)

// TestDamagedFileIsAnAnonymousSession sees that a damaged file does not answer
// its user with errors: the request is anonymous, the operator is told, and the
// file stays.
func TestDamagedFileIsAnAnonymousSession(t *testing.T) {
	dir := t.TempDir()
	s, err := dirstore.Open(dir)
	require.NoError(t, err)
	defer s.Close()
	type session struct{ N int }
	var events []sesame.Event
	m := sesame.New[session](sesame.WithStore(s), sesame.WithLogger(slog.New(slog.DiscardHandler)),
		sesame.WithObserver(func(_ context.Context, e sesame.Event) { events = append(events, e) }))
	visit := func(cookies []*http.Cookie, do func(*session)) []*http.Cookie {
		r, w := httptest.NewRequest("GET", "https://example.com/", nil), httptest.NewRecorder()
		for _, c := range cookies {
			r.AddCookie(c)
		}
		m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { do(m.Get(r.Context())) })).ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code)
		return w.Result().Cookies()
	}
	cookies := visit(nil, func(s *session) { s.N = 7 })

	sessions := files(t, filepath.Join(dir, "data"))
	require.Len(t, sessions, 1)
	require.NoError(t, os.WriteFile(sessions[0], []byte("torn"), 0o600))

	require.Empty(t, visit(cookies, func(s *session) { require.Zero(t, s.N) }))
	last := events[len(events)-1]
	require.Equal(t, sesame.EventKind("corrupt"), last.Kind)
	require.ErrorIs(t, last.Err, store.ErrCorrupt)
	require.ErrorContains(t, last.Err, sessions[0])
	data, err := os.ReadFile(sessions[0])
	require.NoError(t, err)
	require.Equal(t, "torn", string(data), "what cannot be read is neither deleted nor overwritten")
}
