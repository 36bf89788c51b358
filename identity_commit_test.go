package sesame_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// docs/SECURITY.md, identity rule 10: for a client that can no longer be told,
// no session is created or renewed. Log-outs and plain changes go on.
func TestIdentityRule10ClientThatCannotBeTold(t *testing.T) {
	type M = *sesame.Manager[guest]
	for name, test := range map[string]struct {
		known bool
		act   func(M, context.Context, *guest) error
		late  bool
		want  []guest
	}{
		"create":         {false, func(_ M, _ context.Context, s *guest) error { s.N = 1; return sesame.ErrLate }, true, nil},
		"create by Save": {false, func(m M, ctx context.Context, s *guest) error { s.N = 1; return m.Save(ctx) }, true, nil},
		"renew":          {true, func(m M, ctx context.Context, s *guest) error { m.Renew(ctx); s.User = "ann"; return sesame.ErrLate }, true, []guest{{N: 5}}},
		"renew by Save":  {true, func(m M, ctx context.Context, s *guest) error { m.Renew(ctx); s.User = "ann"; return m.Save(ctx) }, true, []guest{{N: 5}}},
		"renew by Update": {true, func(m M, ctx context.Context, _ *guest) error {
			m.Renew(ctx)
			return m.Update(ctx, func(s *guest) error { s.User = "ann"; return nil })
		}, true, []guest{{N: 5}}},
		"change": {true, func(_ M, _ context.Context, s *guest) error { s.N++; return nil }, false, []guest{{N: 6}}},
		"Update": {true, func(m M, ctx context.Context, _ *guest) error {
			return m.Update(ctx, func(s *guest) error { s.N++; return nil })
		}, false, []guest{{N: 6}}},
		"log-out":           {true, func(m M, ctx context.Context, _ *guest) error { m.Destroy(ctx); return nil }, false, nil},
		"log-out and write": {true, func(m M, ctx context.Context, s *guest) error { m.Destroy(ctx); s.N = 1; return sesame.ErrLate }, true, nil},
	} {
		for why, gone := range map[string]func(http.ResponseWriter, context.CancelFunc){
			"context done":   func(_ http.ResponseWriter, hangUp context.CancelFunc) { hangUp() },
			"response begun": func(w http.ResponseWriter, _ context.CancelFunc) { must(http.NewResponseController(w).Flush()) },
		} {
			t.Run(name+"/"+why, func(t *testing.T) {
				eachStore(t, func(t *testing.T, engine *memstore.Store, st *spy, with sesame.Option) {
					w := newWitness()
					m := sesame.New[guest](with, w.observer(), discard())
					var tokens []string
					if test.known {
						tokens = append(tokens, issue(t, m, func(s *guest) { s.N = 5 }))
					}
					ctx, hangUp := context.WithCancel(t.Context())
					defer hangUp()
					res := visitWith(m, request(tokens...).WithContext(ctx), func(w http.ResponseWriter, r *http.Request) {
						s := m.Get(r.Context())
						gone(w, hangUp)
						err := test.act(m, context.WithoutCancel(r.Context()), s)
						require.Equal(t, test.late, errors.Is(err, sesame.ErrLate), "%v", err)
					})
					require.Empty(t, tokenOf(res))
					require.Equal(t, test.late, w.count(sesame.EventLate) == 1)
					var left []guest
					for e, err := range sesame.New[guest](sesame.WithStore(engine)).All(t.Context()) {
						require.NoError(t, err)
						left = append(left, e.Data)
					}
					require.Equal(t, test.want, left)
					if len(test.want) > 0 {
						sees(t, m, test.want[0], tokens...)
					}
				})
			})
		}
	}
}

