package sesame_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// held are the requests that are anonymous although their cookies name a
// session. Each returns the tokens of a request, and how many sessions they
// name.
var held = map[string]func(t *testing.T, m *sesame.Manager[guest]) (tokens []string, n int){
	"superseded": func(t *testing.T, m *sesame.Manager[guest]) ([]string, int) {
		t0 := issue(t, m, func(s *guest) { s.User = "ann" })
		within(m, t0, func(ctx context.Context, _ *guest) { m.Renew(ctx) })
		return []string{t0}, 1
	},
	"ambiguous": func(t *testing.T, m *sesame.Manager[guest]) ([]string, int) {
		return []string{issue(t, m, func(s *guest) { s.User = "ann" }), issue(t, m, func(s *guest) { s.User = "bob" })}, 2
	},
	"ambiguous and superseded": func(t *testing.T, m *sesame.Manager[guest]) ([]string, int) {
		t0 := issue(t, m, func(s *guest) { s.User = "ann" })
		within(m, t0, func(ctx context.Context, _ *guest) { m.Renew(ctx) })
		return []string{t0, issue(t, m, func(s *guest) { s.User = "bob" }), issue(t, m, func(s *guest) { s.User = "eve" })}, 3
	},
}

// docs/SECURITY.md, identity rule 8: a superseded or ambiguous request sees no
// session, and what it writes is stored nowhere and sets no cookie.
func TestIdentityRule08HeldRequests(t *testing.T) {
	type M = *sesame.Manager[guest]
	for kind, begin := range held {
		for what, act := range map[string]func(M, context.Context, *guest){
			"read":   func(M, context.Context, *guest) {},
			"change": func(_ M, _ context.Context, s *guest) { s.N = 666 },
			"Save":   func(m M, ctx context.Context, s *guest) { s.N = 666; refused(m.Save(ctx)) },
			"Update": func(m M, ctx context.Context, _ *guest) {
				refused(m.Update(ctx, func(s *guest) error { s.N = 666; return nil }))
			},
			"Remember": func(m M, ctx context.Context, s *guest) { s.N = 666; m.Remember(ctx, 0, time.Hour) },
		} {
			t.Run(kind+"/"+what, func(t *testing.T) {
				eachStore(t, func(t *testing.T, engine *memstore.Store, _ *spy, with sesame.Option) {
					m := sesame.New[guest](with, discard())
					tokens, _ := begin(t, m)
					before := allRecords(t, engine)
					res := withAll(m, tokens, func(ctx context.Context, s *guest) {
						require.Zero(t, *s)
						require.Equal(t, sesame.Info{New: true}, m.Info(ctx))
						act(m, ctx, s)
					})
					require.Equal(t, 200, res.StatusCode)
					require.Empty(t, res.Cookies())
					require.Equal(t, before, allRecords(t, engine))
				})
			})
		}
	}
}

func refused(err error) {
	if !errors.Is(err, sesame.ErrSuperseded) {
		panic(fmt.Sprintf("not refused: %v", err))
	}
}

// docs/SECURITY.md, identity rule 8: with Renew such a request begins with
// nothing under a fresh ID, with Destroy it ends what its cookies name.
func TestIdentityRule08HeldLogInAndLogOut(t *testing.T) {
	for kind, begin := range held {
		t.Run(kind, func(t *testing.T) {
			eachStore(t, func(t *testing.T, engine *memstore.Store, _ *spy, with sesame.Option) {
				m := sesame.New[guest](with, discard())
				tokens, n := begin(t, m)
				bystander := issue(t, m, func(s *guest) { s.N = 5 })
				require.Equal(t, n+1, engine.Len())
				res := withAll(m, tokens, func(ctx context.Context, s *guest) {
					m.Renew(ctx)
					m.Remember(ctx, 0, time.Hour)
					s.N = 7
				})
				fresh := tokenOf(res)
				require.Equal(t, 3600, res.Cookies()[0].MaxAge)
				for _, tok := range tokens {
					require.NotEqual(t, keyOf(tok), keyOf(fresh))
				}
				require.Equal(t, 2, engine.Len(), "the bystander's and the fresh one")
				sees(t, m, guest{N: 7}, append(tokens, fresh)...)
				sees(t, m, guest{N: 5}, bystander)

				tokens, n = begin(t, m)
				require.Equal(t, n+2, engine.Len())
				res = withAll(m, tokens, func(ctx context.Context, _ *guest) { m.Destroy(ctx) })
				require.Equal(t, -1, res.Cookies()[0].MaxAge)
				require.Equal(t, 2, engine.Len())
				sees(t, m, guest{N: 7}, fresh)
				sees(t, m, guest{N: 5}, bystander)
			})
		})
	}
}

