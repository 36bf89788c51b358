package sesame_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store/memstore"
)

// member is a session that used to be kept by another library.
type member struct {
	User   string
	Visits int `sesame:"sum"`
}

func (m member) Owner() string { return m.User }

// otherLibrary keeps sessions by the value of the cookie "old".
type otherLibrary struct {
	mu       sync.Mutex
	sessions map[string]string // token → user
	expires  time.Time
	forgot   []string
	fail     error // of forgetting
	stuck    bool  // it cannot forget
	remember bool
	asked    int // how often for a session
	down     int // the time at which it fails, or -1: always
}

func newOtherLibrary() *otherLibrary {
	return &otherLibrary{sessions: map[string]string{"old-token-of-ann": "ann", "old-token-of-bob": "bob"}}
}

func (o *otherLibrary) find(r *http.Request) (imp sesame.Import[member], ok bool) {
	c, err := r.Cookie("old")
	if err != nil {
		return imp, false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.asked++; o.down == o.asked || o.down < 0 {
		imp.Err = errOtherDown
		return imp, false
	}
	user, ok := o.sessions[c.Value]
	imp = sesame.Import[member]{Token: c.Value, Session: member{User: user}, Expires: o.expires, Remember: o.remember}
	if !o.stuck {
		imp.Forget = func(context.Context) error {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.forgot = append(o.forgot, c.Value)
			if o.fail == nil {
				delete(o.sessions, c.Value)
			}
			return o.fail
		}
	}
	return imp, ok
}

var errOtherDown = errors.New("the other store is down")

func (o *otherLibrary) manager(opts ...sesame.Option) *sesame.Manager[member] {
	return sesame.New[member](append(opts, sesame.WithImport(o.find))...)
}

// oldVisit sends a request with ann's old cookie, and with a token if it is not
// empty.
func oldVisit(m *sesame.Manager[member], tok string, f func(ctx context.Context, s *member)) *http.Response {
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	r.AddCookie(&http.Cookie{Name: "old", Value: "old-token-of-ann"})
	if tok != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: tok})
	}
	return visitWith(m, r, func(_ http.ResponseWriter, r *http.Request) { f(r.Context(), m.Get(r.Context())) })
}

func nothing(context.Context, *member) {}

// TestImport: the first request that uses the session stores it, though it only
// reads, and then the other library forgets it.
func TestImport(t *testing.T) {
	old, w := newOtherLibrary(), newWitness()
	old.expires = time.Now().Add(3 * time.Hour).Truncate(time.Millisecond)
	st := memstore.New()
	m := old.manager(w.observer(), w.logger(), sesame.WithStore(st))

	r := httptest.NewRequest("GET", "https://example.com/", nil)
	r.AddCookie(&http.Cookie{Name: "old", Value: "old-token-of-ann"})
	require.Empty(t, visitWith(m, r, func(http.ResponseWriter, *http.Request) {}).Cookies(), "not used, not imported")
	require.Empty(t, old.forgot)

	tok := tokenOf(oldVisit(m, "", func(ctx context.Context, s *member) {
		require.Equal(t, member{User: "ann"}, *s)
		require.True(t, m.Info(ctx).New)
		require.Equal(t, "ann", m.Info(ctx).Owner)
		require.NoError(t, m.Save(ctx))
	}))
	require.Equal(t, token.Derive("old-token-of-ann"), tok)
	require.Equal(t, []string{"old-token-of-ann"}, old.forgot)
	require.Equal(t, []sesame.EventKind{sesame.EventCreated}, w.kinds(), "one save, though Save came before the end")
	res := oldVisit(m, tok, func(ctx context.Context, s *member) {
		require.Equal(t, member{User: "ann"}, *s)
		s.Visits++
	})
	require.Empty(t, res.Cookies())
	e, err := m.Find(t.Context(), keyOf(tok).String())
	require.NoError(t, err)
	require.Equal(t, member{"ann", 1}, e.Data)
	require.Len(t, old.forgot, 1)

	// The end is that of the old session, however much it is used.
	r2, err := st.Load(t.Context(), keyOf(tok))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(time.Hour), r2.Expires, time.Minute)
	require.Equal(t, old.expires.UnixMilli(), headerOf(t, r2).Deadline.UnixMilli())
}