// docs/SECURITY.md, identity rule 11: a slow reader that began before a log-in
// must not set the cookie of the token that is dead by now.
func TestIdentityRule11SlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newSpy(memstore.New())
		m := sesame.New[guest](sesame.WithStore(st), discard())
		t0 := tokenOf(within(m, "", func(ctx context.Context, s *guest) { s.N = 1; m.Remember(ctx, 10*time.Hour, 0) }))
		time.Sleep(5 * time.Hour)
		res := within(m, t0, func(context.Context, *guest) {
			require.NotEmpty(t, tokenOf(within(m, t0, func(ctx context.Context, s *guest) { m.Renew(ctx); s.User = "ann" })))
		})
		require.Equal(t, 200, res.StatusCode)
		require.Empty(t, res.Cookies())

		t0 = tokenOf(within(m, "", func(ctx context.Context, s *guest) { s.N = 1; m.Remember(ctx, 10*time.Hour, 0) }))
		time.Sleep(5 * time.Hour)
		res = within(m, t0, func(context.Context, *guest) {})
		require.Equal(t, t0, tokenOf(res), "a reader whose save succeeded moves it")
		require.Equal(t, 10*60*60, res.Cookies()[0].MaxAge)
		st.before = func(op string, _ store.Key) error {
			if op == "save" {
				return errReset
			}
			return nil
		}
		time.Sleep(5 * time.Hour)
		res = within(m, t0, func(context.Context, *guest) {})
		require.Equal(t, 200, res.StatusCode)
		require.Empty(t, res.Cookies(), "one whose save failed does not")
	})
}

// docs/SECURITY.md, identity rule 11: what an earlier save of the request has
// earned is void once the session was renewed by another or ended.
func TestIdentityRule11EarnedAndLost(t *testing.T) {
	type M = *sesame.Manager[guest]
	for name, test := range map[string]struct {
		act    func(M, context.Context, *guest)
		status int
	}{
		"log-in": {func(m M, ctx context.Context, s *guest) { m.Renew(ctx); s.User = "bob" }, 409},
		"change": {func(_ M, _ context.Context, s *guest) { s.N = 9 }, 200},
	} {
		for how, lose := range map[string]func(M, string){
			"renewed": func(m M, t0 string) {
				within(m, t0, func(ctx context.Context, s *guest) { m.Renew(ctx); s.User = "ann" })
			},
			"revoked": func(m M, t0 string) { must(m.Revoke(context.Background(), keyOf(t0).String())) },
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := sesame.New[guest](discard())
					t0 := tokenOf(within(m, "", func(ctx context.Context, s *guest) { s.N = 1; m.Remember(ctx, 10*time.Hour, 0) }))
					time.Sleep(5 * time.Hour)
					res := within(m, t0, func(ctx context.Context, s *guest) {
						must(m.Update(ctx, func(s *guest) error { s.N++; return nil }))
						lose(m, t0)
						test.act(m, ctx, s)
					})
					require.Equal(t, test.status, res.StatusCode)
					require.Empty(t, res.Cookies())
				})
			})
		}
	}
}

// docs/SECURITY.md, identity rule 11: a second renewal before the first cookie
// has left keeps the hash of the token that the client has.
func TestIdentityRule11RenewedTwice(t *testing.T) {
	eachStore(t, func(t *testing.T, engine *memstore.Store, _ *spy, with sesame.Option) {
		w := newWitness()
		m := sesame.New[guest](with, w.observer(), discard())
		t0 := issue(t, m, func(s *guest) { s.N = 1 })
		res := within(m, t0, func(ctx context.Context, s *guest) {
			m.Renew(ctx)
			must(m.Save(ctx))
			m.Renew(ctx)
			must(m.Update(ctx, func(s *guest) error { s.N++; return nil }))
			m.Renew(ctx)
		})
		require.Len(t, res.Cookies(), 1)
		require.Equal(t, 3, w.count(sesame.EventRenewed))
		sees(t, m, guest{N: 2}, tokenOf(res))
		w.reset()
		require.Empty(t, tokenOf(within(m, t0, func(_ context.Context, s *guest) { s.N = 9 })))
		require.Equal(t, []sesame.EventKind{sesame.EventSuperseded}, w.kinds())
		require.Equal(t, 1, engine.Len())

		t1 := tokenOf(res)
		t2 := tokenOf(within(m, t1, func(ctx context.Context, _ *guest) { m.Renew(ctx) }))
		w.reset()
		sees(t, m, guest{}, t1)
		sees(t, m, guest{N: 2}, t2)
		require.Equal(t, []sesame.EventKind{sesame.EventSuperseded, sesame.EventLoaded}, w.kinds(), "in the next request it is the one before")
	})
}

