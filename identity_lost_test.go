package sesame_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// docs/SECURITY.md, identity rule 6: a log-in that lost says so, and leaves no
// trace.
func TestIdentityRule06LosingLogInFails(t *testing.T) {
	type M = *sesame.Manager[guest]
	for how, lose := range map[string]func(M, string){
		"renewal": func(m M, t0 string) {
			within(m, t0, func(ctx context.Context, s *guest) { m.Renew(ctx); s.User = "bob" })
		},
		"log-out":    func(m M, t0 string) { within(m, t0, func(ctx context.Context, _ *guest) { m.Destroy(ctx) }) },
		"revocation": func(m M, t0 string) { must(m.Revoke(context.Background(), keyOf(t0).String())) },
	} {
		for what, save := range map[string]func(M, context.Context) error{
			"end":    func(M, context.Context) error { return nil },
			"Save":   func(m M, ctx context.Context) error { return m.Save(ctx) },
			"Update": func(m M, ctx context.Context) error { return m.Update(ctx, func(s *guest) error { s.N++; return nil }) },
		} {
			t.Run(how+"/"+what, func(t *testing.T) {
				eachStore(t, func(t *testing.T, engine *memstore.Store, st *spy, with sesame.Option) {
					var failed error
					m := sesame.New[guest](with, discard(), sesame.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, err error) {
						failed = err
						w.WriteHeader(http.StatusTeapot)
					}))
					t0 := issue(t, m, func(s *guest) { s.N = 1 })
					var before map[store.Key]store.Record
					res := within(m, t0, func(ctx context.Context, s *guest) {
						lose(m, t0)
						before = allRecords(t, engine)
						m.Renew(ctx)
						s.User = "ann"
						if err := save(m, ctx); what != "end" {
							require.ErrorIs(t, err, sesame.ErrSuperseded)
							require.ErrorIs(t, err, sesame.ErrNotFound)
						}
					})
					require.ErrorIs(t, failed, sesame.ErrSuperseded)
					require.Equal(t, http.StatusTeapot, res.StatusCode)
					require.Empty(t, res.Cookies())
					require.Equal(t, before, allRecords(t, engine))
				})
			})
		}
	}
	m := sesame.New[guest](discard())
	t0 := issue(t, m, func(s *guest) { s.N = 1 })
	res := within(m, t0, func(ctx context.Context, _ *guest) {
		m.Renew(ctx)
		must(m.Revoke(ctx, m.Info(ctx).ID))
	})
	require.Equal(t, http.StatusConflict, res.StatusCode, "the default error handler")
}

// docs/SECURITY.md, identity rule 7: a renewal whose reply is lost, or that is
// sent twice, has succeeded if any look at the store shows it.
func TestIdentityRule07LostReply(t *testing.T) {
	type M = *sesame.Manager[guest]
	for name, arm := range map[string]func(*spy){
		"reply lost": func(st *spy) { st.loses(func() bool { return false }) },
		"and away for a second": func(st *spy) {
			back := time.Now().Add(time.Second)
			st.loses(func() bool { return time.Now().Before(back) })
		},
		"sent twice": func(st *spy) { st.twice = true },
	} {
		for what, save := range map[string]func(M, context.Context) error{
			"end":    func(M, context.Context) error { return nil },
			"Save":   func(m M, ctx context.Context) error { return m.Save(ctx) },
			"Update": func(m M, ctx context.Context) error { return m.Update(ctx, func(s *guest) error { s.N++; return nil }) },
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				eachStore(t, func(t *testing.T, engine *memstore.Store, st *spy, with sesame.Option) {
					synctest.Test(t, func(t *testing.T) {
						m := sesame.New[guest](with, discard())
						t0 := issue(t, m, func(s *guest) { s.N = 1 })
						arm(st)
						res := within(m, t0, func(ctx context.Context, s *guest) {
							m.Renew(ctx)
							s.User = "ann"
							require.NoError(t, save(m, ctx))
						})
						require.Equal(t, 200, res.StatusCode)
						want := guest{User: "ann", N: 1}
						if what == "Update" {
							want.N++
						}
						sees(t, m, want, tokenOf(res))
						require.Equal(t, 1, engine.Len())
					})
				})
			})
		}
	}
}

