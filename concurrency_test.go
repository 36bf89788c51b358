package sesame_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// tally counts by adding up what both sides did.
type tally int

func (t *tally) Merge(base, theirs *tally) { *t += *theirs - *base }

type basket struct {
	User  string
	Name  string
	Lang  string
	Items map[string]int
	Home  struct{ Street, City string }
	Seen  tally
	Code  string
	Times int
}

func (b *basket) Owner() string { return b.User }

// room is a server whose handlers the test meets one by one.
type room[T any] struct {
	t      *testing.T
	m      *sesame.Manager[T]
	srv    *httptest.Server
	doors  sync.Map // path to http.HandlerFunc
	mu     sync.Mutex
	events []sesame.Event
}

func newRoom[T any](t *testing.T, opts ...sesame.Option) *room[T] {
	r := &room[T]{t: t}
	r.m = sesame.New[T](append(opts, sesame.WithInsecureCookie(), sesame.WithObserver(func(_ context.Context, e sesame.Event) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, e)
	}))...)
	r.srv = httptest.NewServer(r.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h, _ := r.doors.Load(req.URL.Path)
		h.(http.HandlerFunc)(w, req)
	})))
	t.Cleanup(r.srv.Close)
	return r
}

func (r *room[T]) seen(kind sesame.EventKind) []sesame.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.events), func(e sesame.Event) bool { return e.Kind != kind })
}

var doorNumber atomic.Int64

// send makes a request whose handler is h and returns the session's token
// after it: the one sent, a new one, or "" if it was deleted.
func (r *room[T]) send(token string, h func(w http.ResponseWriter, req *http.Request)) (string, int) {
	path := fmt.Sprint("/", doorNumber.Add(1))
	r.doors.Store(path, http.HandlerFunc(h))
	req, err := http.NewRequest("GET", r.srv.URL+path, nil)
	if err != nil {
		r.t.Error(err)
		return "", 0
	}
	if token != "" {
		req.AddCookie(&http.Cookie{Name: "session_id", Value: token})
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Error(err)
		return "", 0
	}
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		token = c.Value
	}
	return token, res.StatusCode
}

// do changes the session in a request of its own.
func (r *room[T]) do(token string, change func(*T)) string {
	after, status := r.send(token, func(_ http.ResponseWriter, req *http.Request) { change(r.m.Get(req.Context())) })
	require.Equal(r.t, http.StatusOK, status)
	return after
}

func (r *room[T]) peek(token string) (v T, live bool) {
	r.send(token, func(_ http.ResponseWriter, req *http.Request) {
		v, live = *r.m.Get(req.Context()), !r.m.Info(req.Context()).New
	})
	return v, live
}

// together runs requests that all have loaded the session before any of them
// goes on, and returns their tokens afterwards.
func (r *room[T]) together(token string, steps ...func(ctx context.Context, s *T)) []string {
	var loaded, done sync.WaitGroup
	loaded.Add(len(steps))
	tokens := make([]string, len(steps))
	for i, step := range steps {
		done.Go(func() {
			tokens[i], _ = r.send(token, func(_ http.ResponseWriter, req *http.Request) {
				s := r.m.Get(req.Context())
				loaded.Done()
				loaded.Wait()
				step(req.Context(), s)
			})
		})
	}
	done.Wait()
	return tokens
}

// slowly runs a request that loads the session, calls between, and then
// goes on.
func (r *room[T]) slowly(token string, between func(), step func(ctx context.Context, s *T)) string {
	after, status := r.send(token, func(_ http.ResponseWriter, req *http.Request) {
		s := r.m.Get(req.Context())
		between()
		step(req.Context(), s)
	})
	require.Contains(r.t, []int{http.StatusOK, http.StatusConflict}, status)
	return after
}

// engines are a store with all optional interfaces and one with none.
var engines = map[string]func() sesame.Option{
	"store=full":  func() sesame.Option { return sesame.WithStore(memstore.New()) },
	"store=plain": func() sesame.Option { return sesame.WithStore(newPlain(memstore.New())) },
}

