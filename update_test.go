package sesame_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
)

// ledger has a field of each kind that Update and the handler may both change.
type ledger struct {
	Sum    int            `sesame:"sum"`
	Cart   map[string]int `sesame:"sum"`
	Recent []string       `sesame:"items"`
	Name   string
	Note   string
	Deep   map[string]map[string]int
	Cache  int `msgpack:"-"`
	open   bool
}

// TestUpdateBetweenEdits: an Update between two edits of the *T loses neither of
// them, nor what it did itself, whether or not the handler asks for its *T
// again.
func TestUpdateBetweenEdits(t *testing.T) {
	for _, known := range []bool{true, false} {
		for _, getsAgain := range []bool{false, true} {
			for _, saves := range []bool{false, true} {
				r := newRoom[ledger](t)
				token := ""
				if known {
					token = r.do("", func(l *ledger) {
						*l = ledger{Sum: 1, Cart: map[string]int{"tea": 1}, Recent: []string{"a"}, Deep: map[string]map[string]int{"x": {"1": 1}}}
					})
				}
				token, status := r.send(token, func(_ http.ResponseWriter, req *http.Request) {
					ctx := req.Context()
					l := r.m.Get(ctx)
					l.Cache, l.open = 7, true
					for i := range 3 {
						l.Sum++
						if l.Cart == nil {
							l.Cart = make(map[string]int)
						}
						l.Cart["tea"]++
						l.Recent = append(l.Recent, "mine")
						l.Name = "mine"
						must(r.m.Update(ctx, func(u *ledger) error {
							u.Sum += 10
							if u.Cart == nil {
								u.Cart = make(map[string]int)
							}
							u.Cart["tea"] += 10
							u.Cart["rum"]++
							u.Recent = append(u.Recent, "theirs")
							u.Note = "theirs"
							if u.Deep == nil {
								u.Deep = make(map[string]map[string]int)
							}
							if u.Deep["x"] == nil {
								u.Deep["x"] = make(map[string]int)
							}
							u.Deep["x"]["2"]++
							if u.open || u.Cache != 0 {
								return errors.New("what is not saved is not there")
							}
							return nil
						}))
						l.Sum++
						if l.Deep == nil {
							l.Deep = make(map[string]map[string]int)
						}
						if l.Deep["y"] == nil {
							l.Deep["y"] = make(map[string]int)
						}
						l.Deep["y"]["1"]++
						if getsAgain && r.m.Get(ctx).Sum != l.Sum {
							t.Error("Get returns another *T")
						}
						if saves {
							must(r.m.Save(ctx))
						}
						if (getsAgain || saves) && l.Cart["rum"] != i+1 {
							t.Errorf("round %d: %v", i, l.Cart)
						}
					}
					if l.Cache != 7 || !l.open {
						t.Error("what is not stored is lost")
					}
				})
				require.Equal(t, 200, status)
				got, _ := r.peek(token)
				slices.Sort(got.Recent)
				want := ledger{
					Sum: 36, Cart: map[string]int{"tea": 33, "rum": 3}, Name: "mine", Note: "theirs",
					Recent: []string{"mine", "mine", "mine", "theirs", "theirs", "theirs"},
					Deep:   map[string]map[string]int{"x": {"2": 3}, "y": {"1": 3}},
				}
				if known {
					want.Sum, want.Cart["tea"], want.Deep["x"]["1"] = 37, 34, 1
					want.Recent = append([]string{"a"}, want.Recent...)
				}
				require.Equal(t, want, got)
				require.Empty(t, r.seen(sesame.EventConflict))
			}
		}
	}
}

// TestUpdateConflictsWithEdits: what both changed is a conflict, as between two
// requests, and is told.
func TestUpdateConflictsWithEdits(t *testing.T) {
	r := newRoom[ledger](t)
	token := r.do("", func(l *ledger) { l.Name = "before" })
	r.send(token, func(_ http.ResponseWriter, req *http.Request) {
		l := r.m.Get(req.Context())
		l.Name = "mine"
		must(r.m.Update(req.Context(), func(u *ledger) error {
			if u.Name != "before" {
				t.Errorf("fn sees %q", u.Name)
			}
			u.Name = "theirs"
			return nil
		}))
		if r.m.Get(req.Context()).Name != "mine" {
			t.Error("the later one wins")
		}
	})
	got, _ := r.peek(token)
	require.Equal(t, "mine", got.Name)
	conflicts := r.seen(sesame.EventConflict)
	require.Len(t, conflicts, 1)
	require.Equal(t, "Name", conflicts[0].Field)
}