// docs/SECURITY.md, identity rule 12: Durable is asked for by renewals, and by
// nothing else.
func TestIdentityRule12Durable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newSpy(memstore.New())
		m := sesame.New[guest](sesame.WithStore(st), discard())
		durable := func() (all []bool) {
			for _, c := range st.all() {
				if c.op == "save" {
					all = append(all, c.record.Durable)
				}
			}
			st.reset()
			return all
		}
		change := func(s *guest) error { s.N++; return nil }
		tok := issue(t, m, func(s *guest) { s.N = 1 })
		id := keyOf(tok).String()
		within(m, tok, func(_ context.Context, s *guest) { s.N++ })
		within(m, tok, func(ctx context.Context, s *guest) { s.N++; must(m.Save(ctx)) })
		within(m, tok, func(ctx context.Context, _ *guest) { must(m.Update(ctx, change)) })
		within(m, tok, func(ctx context.Context, _ *guest) { m.Remember(ctx, 10*time.Hour, 0) })
		must(m.UpdateByID(t.Context(), id, change))
		time.Sleep(5 * time.Hour)
		within(m, tok, func(context.Context, *guest) {}) // a touch
		within(m, "", func(ctx context.Context, s *guest) { m.Renew(ctx); s.N = 1 })
		sesame.New[guest](sesame.WithStore(st), sesame.WithSessions(map[string]guest{chosen("A"): {N: 1}}))
		require.Equal(t, []bool{false, false, false, false, false, false, false, false, false}, durable())

		for _, act := range []func(context.Context, *guest){
			func(ctx context.Context, _ *guest) { m.Renew(ctx) },
			func(ctx context.Context, s *guest) { m.Renew(ctx); s.User = "ann"; must(m.Save(ctx)) },
			func(ctx context.Context, _ *guest) { m.Renew(ctx); must(m.Update(ctx, change)) },
			func(ctx context.Context, _ *guest) { m.Renew(ctx); m.Remember(ctx, 0, 0) },
		} {
			tok = tokenOf(within(m, tok, func(ctx context.Context, s *guest) { act(ctx, s) }))
			require.Equal(t, []bool{true}, durable())
		}
		within(m, tok, func(ctx context.Context, s *guest) { m.Renew(ctx); must(m.Save(ctx)); s.N++ })
		require.Equal(t, []bool{true, false}, durable(), "a plain change after it is a plain save")
	})
}

// An older program knows the owner by a field that the newer one has renamed.
type (
	newAccount struct {
		Login string
		N, M  int
	}
	oldAccount struct {
		Name string
		N, M int
	}
)

func (a *newAccount) Owner() string { return a.Login }
func (a *oldAccount) Owner() string { return a.Name }

