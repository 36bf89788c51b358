package sesame_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestEvents causes every kind of event, exactly once each time, with the
// session's ID, the duration of the calls to the store, and never a token.
// Each call takes a millisecond, so that durations count the calls.
func TestEvents(t *testing.T) {
	type M = *sesame.Manager[counter]
	const me, nobody, fresh = "me", "", "fresh" // whose ID an event has
	loaded := told{sesame.EventLoaded, me, 1}
	change := func(m M, ctx context.Context) { m.Get(ctx).N += 3 }
	for _, test := range []struct {
		name  string
		known bool          // the request has a session
		age   time.Duration // of that
		spoil func(*store.Record)
		act   func(M, context.Context)
		want  []told
		log   string // what must be in the log; nothing if empty
	}{
		{"untouched", true, 0, nil, func(M, context.Context) {}, nil, ""},
		{"anonymous", false, 0, nil, func(m M, ctx context.Context) { m.Get(ctx) }, nil, ""},
		{"created", false, 0, nil, change, []told{{sesame.EventCreated, fresh, 1}}, ""},
		{"loaded", true, 0, nil, func(m M, ctx context.Context) { m.Get(ctx); m.Get(ctx) }, []told{loaded}, ""},
		{"saved", true, 0, nil, change, []told{loaded, {sesame.EventSaved, me, 1}}, ""},
		{"updated", true, 0, nil, func(m M, ctx context.Context) {
			must(m.Update(ctx, func(c *counter) error { c.N++; return nil }))
		}, []told{loaded, {sesame.EventSaved, me, 1}}, ""},
		{"touched", true, 30 * time.Minute, nil, func(m M, ctx context.Context) { m.Get(ctx) }, []told{loaded, {sesame.EventTouched, me, 1}}, ""},
		{"renewed", true, 0, nil, func(m M, ctx context.Context) { m.Renew(ctx) }, []told{loaded, {sesame.EventRenewed, me, 1}}, ""},
		{"destroyed", true, 0, nil, func(m M, ctx context.Context) { m.Destroy(ctx) }, []told{loaded, {sesame.EventDestroyed, me, 1}}, ""},
		{"destroyed and begun anew", true, 0, nil, func(m M, ctx context.Context) { m.Destroy(ctx); change(m, ctx) },
			[]told{loaded, {sesame.EventDestroyed, me, 1}, {sesame.EventCreated, fresh, 1}}, ""},
		{"revoked and gone", true, 0, nil, func(m M, ctx context.Context) {
			change(m, ctx)
			must(m.Revoke(ctx, m.Info(ctx).ID))
		}, []told{loaded, {sesame.EventRevoked, me, 1}, {sesame.EventGone, me, 1}}, ""},
		{"expired", true, 2 * time.Hour, nil, func(m M, ctx context.Context) { m.Get(ctx) }, []told{{sesame.EventExpired, me, 1}}, ""},
		{"expired meanwhile", true, 0, nil, func(m M, ctx context.Context) { change(m, ctx); time.Sleep(2 * time.Hour) },
			[]told{loaded, {sesame.EventExpired, me, 1}}, ""},
		{"conflict", true, 0, nil, func(m M, ctx context.Context) {
			change(m, ctx)
			must(m.UpdateByID(ctx, m.Info(ctx).ID, func(c *counter) error { c.N = 9; return nil }))
		}, []told{loaded, {sesame.EventSaved, me, 1}, {sesame.EventConflict, me, 0}, {sesame.EventSaved, me, 1}}, ""},
		{"corrupt", true, 0, func(r *store.Record) { r.Data = append(r.Data[:envelope.Len], 0xc1) }, func(m M, ctx context.Context) { m.Get(ctx) },
			[]told{{sesame.EventCorrupt, me, 1}}, "level=WARN msg=\"sesame: stored session is unreadable"},
		{"late", false, 0, nil, func(m M, ctx context.Context) { begin(ctx); change(m, ctx) },
			[]told{{sesame.EventLate, nobody, 0}}, "level=ERROR msg=\"sesame: too late to store the session"},
		{"late renewal", true, 0, nil, func(m M, ctx context.Context) { begin(ctx); m.Renew(ctx); change(m, ctx) },
			[]told{loaded, {sesame.EventLate, me, 0}}, "level=ERROR msg=\"sesame: too late to store the session"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st, w := newFake(), newWitness()
				m := sesame.New[counter](sesame.WithStore(st), w.observer(), w.logger())
				token := ""
				if test.known {
					token = issue(t, m, func(c *counter) { c.N = 5 })
					time.Sleep(test.age)
					if test.spoil != nil {
						rec, err := st.Store.Load(t.Context(), keyOf(token))
						require.NoError(t, err)
						test.spoil(&rec)
						_, err = st.Store.Save(t.Context(), keyOf(token), rec)
						require.NoError(t, err)
					}
				}
				st.fail = func(string) error { time.Sleep(time.Millisecond); return nil }
				w.reset()
				res := visit(m, token, func(w http.ResponseWriter, r *http.Request) {
					test.act(m, context.WithValue(r.Context(), beginKey{}, w))
				})
				var got []told
				for _, e := range w.all() {
					whose := "somebody"
					switch {
					case e.ID == "":
						whose = nobody
					case e.ID == keyOf(token).String():
						whose = me
					case e.ID == keyOf(tokenOf(res)).String():
						whose = fresh
					}
					got = append(got, told{e.Kind, whose, int(e.Duration / time.Millisecond)})
					require.Equal(t, e.Kind == sesame.EventCorrupt || e.Kind == sesame.EventLate, e.Err != nil)
					require.Equal(t, e.Kind == sesame.EventConflict, e.Field == "N")
					require.Zero(t, e.Count)
					require.NotContains(t, fmt.Sprintf("%+v", e), "="+token)
				}
				require.Equal(t, test.want, got)
				if test.log == "" {
					require.Empty(t, w.log.String(), "an ordinary request is not logged")
					return
				}
				require.Contains(t, w.log.String(), test.log)
				require.Equal(t, 1, strings.Count(w.log.String(), "\n"), "one problem, one line:\n%s", w.log.String())
			})
		})
	}
}