// TestUpdateWhileTheHandlerReads: the handler may use its *T while goroutines of
// its own call Update.
func TestUpdateWhileTheHandlerReads(t *testing.T) {
	r := newRoom[ledger](t)
	token := r.do("", func(l *ledger) { l.Cart = map[string]int{"tea": 1} })
	r.send(token, func(_ http.ResponseWriter, req *http.Request) {
		l := r.m.Get(req.Context())
		var updates sync.WaitGroup
		for range 4 {
			updates.Go(func() {
				for range 20 {
					if err := r.m.Update(req.Context(), func(u *ledger) error { u.Cart["tea"]++; u.Sum++; return nil }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 200 {
			for name, n := range l.Cart {
				if name != "tea" || n != 1 {
					t.Errorf("%d %s", n, name)
				}
			}
		}
		l.Cart["rum"] = 1
		updates.Wait()
		l.Cart["rum"]++
	})
	got, _ := r.peek(token)
	require.Equal(t, map[string]int{"tea": 81, "rum": 2}, got.Cart)
	require.Equal(t, 80, got.Sum)
}

// TestWithinUpdate: what Update's function calls with the request's context does
// what it says, and nothing hangs.
func TestWithinUpdate(t *testing.T) {
	type M = *sesame.Manager[ledger]
	for name, test := range map[string]struct {
		do   func(m M, ctx context.Context, run int)
		runs int
		want ledger // Sum is 11 with what fn adds
		ends bool
	}{
		"Get": {func(m M, ctx context.Context, _ int) { m.Get(ctx).Name = "mine" }, 1, ledger{Sum: 11, Name: "mine"}, false},
		"Info": {func(m M, ctx context.Context, _ int) {
			if m.Info(ctx).New {
				panic("it is stored")
			}
		}, 1, ledger{Sum: 11}, false},
		"Load":     {func(m M, ctx context.Context, _ int) { _, err := m.Load(ctx); must(err) }, 1, ledger{Sum: 11}, false},
		"Save":     {func(m M, ctx context.Context, _ int) { m.Get(ctx).Name = "mine"; must(m.Save(ctx)) }, 2, ledger{Sum: 11, Name: "mine"}, false},
		"Renew":    {func(m M, ctx context.Context, _ int) { m.Renew(ctx) }, 1, ledger{Sum: 11}, false},
		"Remember": {func(m M, ctx context.Context, _ int) { m.Remember(ctx, time.Minute, time.Hour) }, 1, ledger{Sum: 11}, false},
		"Destroy":  {func(m M, ctx context.Context, _ int) { m.Destroy(ctx) }, 2, ledger{Sum: 10}, true},
		"Update, once": {func(m M, ctx context.Context, run int) {
			if run == 1 {
				must(m.Update(ctx, func(l *ledger) error { l.Sum += 100; return nil }))
			}
		}, 2, ledger{Sum: 111}, false},
		"UpdateByID, once": {func(m M, ctx context.Context, run int) {
			if run == 1 {
				must(m.UpdateByID(ctx, m.Info(ctx).ID, func(l *ledger) error { l.Sum += 100; return nil }))
			}
		}, 2, ledger{Sum: 111}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom[ledger](t)
			token := r.do("", func(l *ledger) { l.Sum = 1 })
			runs := 0
			after, status := r.send(token, func(_ http.ResponseWriter, req *http.Request) {
				must(r.m.Update(req.Context(), func(l *ledger) error {
					runs++
					test.do(r.m, req.Context(), runs)
					l.Sum += 10
					return nil
				}))
			})
			require.Equal(t, 200, status)
			require.Equal(t, test.runs, runs)
			got, live := r.peek(after)
			require.True(t, live)
			require.Equal(t, test.want, got)
			_, live = r.peek(token)
			require.Equal(t, !test.ends && name != "Renew", live)
		})
	}
}

// TestUpdateThatAlwaysUpdates: a function that saves the session itself each time
// it is called never gets its own change in, and is told.
func TestUpdateThatAlwaysUpdates(t *testing.T) {
	r := newRoom[ledger](t)
	token := r.do("", func(l *ledger) { l.Sum = 1 })
	r.send(token, func(_ http.ResponseWriter, req *http.Request) {
		err := r.m.Update(req.Context(), func(l *ledger) error {
			l.Sum += 10
			return r.m.Update(req.Context(), func(l *ledger) error { l.Sum++; return nil })
		})
		if !errors.Is(err, sesame.ErrConflict) {
			t.Errorf("Update returned %v", err)
		}
	})
}

// TestGetAfterLoad: once the session is loaded nothing panics. What cannot be
// merged because it cannot be encoded is an error of the commit.
func TestGetAfterLoad(t *testing.T) {
	type session struct {
		Any any
		N   int
	}
	for _, mended := range []bool{false, true} {
		m := sesame.New[session](newWitness().logger())
		token := issue(t, m, func(s *session) { s.N = 1 })
		res := within(m, token, func(ctx context.Context, s *session) {
			s.Any = make(chan int)
			must(m.Update(ctx, func(s *session) error { s.N++; return nil }))
			require.NotPanics(t, func() { m.Get(ctx) })
			if mended {
				s.Any = nil
				require.Equal(t, 2, m.Get(ctx).N)
			}
		})
		require.Equal(t, !mended, res.StatusCode == 500)
		within(m, token, func(_ context.Context, s *session) { require.Equal(t, session{N: 2}, *s) })
	}
}
