package sesame_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// The tests of this file, and of the other files identity_*_test.go, are named
// after the rules of docs/SECURITY.md, section "Identity".

// docs/SECURITY.md, identity rule 1: a token is ID.SECRET, and anything else
// costs no call of the store.
func TestIdentityRule01TokenForm(t *testing.T) {
	st, w := newSpy(memstore.New()), newWitness()
	m := sesame.New[guest](sesame.WithStore(st), w.observer(), discard())
	good := issue(t, m, func(s *guest) { s.N = 1 })
	require.Regexp(t, `^[A-Za-z0-9_-]{21}[AQgw]\.[A-Za-z0-9_-]{21}[AQgw]$`, good)
	id, secret, _ := strings.Cut(good, ".")
	other, more, _ := strings.Cut(issue(t, m, func(s *guest) { s.N = 2 }), ".")
	require.NotEqual(t, id, other)
	require.NotEqual(t, secret, more)

	for _, bad := range []string{
		id, secret, id + ".", "." + secret, id + secret, id + "." + secret + ".", id + ":" + secret, id + ".." + secret[1:],
		good[:44], good + "A", id[:21] + "." + secret + "A", id + "A." + secret[1:],
		id[:21] + "B." + secret, id + "." + secret[:21] + "B", // the last four bits must be zero
		id + "." + secret[:20] + "=A", id + "." + secret[:20] + "+A", id + "." + secret[:20] + "/A", "*" + good[1:],
		"EIVIDPXDJXB3KPEX2GANMZC3AR",
	} {
		st.reset()
		w.reset()
		res := within(m, bad, func(ctx context.Context, s *guest) {
			require.Zero(t, *s)
			require.True(t, m.Info(ctx).New)
		})
		require.Empty(t, st.ops(), bad)
		require.Empty(t, res.Cookies(), bad)
		require.Equal(t, []sesame.EventKind{sesame.EventUnknownToken}, w.kinds(), bad)
	}
	require.Equal(t, []string{"load"}, st.during(func() { within(m, good, func(context.Context, *guest) {}) }))
}

// docs/SECURITY.md, identity rule 1: the keys of WithSessions are whole tokens.
func TestIdentityRule01SeededTokens(t *testing.T) {
	a := token.New()
	m := sesame.New[guest](discard(), sesame.WithSessions(map[string]guest{a: {User: "ann"}}))
	sees(t, m, guest{User: "ann"}, a)
	sees(t, m, guest{}, wrongSecret(a))
	for _, bad := range []string{"ann", a[:22], a[:44] + "B"} {
		func() {
			defer func() {
				text, _ := recover().(string)
				require.Contains(t, text, "ID.SECRET")
				require.Contains(t, text, "22 characters")
				require.Contains(t, text, "A, Q, g, w")
				require.NotContains(t, text, bad[1:])
			}()
			sesame.New[guest](sesame.WithSessions(map[string]guest{bad: {}}))
		}()
	}
}

// docs/SECURITY.md, identity rule 2: a session has one name, its record one
// key, from its first save to its end. The name opens nothing.
func TestIdentityRule02OneNameForLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, w := memstore.New(), newWitness()
		st := newSpy(engine)
		m := sesame.New[guest](sesame.WithStore(st), w.observer(), discard())
		tok := issue(t, m, func(s *guest) { s.N = 1 })
		id := keyOf(tok).String()
		for _, act := range []func(context.Context, *guest){
			func(_ context.Context, s *guest) { s.N++ },
			func(ctx context.Context, s *guest) { m.Renew(ctx); s.User = "ann" },
			func(ctx context.Context, _ *guest) { m.Remember(ctx, time.Hour, 24*time.Hour) },
			func(ctx context.Context, _ *guest) { m.Renew(ctx); must(m.Save(ctx)); m.Renew(ctx) },
			func(ctx context.Context, _ *guest) { must(m.Update(ctx, func(s *guest) error { s.N++; return nil })) },
			func(ctx context.Context, _ *guest) {
				must(m.UpdateByID(ctx, id, func(s *guest) error { s.N++; return nil }))
			},
		} {
			time.Sleep(20 * time.Minute)
			res := within(m, tok, func(ctx context.Context, s *guest) {
				require.NotZero(t, *s)
				require.Equal(t, id, m.Info(ctx).ID)
				act(ctx, s)
				must(m.Save(ctx))
				require.Equal(t, id, m.Info(ctx).ID)
			})
			if tokenOf(res) != "" {
				tok = tokenOf(res)
			}
			e, err := m.Find(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, id, e.ID)
		}
		require.Equal(t, 1, engine.Len())
		for _, c := range st.all() {
			require.Equal(t, id, c.key.String(), c.op)
		}
		for _, e := range w.all() {
			require.Equal(t, id, e.ID)
		}
		for _, made := range []string{id, id + "." + id, id + "." + strings.Repeat("A", 22)} {
			sees(t, m, guest{}, made)
		}
	})
}