// told is what is checked of an event: Duration counts calls to the store.
type told struct {
	kind  sesame.EventKind
	whose string
	calls int
}

type beginKey struct{}

// begin sends the first byte of the response.
func begin(ctx context.Context) {
	w := ctx.Value(beginKey{}).(http.ResponseWriter)
	io.WriteString(w, "page")
	w.(http.Flusher).Flush()
}

// TestEventsOfTokens: a cookie that names no session is an event, several live
// ones are one and a warning.
func TestEventsOfTokens(t *testing.T) {
	w := newWitness()
	m := sesame.New[counter](w.observer(), w.logger())
	a, b := issue(t, m, func(c *counter) { c.N = 5 }), issue(t, m, func(c *counter) { c.N = 6 })
	unknown := freshToken()
	for _, test := range []struct {
		name   string
		tokens []string
		want   sesame.EventKind
		id     string
		log    string
	}{
		{"unknown", []string{unknown}, sesame.EventUnknownToken, keyOf(unknown).String(), ""},
		{"malformed", []string{"x"}, sesame.EventUnknownToken, "", ""},
		{"several", []string{a, b}, sesame.EventAmbiguous, "", "level=WARN msg=\"sesame: several live sessions"},
		{"stale beside good", []string{unknown, b}, sesame.EventLoaded, keyOf(b).String(), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.reset()
			r := httptest.NewRequest("GET", "https://example.com/", nil)
			for _, token := range test.tokens {
				r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: token})
			}
			visitWith(m, r, func(_ http.ResponseWriter, r *http.Request) { m.Get(r.Context()) })
			require.Equal(t, []sesame.EventKind{test.want}, w.kinds())
			require.Equal(t, test.id, w.all()[0].ID)
			require.Equal(t, test.log != "", w.log.String() != "")
			require.Contains(t, w.log.String(), test.log)
		})
	}
}