// docs/SECURITY.md, identity rule 8: the ten seconds hold whichever clock is
// ahead, and what comes after them is an unknown token.
func TestIdentityRule08TenSeconds(t *testing.T) {
	for _, ahead := range []time.Duration{-10 * time.Second, -10*time.Second + time.Millisecond, 0, 10*time.Second - time.Millisecond, 10 * time.Second} {
		t.Run(ahead.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				engine, w := memstore.New(), newWitness()
				m := sesame.New[guest](sesame.WithStore(engine), w.observer(), discard())
				t0 := issue(t, m, func(s *guest) { s.User = "ann" })
				within(m, t0, func(ctx context.Context, _ *guest) { m.Renew(ctx) })
				spoilRecord(t, engine, t0, func(r *store.Record) {
					h := headerOf(t, *r)
					h.Renewed = h.Renewed.Add(ahead)
					h.Append(r.Data[:0])
				})
				w.reset()
				res := within(m, t0, func(_ context.Context, s *guest) { require.Zero(t, *s); s.N = 1 })
				if ahead.Abs() < 10*time.Second {
					require.Equal(t, []sesame.EventKind{sesame.EventSuperseded}, w.kinds())
					require.Empty(t, w.all()[0].Owner)
					require.Empty(t, tokenOf(res))
					return
				}
				require.Equal(t, []sesame.EventKind{sesame.EventUnknownToken, sesame.EventCreated}, w.kinds())
				require.NotEqual(t, keyOf(t0), keyOf(tokenOf(res)))
			})
		})
	}
}

// docs/SECURITY.md, identity rule 9: a log-out reaches what the request's
// tokens name by a good secret, and nothing else.
func TestIdentityRule09DestroyEndsAllThatIsNamed(t *testing.T) {
	eachStore(t, func(t *testing.T, engine *memstore.Store, st *spy, with sesame.Option) {
		w := newWitness()
		m := sesame.New[guest](with, w.observer(), discard())
		stranger := issue(t, m, func(s *guest) { s.User = "ann" })
		a, b := issue(t, m, func(s *guest) { s.N = 1 }), issue(t, m, func(s *guest) { s.N = 2 })
		unreadable := issue(t, m, func(s *guest) { s.N = 3 })
		spoilRecord(t, engine, unreadable, func(r *store.Record) { r.Data[0] = 9 })
		w.reset()
		res := withAll(m, []string{a, wrongSecret(stranger), b, unreadable}, func(ctx context.Context, _ *guest) { m.Destroy(ctx) })
		require.Equal(t, -1, res.Cookies()[0].MaxAge)
		require.Equal(t, 1, engine.Len())
		require.Equal(t, 3, w.count(sesame.EventDestroyed))
		sees(t, m, guest{User: "ann"}, stranger)

		st.reset()
		res = withAll(m, []string{wrongSecret(stranger), a}, func(ctx context.Context, _ *guest) { m.Destroy(ctx) })
		require.Equal(t, -1, res.Cookies()[0].MaxAge, "a token that names nothing is of no use to the client")
		require.Equal(t, []string{"load", "load"}, st.ops())

		old := tokenOf(within(m, "", func(_ context.Context, s *guest) { s.N = 4 }))
		good := tokenOf(within(m, old, func(ctx context.Context, _ *guest) { m.Renew(ctx) }))
		w.reset()
		withAll(m, []string{old, good}, func(ctx context.Context, s *guest) { require.Equal(t, 4, s.N); m.Destroy(ctx) })
		require.Equal(t, 1, w.count(sesame.EventDestroyed), "one session by two tokens")
		require.Equal(t, 1, engine.Len())
	})
}

// docs/SECURITY.md, identity rule 9: the cookie is deleted last, and only if all
// the records are.
func TestIdentityRule09CookieGoesLast(t *testing.T) {
	st := newSpy(memstore.New())
	m := sesame.New[guest](sesame.WithStore(st), discard())
	tokens := []string{issue(t, m, func(s *guest) { s.N = 1 }), issue(t, m, func(s *guest) { s.N = 2 })}
	deletes := 0
	st.before = func(op string, _ store.Key) error {
		if op == "delete" {
			if deletes++; deletes == 2 {
				return errReset
			}
		}
		return nil
	}
	res := withAll(m, tokens, func(ctx context.Context, _ *guest) { m.Destroy(ctx) })
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.Empty(t, res.Cookies())
	res = withAll(m, tokens, func(ctx context.Context, _ *guest) { m.Destroy(ctx) })
	require.Equal(t, -1, res.Cookies()[0].MaxAge)
	require.Zero(t, st.Store.(*memstore.Store).Len())
}