// docs/SECURITY.md, identity rule 3: what is kept of a secret is a hash, as
// docs/FORMAT.md derives it.
func TestIdentityRule03OnlyHashesAreStored(t *testing.T) {
	engine := memstore.New()
	m := sesame.New[guest](sesame.WithStore(engine), discard())
	t0 := issue(t, m, func(s *guest) { s.N = 1 })
	t1 := tokenOf(within(m, t0, func(ctx context.Context, _ *guest) { m.Renew(ctx) }))
	rec := recordOf(t, engine, t0)
	for at, tok := range map[int]string{2: t1, 18: t0} {
		sum := sha256.Sum256([]byte("sesame/v1/token/" + tok))
		require.Equal(t, sum[:16], rec.Data[at:at+16])
		require.NotContains(t, string(rec.Data), tok[23:])
	}
}

// docs/SECURITY.md, identity rule 3: the hash comes before decoding, merging,
// touching and deleting, however the record looks.
func TestIdentityRule03HashComesFirst(t *testing.T) {
	for name, spoil := range map[string]func(*store.Record){
		"good":          func(*store.Record) {},
		"payload":       func(r *store.Record) { r.Data = append(r.Data[:envelope.Len:envelope.Len], 0xc1) },
		"no payload":    func(r *store.Record) { r.Data = r.Data[:envelope.Len] },
		"cut header":    func(r *store.Record) { r.Data = r.Data[:40] },
		"format 0":      func(r *store.Record) { r.Data[0] = 0 },
		"later format":  func(r *store.Record) { r.Data[0] = 9 },
		"unknown flag":  func(r *store.Record) { r.Data[1] |= 0x40 },
		"unknown codec": func(r *store.Record) { r.Data[34] = 99 },
		"later schema":  func(r *store.Record) { r.Data[35] = 1 },
		"far too large": func(r *store.Record) { r.Data = append(r.Data, make([]byte, 300<<10)...) },
		"expired":       func(r *store.Record) { r.Data[56] = 0 }, // the deadline was in 1970
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				engine, w, c := memstore.New(), newWitness(), newNoted()
				st := newSpy(engine)
				m := sesame.New[guest](sesame.WithStore(st), sesame.WithCodec(c), w.observer(), w.logger())
				tok := issue(t, m, func(s *guest) { s.User = "ann" })
				spoilRecord(t, engine, tok, spoil)
				time.Sleep(30 * time.Minute) // a touch is due
				before := recordOf(t, engine, tok)
				w.reset()
				c.reset()
				guess := wrongSecret(tok)
				for _, act := range []func(context.Context, *guest){
					func(context.Context, *guest) {},
					func(ctx context.Context, _ *guest) { m.Destroy(ctx) },
					func(ctx context.Context, _ *guest) { m.Renew(ctx); m.Remember(ctx, time.Hour, 0) },
					func(ctx context.Context, _ *guest) { must(m.Update(ctx, func(*guest) error { return nil })) },
				} {
					within(m, guess, func(ctx context.Context, s *guest) { require.Zero(t, *s); act(ctx, s) })
				}
				require.Len(t, c.decoded, 1)
				require.Equal(t, before, recordOf(t, engine, tok), "neither touched nor changed nor deleted")
				for _, e := range w.all() {
					require.Equal(t, sesame.EventUnknownToken, e.Kind)
					require.Empty(t, e.Owner)
				}
				require.Empty(t, w.log.String())
			})
		})
	}
}

