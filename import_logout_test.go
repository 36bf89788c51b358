package sesame_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
)

// TestImportDestroyed: a log-out is not undone by the old cookie, whatever the
// request did before, and though the other library failed to forget it at first.
func TestImportDestroyed(t *testing.T) {
	gone := func(t *testing.T, m *sesame.Manager[member]) {
		require.Empty(t, oldVisit(m, "", func(_ context.Context, s *member) { require.Zero(t, *s) }).Cookies())
		n := 0
		for _, err := range m.OwnedBy(t.Context(), "ann") {
			require.NoError(t, err)
			n++
		}
		require.Zero(t, n)
	}
	t.Run("as the first act", func(t *testing.T) {
		old := newOtherLibrary()
		m := old.manager()
		oldVisit(m, "", func(ctx context.Context, _ *member) { m.Destroy(ctx) })
		require.Equal(t, []string{"old-token-of-ann"}, old.forgot)
		gone(t, m)
	})
	t.Run("after the import", func(t *testing.T) {
		m := newOtherLibrary().manager()
		tok := tokenOf(oldVisit(m, "", nothing))
		oldVisit(m, tok, func(ctx context.Context, _ *member) { m.Destroy(ctx) })
		gone(t, m)
	})
	t.Run("after a forgetting that failed", func(t *testing.T) {
		old, w := newOtherLibrary(), newWitness()
		old.fail = errors.New("no connection")
		m := old.manager(w.observer(), w.logger())
		tok := tokenOf(oldVisit(m, "", nothing))
		require.Equal(t, []sesame.EventKind{sesame.EventCreated, sesame.EventStoreError}, w.kinds())
		require.ErrorIs(t, w.all()[1].Err, old.fail)
		require.NotEmpty(t, tok, "the import stands")
		old.fail = nil
		oldVisit(m, tok, func(ctx context.Context, _ *member) { m.Destroy(ctx) })
		gone(t, m)
	})
	t.Run("while the other library cannot forget it", func(t *testing.T) {
		old := newOtherLibrary()
		old.stuck = true
		m := old.manager(newWitness().logger())
		tok := tokenOf(oldVisit(m, "", nothing))
		old.stuck, old.fail = false, errors.New("no connection")
		logOut := func() *http.Response {
			return oldVisit(m, tok, func(ctx context.Context, _ *member) { m.Destroy(ctx) })
		}
		res := logOut()
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode, "the old cookie would undo it")
		require.Empty(t, res.Cookies())
		res = oldVisit(m, tok, func(ctx context.Context, _ *member) {
			m.Destroy(ctx)
			require.ErrorIs(t, m.Save(ctx), old.fail)
		})
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode, "also at the second try")
		old.fail = nil
		require.Equal(t, http.StatusOK, logOut().StatusCode)
		gone(t, m)
	})
	t.Run("while the other library cannot be asked", func(t *testing.T) {
		old := newOtherLibrary()
		m := old.manager(newWitness().logger())
		tok := issue(t, m, func(s *member) { s.User = "ann" })
		logOut := func() int {
			return oldVisit(m, tok, func(ctx context.Context, _ *member) { m.Destroy(ctx) }).StatusCode
		}
		old.down = -1
		require.Equal(t, http.StatusServiceUnavailable, logOut())
		old.down = 0
		require.Equal(t, http.StatusOK, logOut())
		gone(t, m)
	})
	t.Run("before another first request has ended", func(t *testing.T) {
		m := newOtherLibrary().manager()
		oldVisit(m, "", func(ctx context.Context, _ *member) {
			require.NotEmpty(t, tokenOf(oldVisit(m, "", nothing)))
			m.Destroy(ctx)
		})
		gone(t, m)
	})
	t.Run("beside another session", func(t *testing.T) {
		old := newOtherLibrary()
		old.stuck = true
		m := old.manager()
		imported := tokenOf(oldVisit(m, "", nothing))
		tok := issue(t, m, func(s *member) { s.User = "dora" })
		oldVisit(m, tok, func(ctx context.Context, _ *member) { m.Destroy(ctx) })
		for _, ended := range []string{imported, tok} {
			within(m, ended, func(_ context.Context, s *member) { require.Zero(t, *s) })
		}
	})
	t.Run("during another first request", func(t *testing.T) {
		for _, act := range []func(*sesame.Manager[member]){
			func(m *sesame.Manager[member]) { // imported, then logged out
				tok := tokenOf(oldVisit(m, "", nothing))
				oldVisit(m, tok, func(ctx context.Context, _ *member) { m.Destroy(ctx) })
			},
			func(m *sesame.Manager[member]) { // logged out at once
				oldVisit(m, "", func(ctx context.Context, _ *member) { m.Destroy(ctx) })
			},
		} {
			w := newWitness()
			m := newOtherLibrary().manager(w.observer(), w.logger())
			res := oldVisit(m, "", func(_ context.Context, s *member) {
				act(m)
				s.Visits++
			})
			require.Empty(t, res.Cookies())
			require.Equal(t, 1, w.count(sesame.EventGone))
			gone(t, m)
		}
	})
}
