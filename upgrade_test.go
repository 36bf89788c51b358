package sesame_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/store/memstore"
)

// Three versions of one session type: the name was split, then the sum became
// cents.
type (
	account1 struct {
		Name string
		Sum  float64
		Tags map[string]int
	}
	account2 struct {
		First, Last string
		Sum         float64
		Tags        map[string]int
	}
	account3 struct {
		First, Last string
		Cents       int
		Tags        map[string]int
	}
)

func (a account1) Owner() string { return split(a).Last }
func (a account2) Owner() string { return a.Last }
func (a account3) Owner() string { return a.Last }

func split(a account1) account2 {
	first, last, _ := strings.Cut(a.Name, " ")
	return account2{first, last, a.Sum, a.Tags}
}

func toCents(a account2) account3 { return account3{a.First, a.Last, int(a.Sum * 100), a.Tags} }

var upgrades = []sesame.Option{sesame.WithUpgrade(3, toCents), sesame.WithUpgrade(2, split)} // in any order

func newAccount1() account1 { return account1{"Ann Smith", 12.5, map[string]int{"a": 1, "b": 2}} }

func newAccount3() account3 { return account3{"Ann", "Smith", 1250, map[string]int{"a": 1, "b": 2}} }

// TestUpgrade: sessions of older versions are read as T by every way in, written
// by none that reads, and stored as T when they change.
func TestUpgrade(t *testing.T) {
	codecs := []codec.Codec{codec.MsgPack, codec.JSON}
	for _, from := range codecs {
		for _, to := range codecs {
			t.Run(fmt.Sprint(from.ID(), " to ", to.ID()), func(t *testing.T) {
				st := newFake()
				first := sesame.New[account1](sesame.WithStore(st), sesame.WithCodec(from))
				m := sesame.New[account3](append(upgrades, sesame.WithStore(st), sesame.WithCodec(to))...)
				token := issue(t, first, func(s *account1) { *s = newAccount1() })
				id := keyOf(token).String()

				st.up()
				within(m, token, func(ctx context.Context, s *account3) {
					require.Equal(t, newAccount3(), *s)
					require.NoError(t, m.Save(ctx))
					require.NoError(t, m.Update(ctx, func(s *account3) error {
						require.Equal(t, newAccount3(), *s)
						return nil
					}))
				})
				found, err := m.Find(t.Context(), id)
				require.NoError(t, err)
				require.Equal(t, newAccount3(), found.Data)
				for e, err := range m.All(t.Context()) {
					require.NoError(t, err)
					require.Equal(t, newAccount3(), e.Data)
				}
				require.NotContains(t, st.called(), "save")
				require.Equal(t, byte(1), schemaOf(t, st, token))

				// What only renews it leaves the data as it is, so that the older
				// program can go on.
				token = tokenOf(within(m, token, func(ctx context.Context, _ *account3) { m.Renew(ctx) }))
				require.Equal(t, byte(1), schemaOf(t, st, token))
				within(first, token, func(_ context.Context, s *account1) { require.Equal(t, newAccount1(), *s) })

				require.NoError(t, m.UpdateByID(t.Context(), id, func(s *account3) error { s.Cents++; return nil }))
				require.Equal(t, byte(3), schemaOf(t, st, token))
				within(m, token, func(_ context.Context, s *account3) {
					require.Equal(t, 1251, s.Cents)
					s.Cents++
				})
				within(m, token, func(_ context.Context, s *account3) { require.Equal(t, 1252, s.Cents) })
				n := 0
				for e, err := range m.OwnedBy(t.Context(), "Smith") {
					require.NoError(t, err)
					require.Equal(t, 1252, e.Data.Cents)
					n++
				}
				require.Equal(t, 1, n)
			})
		}
	}
}

func schemaOf(t *testing.T, st *fake, token string) byte {
	r, err := st.Store.Load(t.Context(), keyOf(token))
	require.NoError(t, err)
	require.Zero(t, r.Data[35])
	return r.Data[36]
}