// docs/SECURITY.md, identity rule 3: also for a record that a driver hands back
// by mistake, since the hash covers the ID.
func TestIdentityRule03RecordOfAnotherSession(t *testing.T) {
	engine, w := memstore.New(), newWitness()
	m := sesame.New[guest](sesame.WithStore(engine), w.observer(), discard())
	mine := issue(t, m, func(s *guest) { s.N = 1 })
	theirs := issue(t, m, func(s *guest) { s.User = "ann" })
	copied := recordOf(t, engine, theirs)
	spoilRecord(t, engine, mine, func(r *store.Record) { r.Data = copied.Data })
	w.reset()
	sees(t, m, guest{}, mine)
	sees(t, m, guest{}, mine[:22]+theirs[22:])
	require.Equal(t, 2, w.count(sesame.EventUnknownToken))
}

// docs/SECURITY.md, identity rule 4: a renewal is one compare-and-swap under
// the key that the session has, and the old token is dead from then on.
func TestIdentityRule04RenewIsOneSave(t *testing.T) {
	eachStore(t, func(t *testing.T, engine *memstore.Store, st *spy, with sesame.Option) {
		m := sesame.New[guest](with, discard())
		t0 := issue(t, m, func(s *guest) { s.N = 1 })
		version := recordOf(t, engine, t0).Version
		st.reset()
		res := within(m, t0, func(ctx context.Context, s *guest) { m.Renew(ctx); s.User = "ann" })
		require.Equal(t, []string{"load", "save"}, st.ops())
		save := st.all()[1]
		require.Equal(t, keyOf(t0), save.key)
		require.Equal(t, version, save.record.Version)
		t1 := tokenOf(res)
		require.Equal(t, keyOf(t0), keyOf(t1))
		sees(t, m, guest{User: "ann", N: 1}, t1)

		before := recordOf(t, engine, t1)
		within(m, t0, func(ctx context.Context, s *guest) {
			require.Zero(t, *s)
			s.N = 666
			require.Error(t, m.Save(ctx))
			require.Error(t, m.Update(ctx, func(s *guest) error { require.Empty(t, s.User); s.N = 667; return nil }))
		})
		require.Equal(t, before, recordOf(t, engine, t1))
		require.Equal(t, 1, engine.Len())
	})
}

// docs/SECURITY.md, identity rule 4: a log-in is never stored under the token
// of before, whichever method saves it.
func TestIdentityRule04PendingRequestsAreInTheSameSave(t *testing.T) {
	for name, save := range map[string]func(*sesame.Manager[guest], context.Context, *guest) error{
		"end": func(_ *sesame.Manager[guest], _ context.Context, s *guest) error { s.User = "ann"; return nil },
		"Save": func(m *sesame.Manager[guest], ctx context.Context, s *guest) error {
			s.User = "ann"
			return m.Save(ctx)
		},
		"Update": func(m *sesame.Manager[guest], ctx context.Context, _ *guest) error {
			return m.Update(ctx, func(s *guest) error { s.User = "ann"; return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, engine *memstore.Store, st *spy, with sesame.Option) {
				m := sesame.New[guest](with, discard(), sesame.WithCodec(codec.JSON))
				t0 := issue(t, m, func(s *guest) { s.N = 1 })
				st.reset()
				res := within(m, t0, func(ctx context.Context, s *guest) {
					m.Renew(ctx)
					m.Remember(ctx, 0, time.Hour)
					must(save(m, ctx, s))
				})
				require.Equal(t, []string{"load", "save"}, st.ops())
				h := headerOf(t, st.all()[1].record)
				require.Equal(t, token.HashOf(tokenOf(res)), h.Secret)
				require.True(t, h.Remembered)
				require.Contains(t, string(st.all()[1].record.Data), `"ann"`)

				st.reset()
				res = within(m, tokenOf(res), func(ctx context.Context, s *guest) {
					m.Destroy(ctx)
					must(save(m, ctx, s))
				})
				require.Equal(t, []string{"load", "delete", "save"}, st.ops(), "a log-out comes first")
				require.NotEqual(t, keyOf(t0), keyOf(tokenOf(res)))
				sees(t, m, guest{User: "ann"}, tokenOf(res))
			})
		})
	}
}

