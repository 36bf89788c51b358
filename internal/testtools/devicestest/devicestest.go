// Package devicestest tests a manager's promises about the sessions of one owner, on any
// store with an owner index, and measures their cost.
package devicestest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store"
)

// device is the session type of the tests.
type device struct {
	User string
	Seen int
}

func (d device) Owner() string { return d.User }

// Run tests managers on the given stores, which share one engine as those of several
// processes do; one store is enough. The engine must have no sessions of other
// tests.
func Run(t *testing.T, stores ...store.Store) {
	t.Run("owner limit", func(t *testing.T) { testOwnerLimit(t, stores) })
	t.Run("info", func(t *testing.T) { testInfo(t, stores) })
}

func managers(stores []store.Store, opts ...sesame.Option) (all []*sesame.Manager[device]) {
	for _, s := range stores {
		all = append(all, sesame.New[device](append(opts, sesame.WithStore(s))...))
	}
	return all
}

// visit runs f as the handler of a request with a cookie, unless that is nil, and
// returns the cookie that the response sets.
func visit(m *sesame.Manager[device], c *http.Cookie, f func(ctx context.Context, d *device)) (set *http.Cookie, status int) {
	r := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	if c != nil {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		f(r.Context(), m.Get(r.Context()))
	})).ServeHTTP(w, r)
	if cookies := w.Result().Cookies(); len(cookies) > 0 {
		set = cookies[0]
	}
	return set, w.Code
}

// testOwnerLimit makes fifty concurrent log-ins of one user, with new sessions and
// with sessions that the user already has.
func testOwnerLimit(t *testing.T, stores []store.Store) {
	const logins = 50
	for _, limit := range []int{1, 3} {
		for _, old := range []int{0, 10} {
			t.Run(fmt.Sprintf("limit=%d/again=%d", limit, old), func(t *testing.T) {
				user := fmt.Sprintf("ann %d %d", limit, old)
				var cookies [logins]*http.Cookie
				for i := range old {
					cookies[i] = sesametest.Cookie(t, managers(stores)[0], device{User: user})
				}
				var created, ended atomic.Int32
				var revoked sync.Map
				all := managers(stores, sesame.WithOwnerLimit(limit), sesame.WithObserver(func(_ context.Context, e sesame.Event) {
					switch e.Kind {
					case sesame.EventCreated:
						created.Add(1)
					case sesame.EventRevoked:
						ended.Add(1)
						revoked.Store(e.ID, e.Owner)
					}
				}))
				var answered sync.WaitGroup
				begin := make(chan struct{})
				for i := range logins {
					answered.Go(func() {
						m := all[i%len(all)]
						<-begin
						set, status := visit(m, cookies[i], func(ctx context.Context, d *device) {
							m.Renew(ctx)
							d.User = user
						})
						if set == nil && status == http.StatusOK {
							t.Errorf("log-in %d has no cookie", i)
						}
						cookies[i] = set
					})
				}
				close(begin)
				answered.Wait()
				left := make(map[string]bool)
				for e, err := range all[0].OwnedBy(t.Context(), user) {
					noError(t, err)
					left[e.ID] = true
				}
				equal(t, limit, len(left), "sessions that are left")
				in := 0
				for _, c := range cookies {
					if c != nil {
						visit(all[0], c, func(_ context.Context, d *device) {
							if d.User == user {
								in++
							}
						})
					}
				}
				equal(t, limit, in, "who is still logged in")
				events := 0
				revoked.Range(func(id, owner any) bool {
					equal(t, any(user), owner, "the owner of a revoked session")
					if left[id.(string)] {
						t.Errorf("the session %s is there, though an event says that it was revoked", id)
					}
					events++
					return true
				})
				equal(t, old+int(created.Load())-limit, events, "an event for each session that is gone")
				equal(t, events, int(ended.Load()), "one event for each")
			})
		}
	}
}