func TestDifferentChangesBothSurvive(t *testing.T) {
	r := newRoom[basket](t)
	token := r.do("", func(b *basket) { b.Items = map[string]int{"tea": 1} })
	r.together(token,
		func(_ context.Context, b *basket) { b.Name = "Ann" },
		func(_ context.Context, b *basket) { b.Lang = "de" },
		func(_ context.Context, b *basket) { b.Items["milk"] = 2 },
		func(_ context.Context, b *basket) { b.Items["rum"] = 3; delete(b.Items, "tea") },
		func(_ context.Context, b *basket) { b.Home.Street = "Main" },
		func(_ context.Context, b *basket) { b.Home.City = "Ulm" },
		func(_ context.Context, b *basket) { b.Seen += 2 },
		func(_ context.Context, b *basket) { b.Seen += 3 },
	)
	want := basket{Name: "Ann", Lang: "de", Items: map[string]int{"milk": 2, "rum": 3}, Seen: 5}
	want.Home.Street, want.Home.City = "Main", "Ulm"
	got, _ := r.peek(token)
	require.Equal(t, want, got)
	require.Empty(t, r.seen(sesame.EventConflict))
}

// saver counts how often sessions are saved, in vain too. That takes a while, so
// that requests which do not wait for each other collide.
type saver struct {
	*memstore.Store
	saves atomic.Int64
}

func (s *saver) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	s.saves.Add(1)
	time.Sleep(time.Millisecond)
	return s.Store.Save(ctx, k, r)
}

// TestCollisionsTakeTurns counts what ten changes at once cost: ten saves, of
// which one succeeds, and one more for each of the others.
func TestCollisionsTakeTurns(t *testing.T) {
	const requests = 10
	for name, change := range map[string]func(m *sesame.Manager[basket], ctx context.Context, b *basket, i int){
		"changed in place": func(_ *sesame.Manager[basket], _ context.Context, b *basket, i int) { b.Items[fmt.Sprint(i)] = i },
		"Update": func(m *sesame.Manager[basket], ctx context.Context, _ *basket, i int) {
			must(m.Update(ctx, func(b *basket) error { b.Items[fmt.Sprint(i)] = i; return nil }))
		},
		"UpdateByID": func(m *sesame.Manager[basket], ctx context.Context, _ *basket, i int) {
			must(m.UpdateByID(ctx, m.Info(ctx).ID, func(b *basket) error { b.Items[fmt.Sprint(i)] = i; return nil }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &saver{Store: memstore.New()}
				m := sesame.New[basket](sesame.WithStore(s))
				token := issue(t, m, func(b *basket) { b.Items = map[string]int{"tea": 1} })
				s.saves.Store(0)
				var loaded, done sync.WaitGroup
				loaded.Add(requests)
				for i := range requests {
					done.Go(func() {
						within(m, token, func(ctx context.Context, b *basket) {
							loaded.Done()
							loaded.Wait()
							change(m, ctx, b, i)
						})
					})
				}
				done.Wait()
				require.LessOrEqual(t, s.saves.Load(), int64(2*requests-1))
				within(m, token, func(_ context.Context, b *basket) { require.Len(t, b.Items, 1+requests) })
			})
		})
	}
}

func TestSameFieldIsAConflict(t *testing.T) {
	r := newRoom[basket](t)
	token := r.do("", func(b *basket) { b.Home.City = "Bonn" })
	r.slowly(token,
		func() { r.do(token, func(b *basket) { b.Home.City = "theirs"; b.Name = "theirs" }) },
		func(_ context.Context, b *basket) { b.Home.City = "mine" })
	got, _ := r.peek(token)
	require.Equal(t, "mine", got.Home.City, "the later one wins")
	require.Equal(t, "theirs", got.Name)
	conflicts := r.seen(sesame.EventConflict)
	require.Len(t, conflicts, 1)
	require.Equal(t, "Home.City", conflicts[0].Field)
	require.Equal(t, keyOf(token).String(), conflicts[0].ID)
}