// docs/SECURITY.md, identity rule 5: a request whose token was replaced while
// it ran stores nothing, there or elsewhere, and sees nothing of what is new.
func TestIdentityRule05DeadTokenStoresNothing(t *testing.T) {
	for name, act := range map[string]func(*sesame.Manager[guest], context.Context, *guest) error{
		"change": func(_ *sesame.Manager[guest], _ context.Context, s *guest) error { s.N = 666; return nil },
		"Save":   func(m *sesame.Manager[guest], ctx context.Context, s *guest) error { s.N = 666; return m.Save(ctx) },
		"Update": func(m *sesame.Manager[guest], ctx context.Context, _ *guest) error {
			return m.Update(ctx, func(s *guest) error { require.Empty(t, s.User, "it must not see the log-in"); s.N = 666; return nil })
		},
		"Remember": func(m *sesame.Manager[guest], ctx context.Context, _ *guest) error {
			m.Remember(ctx, 0, time.Hour)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, engine *memstore.Store, st *spy, with sesame.Option) {
				w, c := newWitness(), newNoted()
				m := sesame.New[guest](with, sesame.WithCodec(c), w.observer(), discard())
				t0 := issue(t, m, func(s *guest) { s.N = 1 })
				var t1 string
				var left store.Record
				res := within(m, t0, func(ctx context.Context, s *guest) {
					t1 = tokenOf(within(m, t0, func(ctx context.Context, s *guest) { m.Renew(ctx); s.User = "ann" }))
					left = recordOf(t, engine, t1)
					err := act(m, ctx, s)
					if name == "Save" || name == "Update" {
						require.ErrorIs(t, err, sesame.ErrNotFound)
					}
					require.Empty(t, s.User)
					s.N++ // and after the failure
				})
				require.Equal(t, 200, res.StatusCode)
				require.Empty(t, res.Cookies())
				require.Equal(t, left, recordOf(t, engine, t1))
				require.Equal(t, 1, engine.Len())
				require.Equal(t, 1, w.count(sesame.EventGone))
				require.NotContains(t, c.decoded, `{"User":"ann","N":1}`)
			})
		})
	}
}

// docs/SECURITY.md, identity rule 5: under the same secret a conflict is
// merged, and a pending renewal stays pending.
func TestIdentityRule05ConflictKeepsRenewalPending(t *testing.T) {
	eachStore(t, func(t *testing.T, engine *memstore.Store, st *spy, with sesame.Option) {
		m := sesame.New[guest](with, discard())
		t0 := issue(t, m, func(s *guest) { s.N = 1 })
		res := within(m, t0, func(ctx context.Context, s *guest) {
			m.Renew(ctx)
			s.User = "ann"
			within(m, t0, func(_ context.Context, s *guest) { s.N = 2 })
		})
		require.NotEmpty(t, tokenOf(res))
		sees(t, m, guest{User: "ann", N: 2}, tokenOf(res))
		sees(t, m, guest{}, t0)
	})
}

// docs/SECURITY.md names tests that exist, and every rule of identity has one.
func TestSecurityNamesItsTests(t *testing.T) {
	text, err := os.ReadFile("docs/SECURITY.md")
	require.NoError(t, err)
	tests := make(map[string]string) // by directory
	names := regexp.MustCompile("`((?:Test|Fuzz|Example)[\\w]*)`(?: in ([\\w/]+))?").FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(names), 80)
	for _, name := range names {
		dir := cmp.Or(name[2], ".")
		if tests[dir] == "" {
			files, err := filepath.Glob(dir + "/*_test.go")
			require.NoError(t, err)
			for _, file := range files {
				code, err := os.ReadFile(file)
				require.NoError(t, err)
				tests[dir] += string(code)
			}
		}
		if !strings.Contains(tests[dir], "\nfunc "+name[1]+"(") {
			t.Errorf("there is no %s in %s", name[1], dir)
		}
	}
	_, rules, _ := strings.Cut(string(text), "\n## Identity\n")
	rules, _, _ = strings.Cut(rules, "\n#")
	n := len(regexp.MustCompile(`(?m)^\d+\. `).FindAllString(rules, -1))
	require.Equal(t, 13, n)
	for i := range n {
		name := fmt.Sprintf("func TestIdentityRule%02d", i+1)
		require.True(t, strings.Contains(tests["."], name), "there is no %s", name)
	}
}
