package sesame_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestNotImported: what cannot be told from other sessions, or is over, or
// comes too late to be told its token, stays where it is.
func TestNotImported(t *testing.T) {
	t.Run("without a token", func(t *testing.T) {
		w := newWitness()
		m := sesame.New[member](w.logger(), sesame.WithImport(func(*http.Request) (sesame.Import[member], bool) {
			return sesame.Import[member]{Session: member{User: "ann"}}, true
		}))
		require.Empty(t, oldVisit(m, "", func(_ context.Context, s *member) { require.Zero(t, *s) }).Cookies())
		require.Contains(t, w.log.String(), "without its Token")
	})
	t.Run("expired", func(t *testing.T) {
		old := newOtherLibrary()
		old.expires = time.Now().Add(-time.Second)
		require.Empty(t, oldVisit(old.manager(), "", func(_ context.Context, s *member) { require.Zero(t, *s) }).Cookies())
	})
	t.Run("an error page", func(t *testing.T) {
		old, st := newOtherLibrary(), memstore.New()
		m := old.manager(sesame.WithStore(st))
		r := httptest.NewRequest("GET", "https://example.com/", nil)
		r.AddCookie(&http.Cookie{Name: "old", Value: "old-token-of-ann"})
		res := visitWith(m, r, func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, "ann", m.Get(r.Context()).User)
			w.WriteHeader(http.StatusInternalServerError)
		})
		require.Empty(t, res.Cookies())
		require.Zero(t, st.Len())
		require.Empty(t, old.forgot)
	})
	t.Run("too late", func(t *testing.T) {
		old, w := newOtherLibrary(), newWitness()
		m := old.manager(w.observer(), w.logger())
		r := httptest.NewRequest("GET", "https://example.com/", nil)
		r.AddCookie(&http.Cookie{Name: "old", Value: "old-token-of-ann"})
		visitWith(m, r, func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			require.Equal(t, "ann", m.Get(r.Context()).User)
		})
		require.Equal(t, 1, w.count(sesame.EventLate))
		require.Empty(t, old.forgot)
	})
	t.Run("the store is down", func(t *testing.T) {
		old, st := newOtherLibrary(), newFake()
		st.down("save")
		m := old.manager(sesame.WithStore(st), newWitness().logger())
		res := oldVisit(m, "", nothing)
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
		require.Empty(t, res.Cookies())
		require.Empty(t, old.forgot)
	})
	t.Run("the other store is down", func(t *testing.T) {
		old, w, st := newOtherLibrary(), newWitness(), memstore.New()
		old.down = -1
		m := old.manager(sesame.WithStore(st), w.observer(), w.logger())
		res := oldVisit(m, "", func(_ context.Context, s *member) { s.Visits++ })
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
		require.Empty(t, res.Cookies())
		require.Zero(t, st.Len(), "a session of its own would hide the one to be imported")
		require.Equal(t, []sesame.EventKind{sesame.EventStoreError}, w.kinds())
		require.ErrorIs(t, w.all()[0].Err, errOtherDown)
		require.NotContains(t, w.log.String(), "old-token-of-ann")

		old.down = 0
		oldVisit(m, "", func(_ context.Context, s *member) { require.Equal(t, member{User: "ann"}, *s) })
	})
	t.Run("the other store does not answer", func(t *testing.T) {
		w := newWitness()
		hangs := func(r *http.Request) (imp sesame.Import[member], ok bool) {
			<-r.Context().Done()
			imp.Err = r.Context().Err()
			return imp, false
		}
		m := sesame.New[member](sesame.WithImport(hangs), sesame.WithStoreTimeout(20*time.Millisecond), w.observer(), w.logger())
		require.Equal(t, http.StatusServiceUnavailable, oldVisit(m, "", nothing).StatusCode)
		require.ErrorContains(t, w.all()[0].Err, "no answer within WithStoreTimeout")
	})
	t.Run("no old cookie", func(t *testing.T) {
		old, st := newOtherLibrary(), newFake()
		st.down("load")
		m := old.manager(sesame.WithStore(st))
		res := visitWith(m, httptest.NewRequest("GET", "https://example.com/", nil), func(_ http.ResponseWriter, r *http.Request) {
			require.Zero(t, *m.Get(r.Context()))
		})
		require.Equal(t, http.StatusOK, res.StatusCode, "no store is asked")
	})
	t.Run("the other store goes down", func(t *testing.T) {
		old := newOtherLibrary()
		old.down = 2 // once the session is stored here
		m := old.manager(newWitness().logger())
		res := oldVisit(m, "", func(_ context.Context, s *member) { s.Visits++ })
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
		require.Empty(t, res.Cookies())
		require.Empty(t, old.forgot)
		require.NotEmpty(t, tokenOf(oldVisit(m, "", func(_ context.Context, s *member) { require.Equal(t, member{"ann", 1}, *s) })))
	})
	t.Run("beside two sessions", func(t *testing.T) {
		old, w := newOtherLibrary(), newWitness()
		m := old.manager(w.observer(), w.logger())
		r := httptest.NewRequest("GET", "https://example.com/", nil)
		r.AddCookie(&http.Cookie{Name: "old", Value: "old-token-of-ann"})
		for _, user := range []string{"dora", "emil"} {
			r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: issue(t, m, func(s *member) { s.User = user })})
		}
		res := visitWith(m, r, func(_ http.ResponseWriter, r *http.Request) { require.Zero(t, *m.Get(r.Context())) })
		require.Empty(t, res.Cookies())
		require.Equal(t, 1, w.count(sesame.EventAmbiguous))
		require.Empty(t, old.forgot)
	})
	t.Run("beside a session", func(t *testing.T) {
		old := newOtherLibrary()
		m := old.manager()
		tok := issue(t, m, func(s *member) { s.User = "dora" })
		oldVisit(m, tok, func(_ context.Context, s *member) { require.Equal(t, "dora", s.User) })
		require.Empty(t, old.forgot)
	})
}