// Two requests that make the same of what was there have not agreed on it: one
// of two increments is lost, and told of, unless the type adds them up.
func TestChangesThatLookAlike(t *testing.T) {
	r := newRoom[basket](t)
	token := r.do("", func(b *basket) { b.Times, b.Seen = 1, 1 })
	visit := func(b *basket) {
		b.Times++
		b.Seen++
		if b.Items == nil {
			b.Items = make(map[string]int)
		}
	}
	r.slowly(token,
		func() { r.do(token, func(b *basket) { visit(b); b.Items["rum"]++ }) },
		func(_ context.Context, b *basket) { visit(b); b.Items["tea"]++ })
	got, _ := r.peek(token)
	require.Equal(t, 2, got.Times)
	require.EqualValues(t, 3, got.Seen)
	require.Equal(t, map[string]int{"rum": 1, "tea": 1}, got.Items, "a map that both began")
	conflicts := r.seen(sesame.EventConflict)
	require.Len(t, conflicts, 1)
	require.Equal(t, "Times", conflicts[0].Field)
}

// highest settles conflicts of the whole by hand.
type highest struct{ Score, Merges int }

func (h *highest) Merge(base, theirs *highest) {
	h.Score = max(h.Score, theirs.Score)
	h.Merges = theirs.Merges + 1
}

func TestMergeOfT(t *testing.T) {
	r := newRoom[highest](t)
	token := r.do("", func(h *highest) { h.Score = 1 })
	r.slowly(token,
		func() { r.do(token, func(h *highest) { h.Score = 9 }) },
		func(_ context.Context, h *highest) { h.Score = 5 })
	got, _ := r.peek(token)
	require.Equal(t, highest{Score: 9, Merges: 1}, got)
}

func TestUpdateIsExact(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			r := newRoom[basket](t, engine())
			token := r.do("", func(b *basket) { b.Name = "x" })
			const n = 50
			r.together(token, slices.Repeat([]func(context.Context, *basket){func(ctx context.Context, _ *basket) {
				if err := r.m.Update(ctx, func(b *basket) error { b.Times++; return nil }); err != nil {
					t.Error(err)
				}
			}}, n)...)
			got, _ := r.peek(token)
			require.Equal(t, n, got.Times)
		})
	}
}

func TestOneTimeValueHasOneWinner(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			r := newRoom[basket](t, engine())
			token := r.do("", func(b *basket) { b.Code = "secret" })
			var winners atomic.Int64
			r.together(token, slices.Repeat([]func(context.Context, *basket){func(ctx context.Context, _ *basket) {
				var code string
				err := r.m.Update(ctx, func(b *basket) error { code, b.Code = b.Code, ""; return nil })
				if err != nil {
					t.Error(err)
				}
				if code == "secret" {
					winners.Add(1)
				}
			}}, 20)...)
			require.EqualValues(t, 1, winners.Load())
		})
	}
}