// docs/SECURITY.md, identity rule 7: a later look of the same request counts
// too, and then it is as if the save had been answered: what the request or an
// administrator has changed since is not lost.
func TestIdentityRule07LaterLook(t *testing.T) {
	type session struct {
		User     string
		N, Quota int
	}
	for what, save := range map[string]func(*sesame.Manager[session], context.Context) error{
		"Save": func(m *sesame.Manager[session], ctx context.Context) error { return m.Save(ctx) },
		"Update": func(m *sesame.Manager[session], ctx context.Context) error {
			return m.Update(ctx, func(s *session) error { s.User = "ann"; return nil })
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				engine, w := memstore.New(), newWitness()
				st := newSpy(engine)
				m := sesame.New[session](sesame.WithStore(st), discard(), w.observer())
				t0, late := issue(t, m, func(s *session) { s.N = 1 }), issue(t, m, func(s *session) { s.N = 1 })
				within(m, late, func(ctx context.Context, _ *session) { m.Renew(ctx) })
				w.reset()
				back := false
				st.loses(func() bool { return !back })
				res := withAll(m, []string{t0, late}, func(ctx context.Context, s *session) {
					m.Renew(ctx)
					if what == "Save" {
						s.User = "ann"
					}
					require.ErrorIs(t, save(m, ctx), sesame.ErrStore)
					back = true
					must(m.UpdateByID(ctx, keyOf(t0).String(), func(s *session) error { s.Quota = 7; return nil }))
					s.N++
				})
				require.Equal(t, 200, res.StatusCode)
				sees(t, m, session{User: "ann", N: 2, Quota: 7}, tokenOf(res))
				require.Zero(t, w.count(sesame.EventConflict), "what it has stored itself is no other's change")
				require.Equal(t, 1, w.count(sesame.EventRenewed))
				require.Equal(t, 1, w.count(sesame.EventDestroyed), "the other session is ended")
			})
		})
	}
}

// docs/SECURITY.md, identity rule 7: if no look shows it the answer is an error
// without a cookie. If the save was not carried out the old token works on.
func TestIdentityRule07EveryLookFails(t *testing.T) {
	for name, carriedOut := range map[string]bool{"carried out": true, "not carried out": false} {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, engine *memstore.Store, st *spy, with sesame.Option) {
				synctest.Test(t, func(t *testing.T) {
					m := sesame.New[guest](with, discard(), sesame.WithStoreTimeout(3*time.Second))
					t0 := issue(t, m, func(s *guest) { s.N = 1 })
					st.loses(func() bool { return true })
					if !carriedOut {
						st.before, st.after = func(op string, _ store.Key) error {
							if op == "save" {
								return errReset
							}
							return nil
						}, nil
					}
					began := time.Now()
					res := within(m, t0, func(ctx context.Context, s *guest) { m.Renew(ctx); s.User = "ann" })
					require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
					require.Empty(t, res.Cookies())
					require.LessOrEqual(t, time.Since(began), 6*time.Second, "its own time and one more")
					st.before, st.after = nil, nil
					if !carriedOut {
						sees(t, m, guest{N: 1}, t0)
					}
					require.Equal(t, 1, engine.Len())
				})
			})
		})
	}
}

// docs/SECURITY.md, identity rule 7: the look has time of its own.
func TestIdentityRule07TimeToLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newSpy(memstore.New())
		m := sesame.New[guest](sesame.WithStore(st), discard(), sesame.WithStoreTimeout(3*time.Second))
		t0 := issue(t, m, func(s *guest) { s.N = 1 })
		st.after = func(op string, err error) error {
			if op == "save" {
				time.Sleep(3*time.Second + time.Millisecond) // all of its time
				return context.DeadlineExceeded
			}
			return err
		}
		res := within(m, t0, func(ctx context.Context, s *guest) { m.Renew(ctx); s.User = "ann" })
		require.Equal(t, 200, res.StatusCode)
		sees(t, m, guest{User: "ann", N: 1}, tokenOf(res))
	})
}