// TestImportRemembered: a session whose old cookie outlived the browser has one
// here that does, until the same end. A log-in decides for itself.
func TestImportRemembered(t *testing.T) {
	old := newOtherLibrary()
	old.remember, old.expires = true, time.Now().Add(30*24*time.Hour).Truncate(time.Second)
	old.stuck = true
	st := memstore.New()
	m := old.manager(sesame.WithStore(st))
	for _, what := range []string{"the first", "one that joins"} {
		res := oldVisit(m, "", nothing)
		require.InDelta(t, 30*24*3600, res.Cookies()[0].MaxAge, 5, what)
		within(m, tokenOf(res), func(ctx context.Context, _ *member) {
			require.True(t, m.Info(ctx).Remembered)
			require.True(t, m.Info(ctx).Expires.Equal(old.expires), m.Info(ctx).Expires)
		})
	}
	old = newOtherLibrary()
	old.remember, old.expires = true, time.Now().Add(30*24*time.Hour)
	m = old.manager()
	require.Zero(t, oldVisit(m, "", func(ctx context.Context, _ *member) { m.Renew(ctx) }).Cookies()[0].MaxAge)
}

// TestImportAtOnce: parallel first requests of one browser make one session, and
// each is told its token.
func TestImportAtOnce(t *testing.T) {
	for range 20 {
		old, st := newOtherLibrary(), memstore.New()
		m := old.manager(sesame.WithStore(st))
		var loaded, done sync.WaitGroup
		loaded.Add(6)
		tokens := make([]string, 6)
		for i := range tokens {
			done.Go(func() {
				tokens[i] = tokenOf(oldVisit(m, "", func(ctx context.Context, s *member) {
					loaded.Done()
					loaded.Wait()
					if i%2 == 0 {
						s.Visits++
					}
				}))
			})
		}
		done.Wait()
		for _, tok := range tokens {
			require.Equal(t, token.Derive("old-token-of-ann"), tok)
		}
		require.Equal(t, 1, st.Len())
		within(m, tokens[0], func(_ context.Context, s *member) { require.Equal(t, member{"ann", 3}, *s) })
		require.Len(t, old.forgot, 1)
	}
}

// TestImportAfterOthers: a request whose old cookie has been imported already
// joins that session, and is told its token by a save of its own.
func TestImportAfterOthers(t *testing.T) {
	old := newOtherLibrary()
	old.stuck = true
	m := old.manager()
	first := tokenOf(oldVisit(m, "", nothing))
	within(m, first, func(_ context.Context, s *member) { s.Visits = 7 })
	second := tokenOf(oldVisit(m, "", func(_ context.Context, s *member) { require.Equal(t, 7, s.Visits) }))
	require.Equal(t, first, second)

	// Once it is renewed the old cookie is a token that was replaced.
	fresh := tokenOf(within(m, first, func(ctx context.Context, _ *member) { m.Renew(ctx) }))
	res := oldVisit(m, "", func(_ context.Context, s *member) {
		require.Zero(t, *s)
		s.Visits = 1
	})
	require.Empty(t, res.Cookies())
	within(m, fresh, func(_ context.Context, s *member) { require.Equal(t, 7, s.Visits) })
}

