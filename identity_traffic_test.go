package sesame_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// RevokeOwner comes between the two calls that a log-in makes: it must not be
// answered with success for a session that is dead.
func TestRevokeOwnerDuringLogIn(t *testing.T) {
	for name, wrap := range map[string]func(*memstore.Store, *spy) store.Store{
		"index": func(s *memstore.Store, st *spy) store.Store { return st.full(s) },
		"list": func(s *memstore.Store, st *spy) store.Store {
			return struct {
				*spy
				store.Lister
			}{st, s}
		},
	} {
		for who, user := range map[string]string{"once more": "root", "for the first time": ""} {
			t.Run(name+"/"+who, func(t *testing.T) {
				engine := memstore.New()
				st := newSpy(engine)
				m := sesame.New[owned](sesame.WithStore(wrap(engine, st)), discard())
				t0 := issue(t, m, func(s *owned) { s.User, s.N = user, 1 })
				other := issue(t, m, func(s *owned) { s.User = "root" })
				st.before = func(op string, _ store.Key) error {
					if op == "save" {
						st.before = nil
						_, err := m.RevokeOwner(t.Context(), "root")
						return err
					}
					return nil
				}
				res := within(m, t0, func(ctx context.Context, s *owned) { m.Renew(ctx); s.User = "root" })
				sees(t, m, owned{}, other)
				if user == "root" {
					require.Equal(t, http.StatusConflict, res.StatusCode)
					require.Empty(t, res.Cookies())
					require.Zero(t, engine.Len())
					return
				}
				require.Equal(t, 200, res.StatusCode)
				sees(t, m, owned{"root", 1}, tokenOf(res)) // it was saved after the revocation
			})
		}
	}
}

// "Sign out everywhere else": the ID to keep names the same session before and
// after a renewal, whenever that is saved.
func TestKeepAcrossRenewal(t *testing.T) {
	for name, renewed := range map[string]func(m *sesame.Manager[owned], ctx context.Context){
		"before":  func(m *sesame.Manager[owned], ctx context.Context) { m.Renew(ctx); must(m.Save(ctx)) },
		"pending": func(m *sesame.Manager[owned], ctx context.Context) { m.Renew(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			m := sesame.New[owned](discard())
			t0 := issue(t, m, func(s *owned) { s.User = "ann" })
			other := issue(t, m, func(s *owned) { s.User = "ann" })
			var id string
			within(m, t0, func(ctx context.Context, _ *owned) { id = m.Info(ctx).ID })
			res := within(m, t0, func(ctx context.Context, _ *owned) {
				renewed(m, ctx)
				n, err := m.RevokeOwner(ctx, "ann", id)
				must(err)
				require.Equal(t, 1, n)
			})
			sees(t, m, owned{User: "ann"}, tokenOf(res))
			sees(t, m, owned{}, other)
			n, err := m.RevokeOwner(t.Context(), "ann", id)
			require.NoError(t, err)
			require.Zero(t, n)
			sees(t, m, owned{User: "ann"}, tokenOf(res))
		})
	}
}

// An ID of a codec is stored with each session, so those of sesame's own codecs
// are taken, and 0 is none.
func TestForeignCodecIDs(t *testing.T) {
	for id := range 256 {
		text := func() (text string) {
			defer func() { text, _ = recover().(string) }()
			sesame.New[guest](sesame.WithCodec(numbered{codec.JSON, byte(id)}))
			return ""
		}()
		older := func() (text string) {
			defer func() { text, _ = recover().(string) }()
			sesame.New[guest](sesame.WithCodec(codec.JSON, numbered{codec.JSON, byte(id)}))
			return ""
		}()
		if id > 31 {
			require.Empty(t, text+older)
			continue
		}
		for _, text := range []string{text, older} {
			require.Contains(t, text, fmt.Sprintf("ID %d", id))
			require.Contains(t, text, "give it another")
		}
	}
}

type numbered struct {
	codec.Codec
	id byte
}

func (n numbered) ID() byte { return n.id }

// An attacker who knows the token of before the log-in keeps saving that session.
// The log-in gets through all the same.
func TestLogInAgainstConstantSaves(t *testing.T) {
	for _, processes := range []int{1, 5} {
		t.Run(fmt.Sprintf("processes=%d", processes), func(t *testing.T) {
			eachStore(t, func(t *testing.T, _ *memstore.Store, st *spy, with sesame.Option) {
				synctest.Test(t, func(t *testing.T) {
					pause := func() { time.Sleep(time.Duration(400+rand.IntN(200)) * time.Microsecond) } // half of a round trip
					st.before = func(string, store.Key) error { pause(); return nil }
					st.after = func(_ string, err error) error { pause(); return err }
					managers := make([]*sesame.Manager[guest], processes)
					for i := range managers {
						managers[i] = sesame.New[guest](with, discard())
					}
					m := managers[0]
					for range 30 {
						t0 := issue(t, m, func(s *guest) { s.N = 1 })
						var stop atomic.Bool
						var attackers sync.WaitGroup
						var saves atomic.Int64
						for i := range 4 {
							attackers.Go(func() {
								m := managers[(i+1)%processes]
								for !stop.Load() {
									if within(m, t0, func(_ context.Context, s *guest) { s.N++ }).StatusCode == 200 {
										saves.Add(1)
									}
								}
							})
						}
						time.Sleep(20 * time.Millisecond)
						require.Positive(t, saves.Load())
						began := time.Now()
						res := within(m, t0, func(ctx context.Context, s *guest) { m.Renew(ctx); s.User = "ann" })
						require.Equal(t, 200, res.StatusCode, "after %s", time.Since(began))
						require.Less(t, time.Since(began), time.Second)
						stop.Store(true)
						attackers.Wait()
						within(m, tokenOf(res), func(_ context.Context, s *guest) { require.Equal(t, "ann", s.User) })
					}
				})
			})
		})
	}
}