func TestUpdateWithinOneRequest(t *testing.T) {
	r := newRoom[basket](t)
	token := r.do("", func(b *basket) { b.Name = "x" })
	r.send(token, func(_ http.ResponseWriter, req *http.Request) {
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if err := r.m.Update(req.Context(), func(b *basket) error {
					if b.Items == nil {
						b.Items = make(map[string]int)
					}
					b.Items["n"]++
					return nil
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := r.m.Get(req.Context()).Items["n"]; n != 50 {
			t.Errorf("counted to %d", n)
		}
	})
	got, _ := r.peek(token)
	require.Equal(t, 50, got.Items["n"])
}

// Two pages that open at once for a new visitor create one session each; only
// one cookie stays. Update cannot help that, and must not pretend to.
func TestUpdateOfANewSession(t *testing.T) {
	r := newRoom[basket](t)
	token, _ := r.send("", func(_ http.ResponseWriter, req *http.Request) {
		require.NoError(t, r.m.Update(req.Context(), func(*basket) error { return nil }))
		require.True(t, r.m.Info(req.Context()).New, "nothing changed, nothing stored")
		require.NoError(t, r.m.Update(req.Context(), func(b *basket) error { b.Times++; return nil }))
		require.False(t, r.m.Info(req.Context()).New)
	})
	got, _ := r.peek(token)
	require.Equal(t, 1, got.Times)
	require.Len(t, r.seen(sesame.EventCreated), 1)
}

func TestUpdateThatFails(t *testing.T) {
	r := newRoom[basket](t)
	token := r.do("", func(b *basket) { b.Items = map[string]int{"tea": 1} })
	refused := errors.New("refused")
	r.send(token, func(_ http.ResponseWriter, req *http.Request) {
		s := r.m.Get(req.Context())
		s.Name = "kept"
		spoil := func(b *basket) { b.Times, b.Items["tea"] = 99, 99 }
		if err := r.m.Update(req.Context(), func(b *basket) error { spoil(b); return refused }); err != refused {
			t.Errorf("Update returned %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = r.m.Update(req.Context(), func(b *basket) error { spoil(b); panic("fn") })
		}()
	})
	got, _ := r.peek(token)
	require.Equal(t, basket{Name: "kept", Items: map[string]int{"tea": 1}}, got)
}

func TestLogOutIsFinal(t *testing.T) {
	for name, engine := range engines {
		for what, step := range map[string]func(r *room[basket], ctx context.Context, b *basket){
			"reader": func(*room[basket], context.Context, *basket) {},
			"writer": func(_ *room[basket], _ context.Context, b *basket) { b.Name = "back" },
			"updater": func(r *room[basket], ctx context.Context, _ *basket) {
				_ = r.m.Update(ctx, func(b *basket) error { b.Times++; return nil })
			},
			"saver":   func(r *room[basket], ctx context.Context, b *basket) { b.Name = "back"; _ = r.m.Save(ctx) },
			"renewer": func(r *room[basket], ctx context.Context, b *basket) { r.m.Renew(ctx); b.Name = "back" },
			"keeper":  func(r *room[basket], ctx context.Context, _ *basket) { r.m.Remember(ctx, 0, time.Hour) },
		} {
			for how, end := range map[string]func(r *room[basket], ctx context.Context){
				"destroy": func(r *room[basket], ctx context.Context) { r.m.Destroy(ctx) },
				"revoke":  func(r *room[basket], ctx context.Context) { require.NoError(t, r.m.Revoke(ctx, r.m.Info(ctx).ID)) },
			} {
				t.Run(name+"/"+what+"/"+how, func(t *testing.T) {
					r := newRoom[basket](t, engine())
					token := r.do("", func(b *basket) { b.User = "ann" })
					after := r.slowly(token,
						func() { r.send(token, func(_ http.ResponseWriter, req *http.Request) { end(r, req.Context()) }) },
						func(ctx context.Context, b *basket) { step(r, ctx, b) })
					require.Equal(t, token, after, "a slow request must not set or delete the cookie")
					_, live := r.peek(token)
					require.False(t, live)
				})
			}
		}
	}
}

func TestSaveTellsOfALostSession(t *testing.T) {
	r := newRoom[basket](t)
	token := r.do("", func(b *basket) { b.User = "ann" })
	r.slowly(token,
		func() { r.send(token, func(_ http.ResponseWriter, req *http.Request) { r.m.Destroy(req.Context()) }) },
		func(ctx context.Context, b *basket) {
			b.Name = "back"
			if err := r.m.Save(ctx); !errors.Is(err, sesame.ErrNotFound) {
				t.Errorf("Save returned %v", err)
			}
		})
	require.Len(t, r.seen(sesame.EventGone), 1)
}

func TestTwoRenewalsLeaveOneSession(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			r := newRoom[basket](t, engine())
			first := r.do("", func(b *basket) { b.User = "ann" })
			renew := func(ctx context.Context, _ *basket) { r.m.Renew(ctx) }
			live := 0
			for _, token := range r.together(first, renew, renew, renew) {
				if _, ok := r.peek(token); ok {
					live++
				}
			}
			require.Equal(t, 1, live)
			_, ok := r.peek(first)
			require.False(t, ok, "the old token must be dead")
			require.Len(t, r.seen(sesame.EventRenewed), 1)
			require.Len(t, r.seen(sesame.EventGone), 2)
		})
	}
}