// docs/SECURITY.md, identity rule 9: a log-in is saved, and then the other
// sessions that the request names are ended. It stands if that fails.
func TestIdentityRule09RenewEndsTheOthers(t *testing.T) {
	for name, fails := range map[string]bool{"": false, "deletion fails": true} {
		for what, save := range map[string]func(*sesame.Manager[guest], context.Context) error{
			"end":  func(*sesame.Manager[guest], context.Context) error { return nil },
			"Save": func(m *sesame.Manager[guest], ctx context.Context) error { return m.Save(ctx) },
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				eachStore(t, func(t *testing.T, engine *memstore.Store, st *spy, with sesame.Option) {
					w := newWitness()
					m := sesame.New[guest](with, w.observer(), discard())
					good, stranger := issue(t, m, func(s *guest) { s.N = 1 }), issue(t, m, func(s *guest) { s.N = 2 })
					newer, late := issue(t, m, func(s *guest) { s.N = 3 }), issue(t, m, func(s *guest) { s.N = 4 })
					spoilRecord(t, engine, newer, func(r *store.Record) { r.Data[1] = 0x80 })
					within(m, late, func(ctx context.Context, _ *guest) { m.Renew(ctx) })
					w.reset()
					st.reset()
					var cancel context.CancelFunc
					st.before = func(op string, _ store.Key) error {
						if op == "delete" {
							cancel()
							if fails {
								return errReset
							}
						}
						return nil
					}
					res := withAll(m, []string{good, wrongSecret(stranger), newer, late}, func(ctx context.Context, s *guest) {
						require.Equal(t, 1, s.N)
						m.Renew(ctx)
						s.User = "ann"
						ctx, cancel = context.WithCancel(ctx)
						must(save(m, ctx))
					})
					require.Equal(t, 200, res.StatusCode)
					require.Equal(t, []string{"load", "load", "load", "load", "save", "delete", "delete"}, st.ops())
					st.before = nil
					sees(t, m, guest{User: "ann", N: 1}, tokenOf(res), newer, late)
					if fails {
						require.Equal(t, 2, w.count(sesame.EventStoreError))
						require.Equal(t, 4, engine.Len())
						return
					}
					require.Equal(t, 2, w.count(sesame.EventDestroyed))
					require.Equal(t, 2, engine.Len())
					sees(t, m, guest{N: 2}, stranger)
				})
			})
		}
	}
}

// docs/SECURITY.md, identity rule 9: the session's own old token names no other
// session.
func TestIdentityRule09RenewSparesItsOwn(t *testing.T) {
	m := sesame.New[guest](discard())
	old := issue(t, m, func(s *guest) { s.N = 1 })
	good := tokenOf(within(m, old, func(ctx context.Context, _ *guest) { m.Renew(ctx) }))
	for _, oldFirst := range []bool{true, false} {
		tokens := []string{good, old}
		if oldFirst {
			slices.Reverse(tokens)
		}
		res := withAll(m, tokens, func(ctx context.Context, s *guest) { m.Renew(ctx); s.N++ })
		old, good = good, tokenOf(res)
	}
	sees(t, m, guest{N: 3}, good)
}

// docs/SECURITY.md, identity rule 9: a browser keeps a Partitioned cookie beside
// one that is not, so both are deleted.
func TestIdentityRule09PartitionedInBothForms(t *testing.T) {
	m := sesame.New[guest](discard(), sesame.WithCookie(http.Cookie{Name: "__Host-Http-session_id", Partitioned: true}))
	tok := issue(t, m, func(s *guest) { s.N = 1 })
	res := within(m, tok, func(ctx context.Context, _ *guest) { m.Destroy(ctx) })
	require.Len(t, res.Cookies(), 2)
	partitioned, plain := *res.Cookies()[0], *res.Cookies()[1]
	require.True(t, partitioned.Partitioned)
	require.Equal(t, -1, partitioned.MaxAge)
	partitioned.Partitioned, partitioned.Raw, plain.Raw = false, "", ""
	require.Equal(t, partitioned, plain)
}