// testInfo checks what a user sees about two devices: when each logged in, when it
// was last used, and which one is remembered.
func testInfo(t *testing.T, stores []store.Store) {
	const day = 24 * time.Hour
	here, there := managers(stores)[0], managers(stores)[len(stores)-1]
	info := func(c *http.Cookie) (i sesame.Info) {
		found, err := there.Find(t.Context(), idOf(c))
		noError(t, err)
		listed := 0
		for e, err := range there.OwnedBy(t.Context(), "eve") {
			noError(t, err)
			if listed++; e.ID == found.ID {
				equal(t, found.Info, e.Info, "what OwnedBy and Find tell")
			}
		}
		equal(t, 2, listed, "sessions of the owner")
		return found.Info
	}
	start := time.Now().Truncate(time.Millisecond)
	logIn := func(c *http.Cookie, more func(ctx context.Context)) *http.Cookie {
		set, status := visit(here, c, func(ctx context.Context, d *device) {
			d.User = "eve"
			more(ctx)
		})
		equal(t, http.StatusOK, status, "the status of a log-in")
		return set
	}
	nothing := func(context.Context) {}
	plain := logIn(nil, nothing)
	remembered := logIn(nil, func(ctx context.Context) { here.Remember(ctx, 30*day, 180*day) })
	for c, idle := range map[*http.Cookie]time.Duration{plain: time.Hour, remembered: 30 * day} {
		i := info(c)
		about(t, start, i.Created)
		equal(t, i.Created, i.Renewed, "Renewed of a new session")
		equal(t, i.Created, i.Used, "Used of a new session")
		equal(t, i.Created.Add(idle), i.Expires, "Expires")
		equal(t, c == remembered, i.Remembered, "Remembered")
		equal(t, "eve", i.Owner, "Owner")

		// Use is recorded to a tenth of the idle timeout.
		aged := i.Used.Add(-idle / 5)
		age(t, stores[0], c, idle/5)
		equal(t, aged.UnixMilli(), info(c).Used.UnixMilli(), "Used, once the record is older")
		set, _ := visit(here, c, func(context.Context, *device) {})
		equal(t, c == remembered, set != nil, "the cookie moves with the record")
		about(t, time.Now(), info(c).Used)
		used := info(c).Used.Add(-idle / 20)
		age(t, stores[0], c, idle/20)
		set, _ = visit(here, c, func(context.Context, *device) {})
		equal(t, true, set == nil, "no cookie within a tenth")
		equal(t, used.UnixMilli(), info(c).Used.UnixMilli(), "no write within a tenth")
		equal(t, i.Created, info(c).Created, "Created after use")
		equal(t, i.Renewed, info(c).Renewed, "Renewed after use")
	}
	before := info(plain)
	time.Sleep(2 * time.Millisecond)
	plain = logIn(plain, here.Renew)
	after := info(plain)
	equal(t, before.ID, after.ID, "the ID after another log-in")
	equal(t, before.Created, after.Created, "Created after another log-in")
	equal(t, true, after.Renewed.After(before.Renewed), "another log-in moves Renewed")
	equal(t, after.Renewed, after.Used, "Used after another log-in")
}

// age moves the last use of a session into the past.
func age(t *testing.T, s store.Store, c *http.Cookie, by time.Duration) {
	k, err := store.ParseKey(idOf(c))
	noError(t, err)
	r, err := s.Load(t.Context(), k)
	noError(t, err)
	r.Expires = r.Expires.Add(-by)
	_, err = s.Save(t.Context(), k, r)
	noError(t, err)
}

// idOf returns the ID of the session of a cookie.
func idOf(c *http.Cookie) string { return c.Value[:22] }

func about(t *testing.T, want, got time.Time) {
	t.Helper()
	if d := got.Sub(want).Abs(); d > 10*time.Second {
		t.Fatalf("a time is off by %v: %v, want about %v", d, got, want)
	}
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[V comparable](t testing.TB, want, got V, what string) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
}