// TestUpgradeMerges: during a request of the newer program the older one saves
// the session. Both changes are kept.
func TestUpgradeMerges(t *testing.T) {
	st := memstore.New()
	first := sesame.New[account1](sesame.WithStore(st))
	m := sesame.New[account3](append(upgrades, sesame.WithStore(st))...)
	token := issue(t, first, func(s *account1) { *s = newAccount1() })
	within(m, token, func(_ context.Context, s *account3) {
		within(first, token, func(_ context.Context, s *account1) { s.Sum, s.Tags["c"] = 20, 3 })
		s.First, s.Tags["a"] = "Anna", 7
	})
	within(m, token, func(_ context.Context, s *account3) {
		require.Equal(t, account3{"Anna", "Smith", 2000, map[string]int{"a": 7, "b": 2, "c": 3}}, *s)
	})
}

// TestUpgradeDiffersEachTime: a step whose result is another one each time turns
// no read into a write.
func TestUpgradeDiffersEachTime(t *testing.T) {
	type old struct{ N int }
	type stamped struct {
		N     int
		Since time.Time
		Stamp int64
	}
	var calls atomic.Int64
	st := newFake()
	token := issue(t, sesame.New[old](sesame.WithStore(st)), func(s *old) { s.N = 1 })
	m := sesame.New[stamped](sesame.WithStore(st), sesame.WithUpgrade(2, func(o old) stamped {
		return stamped{o.N, time.Now(), calls.Add(1)}
	}))
	st.up()
	for range 3 {
		within(m, token, func(ctx context.Context, s *stamped) {
			require.Equal(t, 1, s.N)
			require.NoError(t, m.Save(ctx))
			m.Remember(ctx, 0, time.Hour) // saves, but not as another version
			require.NoError(t, m.Save(ctx))
		})
	}
	require.Equal(t, byte(1), schemaOf(t, st, token))
	within(m, token, func(ctx context.Context, s *stamped) {
		require.NoError(t, m.Save(ctx))
		s.N++
	})
	require.Equal(t, byte(2), schemaOf(t, st, token))
}

// TestUpgradePanics: the session is unreadable, the log says at which step, and
// the next log-in gets over it.
func TestUpgradePanics(t *testing.T) {
	st, w := memstore.New(), newWitness()
	token := issue(t, sesame.New[account1](sesame.WithStore(st)), func(s *account1) { *s = newAccount1() })
	m := sesame.New[account3](sesame.WithStore(st), w.logger(), w.observer(), sesame.WithUpgrade(2, split),
		sesame.WithUpgrade(3, func(account2) account3 { panic("no cents") }))
	res := within(m, token, func(_ context.Context, s *account3) { require.Zero(t, *s) })
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, []sesame.EventKind{sesame.EventCorrupt}, w.kinds())
	require.ErrorContains(t, w.all()[0].Err, "upgrade to version 3: panic: a value of type string")
	require.Contains(t, w.log.String(), "upgrade to version 3")
	require.NotContains(t, w.log.String(), "no cents", "what a step says may quote the session")

	fresh := tokenOf(within(m, token, func(ctx context.Context, s *account3) {
		m.Renew(ctx)
		s.Last = "Smith"
	}))
	within(m, fresh, func(_ context.Context, s *account3) { require.Equal(t, "Smith", s.Last) })
}