// TestEventsOfOutage: one event and one line for each failed call, with the
// store's error and the session's ID.
func TestEventsOfOutage(t *testing.T) {
	for _, test := range []struct {
		op  string
		age time.Duration
		act func(*sesame.Manager[counter], context.Context)
	}{
		{"load", 0, func(m *sesame.Manager[counter], ctx context.Context) { m.Get(ctx) }},
		{"save", 0, func(m *sesame.Manager[counter], ctx context.Context) { m.Get(ctx).N++ }},
		{"touch", 30 * time.Minute, func(m *sesame.Manager[counter], ctx context.Context) { m.Get(ctx) }},
		{"delete", 0, func(m *sesame.Manager[counter], ctx context.Context) { m.Destroy(ctx) }},
		{"delete", 0, func(m *sesame.Manager[counter], ctx context.Context) { m.Revoke(ctx, m.Info(ctx).ID) }},
	} {
		t.Run(test.op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st, w := newFake(), newWitness()
				m := sesame.New[counter](sesame.WithStore(st), w.observer(), w.logger())
				token := issue(t, m, func(c *counter) { c.N = 5 })
				time.Sleep(test.age)
				st.down(test.op)
				w.reset()
				visit(m, token, func(_ http.ResponseWriter, r *http.Request) { test.act(m, r.Context()) })
				events := slices.DeleteFunc(w.all(), func(e sesame.Event) bool { return e.Kind == sesame.EventLoaded })
				require.Len(t, events, 1)
				require.Equal(t, sesame.EventStoreError, events[0].Kind)
				require.Equal(t, keyOf(token).String(), events[0].ID)
				require.ErrorIs(t, events[0].Err, errDown)
				require.ErrorIs(t, events[0].Err, sesame.ErrStore)
				require.Equal(t, 1, strings.Count(w.log.String(), "\n"), w.log.String())
				require.Contains(t, w.log.String(), "level=ERROR")
				require.Contains(t, w.log.String(), "session="+keyOf(token).String())
			})
		})
	}
}

// TestEventsOfRevokeOwner: one that counts with an index, one each without.
func TestEventsOfRevokeOwner(t *testing.T) {
	for name, test := range map[string]struct {
		wrap   func(*memstore.Store) store.Store
		events int
		count  int
	}{
		"index": {func(s *memstore.Store) store.Store { return s }, 1, 3},
		"list": {func(s *memstore.Store) store.Store {
			return struct {
				store.Store
				store.Lister
			}{s, s}
		}, 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWitness()
			m := sesame.New[owned](sesame.WithStore(test.wrap(memstore.New())), w.observer(), w.logger())
			for range 3 {
				issue(t, m, func(s *owned) { s.User = "ann" })
			}
			issue(t, m, func(s *owned) { s.User = "bob" })
			w.reset()
			for _, want := range []int{3, 0} {
				n, err := m.RevokeOwner(t.Context(), "ann")
				require.NoError(t, err)
				require.Equal(t, want, n)
			}
			require.Len(t, w.all(), test.events)
			for _, e := range w.all() {
				require.Equal(t, sesame.EventRevoked, e.Kind)
				require.Equal(t, test.count, e.Count)
				require.Equal(t, test.count == 0, e.ID != "")
			}
			require.Empty(t, w.log.String())
		})
	}
}

// TestHangUpIsNobodysFailure: a client that leaves while its session is loaded
// is no outage.
func TestHangUpIsNobodysFailure(t *testing.T) {
	w := newWitness()
	m := sesame.New[counter](w.observer(), w.logger())
	token := issue(t, m, func(c *counter) { c.N = 5 })
	w.reset()
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	r := httptest.NewRequestWithContext(ctx, "GET", "https://example.com/", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: token})
	visitWith(m, r, func(_ http.ResponseWriter, r *http.Request) { m.Get(r.Context()) })
	require.Empty(t, w.all())
	require.Empty(t, w.log.String())
}

// witness takes down all events and the log.
type witness struct {
	mu     sync.Mutex
	events []sesame.Event
	log    lockedBuffer
}

func newWitness() *witness { return new(witness) }

func (w *witness) observer() sesame.Option {
	return sesame.WithObserver(func(_ context.Context, e sesame.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events = append(w.events, e)
	})
}

func (w *witness) logger() sesame.Option {
	return sesame.WithLogger(slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

func (w *witness) all() []sesame.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events)
}

func (w *witness) kinds() []sesame.EventKind {
	var kinds []sesame.EventKind
	for _, e := range w.all() {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func (w *witness) count(kind sesame.EventKind) (n int) {
	for _, k := range w.kinds() {
		if k == kind {
			n++
		}
	}
	return n
}

func (w *witness) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = nil
	w.log.reset()
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *lockedBuffer) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buf.Reset()
}