// Sign-out everywhere races log-ins and renewals. Whatever survives came after,
// and is found by the next one.
func TestRevokeOwnerAgainstLogIn(t *testing.T) {
	r := newRoom[basket](t)
	for range 20 {
		var old []string
		for range 3 {
			old = append(old, r.do("", func(b *basket) { b.User = "ann" }))
		}
		steps := []func(){func() {
			_, err := r.m.RevokeOwner(context.Background(), "ann")
			require.NoError(t, err)
		}}
		tokens := make([]string, len(old)+2)
		for i := range tokens {
			steps = append(steps, func() {
				from := ""
				if i < len(old) {
					from = old[i]
				}
				tokens[i], _ = r.send(from, func(_ http.ResponseWriter, req *http.Request) {
					r.m.Renew(req.Context())
					if i >= len(old) {
						r.m.Get(req.Context()).User = "ann"
					}
				})
			})
		}
		var wg sync.WaitGroup
		for _, step := range steps {
			wg.Go(step)
		}
		wg.Wait()
		for i := range old {
			_, live := r.peek(tokens[i])
			require.False(t, live, "a session from before was renewed behind the revocation's back")
		}
		_, err := r.m.RevokeOwner(context.Background(), "ann")
		require.NoError(t, err)
		for _, token := range tokens {
			_, live := r.peek(token)
			require.False(t, live, "index and sessions disagree")
		}
	}
}

// A handler that overruns an http.TimeoutHandler mounted inside goes on while
// the session is committed; by Update it may.
func TestUpdateAfterATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sesame.New[basket]()
		late, done := make(chan struct{}), make(chan error)
		slow := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			ctx := context.WithoutCancel(r.Context())
			_ = m.Update(ctx, func(b *basket) error { b.Name = "before"; return nil })
			<-late
			done <- m.Update(ctx, func(b *basket) error { b.Times++; return nil })
		})
		res := visit(m, "", http.TimeoutHandler(slow, time.Second, "too slow").ServeHTTP)
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
		token := tokenOf(res)
		require.NotEmpty(t, token, "what was saved in time has its cookie")
		close(late)
		require.NoError(t, <-done, "an existing session is still saved")
		e, err := m.Find(context.Background(), keyOf(token).String())
		require.NoError(t, err)
		require.Equal(t, basket{Name: "before", Times: 1}, e.Data)
	})
}

// purse stores a field that is not exported, by methods of its own.
type purse struct {
	Name    string
	balance int
}

type purseText struct {
	Name    string
	Balance int
}

func (p purse) MarshalText() ([]byte, error) { return json.Marshal(purseText{p.Name, p.balance}) }

func (p *purse) UnmarshalText(b []byte) error {
	var text purseText
	err := json.Unmarshal(b, &text)
	*p = purse{text.Name, text.Balance}
	return err
}

func TestConflictOfWhatIsNotExported(t *testing.T) {
	type session struct{ Purse purse }
	r := newRoom[session](t)
	token := r.do("", func(s *session) { s.Purse = purse{"mine", 1} })
	r.slowly(token,
		func() { r.do(token, func(s *session) { s.Purse.balance = 100 }) },
		func(_ context.Context, s *session) { s.Purse.Name = "yours" })
	got, _ := r.peek(token)
	require.Equal(t, purse{"yours", 1}, got.Purse, "it is one value")
	require.Equal(t, "Purse", r.seen(sesame.EventConflict)[0].Field)
}

func TestUpdateOfWhatIsNotExported(t *testing.T) {
	r := newRoom[purse](t)
	token := r.do("", func(p *purse) { p.Name = "mine" })
	r.slowly(token,
		func() { r.do(token, func(p *purse) { p.balance = 100 }) },
		func(ctx context.Context, _ *purse) {
			require.NoError(r.t, r.m.Update(ctx, func(p *purse) error { p.balance++; return nil }))
			failed := errors.New("failed")
			require.Equal(r.t, failed, r.m.Update(ctx, func(p *purse) error { p.balance = -1; return failed }))
		})
	got, _ := r.peek(token)
	require.Equal(t, purse{"mine", 101}, got)
}