// TestImportAfterForgetting: a parallel request that comes when the other
// library has forgotten the session joins it, and so does one of a client that
// missed the first response. After a log-in here the old cookie is worth
// nothing.
func TestImportAfterForgetting(t *testing.T) {
	old, w := newOtherLibrary(), newWitness()
	m := old.manager(w.observer(), w.logger())
	first := tokenOf(oldVisit(m, "", nothing))
	require.Len(t, old.forgot, 1)
	second := tokenOf(oldVisit(m, "", func(_ context.Context, s *member) {
		require.Equal(t, "ann", s.User)
		s.Visits++
	}))
	require.Equal(t, first, second)
	require.Len(t, old.forgot, 1)
	within(m, first, func(_ context.Context, s *member) { require.Equal(t, member{"ann", 1}, *s) })

	fresh := tokenOf(within(m, first, func(ctx context.Context, _ *member) { m.Renew(ctx) }))
	require.Empty(t, oldVisit(m, "", func(_ context.Context, s *member) { require.Zero(t, *s) }).Cookies())
	within(m, fresh, func(_ context.Context, s *member) { require.Equal(t, member{"ann", 1}, *s) })

	// Another session's log-out ends this one too, as its cookie would log in again.
	m = newOtherLibrary().manager()
	imported := tokenOf(oldVisit(m, "", nothing))
	own := issue(t, m, func(s *member) { s.User = "dora" })
	oldVisit(m, own, func(ctx context.Context, _ *member) { m.Destroy(ctx) })
	within(m, imported, func(_ context.Context, s *member) { require.Zero(t, *s) })

	// What was never known is no session.
	w = newWitness()
	m = newOtherLibrary().manager(w.observer(), w.logger())
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	r.AddCookie(&http.Cookie{Name: "old", Value: "made up"})
	res := visitWith(m, r, func(_ http.ResponseWriter, r *http.Request) { require.Zero(t, *m.Get(r.Context())) })
	require.Empty(t, res.Cookies())
	require.Empty(t, w.kinds())
	r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: issue(t, m, func(s *member) { s.User = "dora" })})
	visitWith(m, r, func(_ http.ResponseWriter, r *http.Request) { m.Destroy(r.Context()) })
	require.Equal(t, 1, w.count(sesame.EventDestroyed))
}

// TestImportRenewed: a log-in that begins with the old cookie has a token that
// does not follow from it.
func TestImportRenewed(t *testing.T) {
	old := newOtherLibrary()
	m := old.manager()
	tok := tokenOf(oldVisit(m, "", func(ctx context.Context, s *member) {
		m.Renew(ctx)
		s.User = "carol"
	}))
	derived := token.Derive("old-token-of-ann")
	require.Equal(t, keyOf(derived), keyOf(tok))
	require.NotEqual(t, derived, tok)
	within(m, tok, func(_ context.Context, s *member) { require.Equal(t, "carol", s.User) })
	within(m, derived, func(_ context.Context, s *member) { require.Zero(t, *s) })
	require.Len(t, old.forgot, 1)
}

// TestImportUpdated: Update may be the first that uses the session.
func TestImportUpdated(t *testing.T) {
	old := newOtherLibrary()
	m := old.manager()
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	r.AddCookie(&http.Cookie{Name: "old", Value: "old-token-of-ann"})
	tok := tokenOf(visitWith(m, r, func(_ http.ResponseWriter, r *http.Request) {
		require.NoError(t, m.Update(r.Context(), func(s *member) error {
			require.Equal(t, "ann", s.User)
			s.Visits++
			return nil
		}))
	}))
	within(m, tok, func(_ context.Context, s *member) { require.Equal(t, member{"ann", 1}, *s) })
	require.Len(t, old.forgot, 1)
}

// TestWrongImports: what is wrong with the function's type is found in New.
func TestWrongImports(t *testing.T) {
	for cure, o := range map[string]sesame.Option{
		"leave it out":             sesame.WithImport[member](nil),
		"not sesame_test.counter":  sesame.WithImport(newOtherLibrary().find),
		"of type sesame_test.memb": sesame.WithImport(newOtherLibrary().find),
	} {
		func() {
			defer func() {
				text := fmt.Sprint(recover())
				require.Contains(t, text, "WithImport")
				require.Contains(t, text, cure)
			}()
			sesame.New[counter](o)
			t.Error("New accepted it")
		}()
	}
}