// TestNewerVersion: a program that does not know the version yet leaves the
// session alone, whatever its requests write, until one logs in or out.
func TestNewerVersion(t *testing.T) {
	st, w := newFake(), newWitness()
	m := sesame.New[account3](append(upgrades, sesame.WithStore(st))...)
	old := sesame.New[account1](sesame.WithStore(st), w.logger(), w.observer())
	newest := func(s *account3) { *s = newAccount3() }

	token := issue(t, m, newest)
	st.up()
	res := within(old, token, func(_ context.Context, s *account1) {
		require.Zero(t, *s)
		s.Name = "a visitor"
	})
	require.Empty(t, res.Cookies())
	require.NotContains(t, st.called(), "save")
	require.Equal(t, sesame.EventNewer, w.all()[0].Kind)
	require.ErrorContains(t, w.all()[0].Err, "version 3")
	_, err := old.Find(t.Context(), keyOf(token).String())
	require.ErrorIs(t, err, sesame.ErrNotFound)
	err = old.UpdateByID(t.Context(), keyOf(token).String(), func(s *account1) error { s.Name = "a visitor"; return nil })
	require.ErrorIs(t, err, sesame.ErrNotFound)
	within(m, token, func(_ context.Context, s *account3) { require.Equal(t, newAccount3(), *s) })

	fresh := tokenOf(within(old, token, func(ctx context.Context, s *account1) {
		old.Renew(ctx)
		s.Name = "Bob Brown"
	}))
	require.NotEqual(t, keyOf(token), keyOf(fresh))
	within(old, fresh, func(_ context.Context, s *account1) { require.Equal(t, account1{Name: "Bob Brown"}, *s) })
	_, err = m.Find(t.Context(), keyOf(token).String())
	require.ErrorIs(t, err, sesame.ErrNotFound)

	token = issue(t, m, newest)
	res = within(old, token, func(ctx context.Context, _ *account1) { old.Destroy(ctx) })
	require.Len(t, res.Cookies(), 1)
	_, err = m.Find(t.Context(), keyOf(token).String())
	require.ErrorIs(t, err, sesame.ErrNotFound)
}

// TestNoStepBegins: the step from the first version has been removed too early.
func TestNoStepBegins(t *testing.T) {
	st, w := memstore.New(), newWitness()
	token := issue(t, sesame.New[account1](sesame.WithStore(st)), func(s *account1) { *s = newAccount1() })
	m := sesame.New[account3](sesame.WithStore(st), w.logger(), w.observer(), sesame.WithUpgrade(3, toCents))
	within(m, token, func(_ context.Context, s *account3) { require.Zero(t, *s) })
	require.Equal(t, []sesame.EventKind{sesame.EventCorrupt}, w.kinds())
	require.ErrorContains(t, w.all()[0].Err, "version 1")
	require.ErrorContains(t, w.all()[0].Err, "WithUpgrade")
}

// TestWrongUpgrades: what is wrong with the steps is found in New.
func TestWrongUpgrades(t *testing.T) {
	for name, c := range map[string]struct {
		steps []sesame.Option
		cure  string
	}{
		"version 1":     {[]sesame.Option{sesame.WithUpgrade(1, split)}, "the first version of a session type is 1"},
		"version 65536": {[]sesame.Option{sesame.WithUpgrade(65536, toCents)}, "65535"},
		"nil":           {[]sesame.Option{sesame.WithUpgrade[account2, account3](3, nil)}, "nil"},
		"twice":         {[]sesame.Option{upgrades[0], upgrades[0]}, "another step to version 3"},
		"a gap":         {[]sesame.Option{sesame.WithUpgrade(2, split), sesame.WithUpgrade(4, toCents)}, "version 2"},
		"not T":         {[]sesame.Option{sesame.WithUpgrade(2, split)}, "must make a sesame_test.account3"},
		"no chain": {[]sesame.Option{
			sesame.WithUpgrade(2, split),
			sesame.WithUpgrade(3, func(account1) account3 { return account3{} }),
		}, "begin with that"},
		"pointers": {[]sesame.Option{sesame.WithUpgrade(2, func(*account2) account3 { return account3{} })}, "the structs themselves"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				text := fmt.Sprint(recover())
				require.Contains(t, text, "WithUpgrade")
				require.Contains(t, text, c.cure)
			}()
			sesame.New[account3](c.steps...)
			t.Error(errors.New("New accepted it"))
		})
	}
}