// docs/SECURITY.md, identity rule 7: all of it together takes no more than that,
// even if the store comes back late and hangs again.
func TestIdentityRule07TimeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &stuck{Store: memstore.New()}
		m := sesame.New[guest](sesame.WithStore(st), discard(), sesame.WithStoreTimeout(3*time.Second))
		t0 := issue(t, m, func(s *guest) { s.N = 1 })
		var began time.Time
		res := within(m, t0, func(ctx context.Context, s *guest) {
			began = time.Now()
			st.until, st.saves = began.Add(5*time.Second), true
			m.Renew(ctx)
			s.User = "ann"
		})
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
		require.LessOrEqual(t, time.Since(began), 6*time.Second)
		st.saves = false
		sees(t, m, guest{N: 1}, t0)
	})
}

// stuck cannot be loaded from until some time, and does not answer to saves.
type stuck struct {
	store.Store
	until time.Time
	saves bool
}

func (s *stuck) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if time.Now().Before(s.until) {
		return store.Record{}, errReset
	}
	return s.Store.Load(ctx, k)
}

func (s *stuck) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if s.saves {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return s.Store.Save(ctx, k, r)
}

// docs/SECURITY.md, identity rule 7: a renewal that fails, and is carried out
// after the look, would leave the client with two dead tokens.
func TestIdentityRule07CarriedOutLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := memstore.New()
		m := sesame.New[guest](sesame.WithStore(&slowLine{Store: engine}), discard())
		t0 := issue(t, m, func(s *guest) { s.N = 1 })
		res := within(m, t0, func(ctx context.Context, s *guest) { m.Renew(ctx); s.User = "ann" })
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
		require.Empty(t, res.Cookies())
		time.Sleep(time.Minute)
		sees(t, m, guest{N: 1}, t0)
		require.NotEmpty(t, tokenOf(within(m, t0, func(ctx context.Context, _ *guest) { m.Renew(ctx) })), "the next log-in succeeds")
	})
}

// slowLine gives up on the first renewal when the time for it is up. The engine
// gets it a second later all the same.
type slowLine struct {
	store.Store
	gaveUp bool
}

func (s *slowLine) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if !r.Durable || s.gaveUp {
		return s.Store.Save(ctx, k, r)
	}
	s.gaveUp = true
	<-ctx.Done()
	go func() {
		time.Sleep(time.Second)
		_, _ = s.Store.Save(context.WithoutCancel(ctx), k, r)
	}()
	return 0, ctx.Err()
}

// docs/SECURITY.md, identity rule 7: a creating save that is sent twice meets a
// conflict with itself.
func TestIdentityRule07CreatedTwice(t *testing.T) {
	eachStore(t, func(t *testing.T, engine *memstore.Store, st *spy, with sesame.Option) {
		m := sesame.New[guest](with, discard())
		st.twice = true
		tok := issue(t, m, func(s *guest) { s.N = 1 })
		require.Equal(t, 1, engine.Len())
		sees(t, m, guest{N: 1}, tok)
	})
}

// docs/SECURITY.md, identity rule 7: what an administrator has changed before
// the look is kept.
func TestIdentityRule07ChangedBeforeTheLook(t *testing.T) {
	st := newSpy(memstore.New())
	m := sesame.New[guest](sesame.WithStore(st), discard())
	t0 := issue(t, m, func(s *guest) { s.N = 1 })
	st.after = func(op string, err error) error {
		if op != "save" {
			return err
		}
		st.after = nil
		must(m.UpdateByID(t.Context(), keyOf(t0).String(), func(s *guest) error { s.N = 7; return nil }))
		return errReset
	}
	res := within(m, t0, func(ctx context.Context, s *guest) {
		m.Renew(ctx)
		s.User = "ann"
		require.NoError(t, m.Save(ctx))
		require.Equal(t, guest{User: "ann", N: 7}, *m.Get(ctx))
	})
	sees(t, m, guest{User: "ann", N: 7}, tokenOf(res))
}