// docs/SECURITY.md, identity rule 13: a program that does not see the owner does
// not take the record from it, whatever it saves.
func TestIdentityRule13OwnerStays(t *testing.T) {
	type M = *sesame.Manager[oldAccount]
	change := func(s *oldAccount) error { s.N++; return nil }
	for name, act := range map[string]func(M, context.Context, *oldAccount){
		"change":         func(_ M, _ context.Context, s *oldAccount) { s.N++ },
		"Save":           func(m M, ctx context.Context, s *oldAccount) { s.N++; must(m.Save(ctx)) },
		"Save twice":     func(m M, ctx context.Context, s *oldAccount) { s.N++; must(m.Save(ctx)); s.N++ },
		"Renew":          func(m M, ctx context.Context, _ *oldAccount) { m.Renew(ctx) },
		"Renew, change":  func(m M, ctx context.Context, s *oldAccount) { m.Renew(ctx); s.N++ },
		"Remember":       func(m M, ctx context.Context, _ *oldAccount) { m.Remember(ctx, 0, time.Hour) },
		"Update":         func(m M, ctx context.Context, _ *oldAccount) { must(m.Update(ctx, change)) },
		"Update, Renew":  func(m M, ctx context.Context, _ *oldAccount) { m.Renew(ctx); must(m.Update(ctx, change)) },
		"Update, change": func(m M, ctx context.Context, s *oldAccount) { must(m.Update(ctx, change)); s.M++ },
		"UpdateByID":     func(m M, ctx context.Context, _ *oldAccount) { must(m.UpdateByID(ctx, m.Info(ctx).ID, change)) },
		"merge":          func(m M, ctx context.Context, s *oldAccount) { must(m.UpdateByID(ctx, m.Info(ctx).ID, change)); s.M++ },
		"merge of Update": func(m M, ctx context.Context, s *oldAccount) {
			once := true
			must(m.Update(ctx, func(s *oldAccount) error {
				if once {
					once = false
					must(m.UpdateByID(ctx, m.Info(ctx).ID, change))
				}
				s.M++
				return nil
			}))
		},
		"touch": func(M, context.Context, *oldAccount) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				engine := memstore.New()
				newer := sesame.New[newAccount](sesame.WithStore(engine), discard())
				older := sesame.New[oldAccount](sesame.WithStore(engine), discard())
				tok := tokenOf(within(newer, "", func(ctx context.Context, s *newAccount) { s.Login = "ann"; newer.Remember(ctx, time.Hour, 0) }))
				time.Sleep(30 * time.Minute)
				version := recordOf(t, engine, tok).Version
				within(older, tok, func(ctx context.Context, s *oldAccount) {
					require.Empty(t, s.Name)
					require.Equal(t, "ann", older.Info(ctx).Owner)
					act(older, ctx, s)
				})
				require.NotEqual(t, version, recordOf(t, engine, tok).Version, "nothing was saved")
				require.Equal(t, "ann", recordOf(t, engine, tok).Owner)
				n, err := older.RevokeOwner(t.Context(), "ann")
				require.NoError(t, err)
				require.Equal(t, 1, n)
			})
		})
	}
}

// docs/SECURITY.md, identity rule 13: the owner changes where Owner() says
// something else than before, and a merge takes the latest record's.
func TestIdentityRule13OwnerChanges(t *testing.T) {
	engine := memstore.New()
	newer := sesame.New[newAccount](sesame.WithStore(engine), discard())
	older := sesame.New[oldAccount](sesame.WithStore(engine), discard())
	tok := issue(t, newer, func(s *newAccount) { s.Login = "ann" })
	id := keyOf(tok).String()
	require.Equal(t, "ann", recordOf(t, engine, tok).Owner)
	within(older, tok, func(_ context.Context, s *oldAccount) {
		must(newer.UpdateByID(t.Context(), id, func(s *newAccount) error { s.Login = "bob"; return nil }))
		s.N++
	})
	require.Equal(t, "bob", recordOf(t, engine, tok).Owner, "the latest record's")
	within(older, tok, func(ctx context.Context, _ *oldAccount) {
		must(older.Update(ctx, func(s *oldAccount) error { s.Name = "eve"; return nil }))
	})
	require.Equal(t, "eve", recordOf(t, engine, tok).Owner)
	within(older, tok, func(_ context.Context, s *oldAccount) { s.N++ })
	require.Equal(t, "eve", recordOf(t, engine, tok).Owner)
	must(older.UpdateByID(t.Context(), id, func(s *oldAccount) error { s.Name = ""; return nil }))
	require.Empty(t, recordOf(t, engine, tok).Owner, "logged out by an administrator")
}
