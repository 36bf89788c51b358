package sesame_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
)

// TestRememberLimits: what the two limits mean together, for a session that is
// used every hour.
func TestRememberLimits(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name           string
		idle, lifetime time.Duration
		cookie         time.Duration // 0: until the browser closes
		used, unused   time.Duration // how long it lives
	}{
		{"both 0", 0, 0, 0, day, 2 * time.Hour}, // the manager's
		{"lifetime alone", 0, 10 * day, 10 * day, 10 * day, 10 * day},
		{"idle alone", 5 * day, 0, 5 * day, 0, 5 * day},
		{"both", 5 * day, 12 * day, 5 * day, 12 * day, 5 * day},
		{"both the same", 5 * day, 5 * day, 5 * day, 5 * day, 5 * day},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := sesame.New[counter](sesame.WithIdleTimeout(2*time.Hour), sesame.WithLifetime(day))
				began := time.Now()
				begin := func() string {
					res := within(m, "", func(ctx context.Context, s *counter) { s.N = 1; m.Remember(ctx, c.idle, c.lifetime) })
					require.Equal(t, int(c.cookie/time.Second), res.Cookies()[0].MaxAge)
					return tokenOf(res)
				}
				alive := func(token string) (alive bool) {
					within(m, token, func(ctx context.Context, s *counter) {
						if alive = s.N == 1; alive {
							require.Equal(t, c.cookie != 0, m.Info(ctx).Remembered)
						}
					})
					return alive
				}
				used, unused, watched := begin(), begin(), begin()
				e, err := m.Find(t.Context(), keyOf(watched).String())
				require.NoError(t, err)
				require.Equal(t, began.Add(c.unused).UnixMilli(), e.Expires.UnixMilli())

				const long = 400 * day
				lived := long
				for time.Since(began) < 60*day {
					if time.Since(began) == c.unused-time.Hour {
						e, err := m.Find(t.Context(), keyOf(unused).String())
						require.NoError(t, err)
						require.Equal(t, 1, e.Data.N)
					}
					time.Sleep(time.Hour)
					if !alive(used) {
						lived = time.Since(began)
						break
					}
				}
				if c.used == 0 {
					require.Equal(t, long, lived, "it lives as long as it is used")
				} else {
					require.Equal(t, c.used, lived)
				}
				require.False(t, alive(unused))
			})
		})
	}
}

// TestRememberMovesBoth: the record and the cookie move together, at most once in
// a tenth of the idle timeout, also when each request changes the session.
func TestRememberMovesBoth(t *testing.T) {
	const day = 24 * time.Hour
	for name, use := range map[string]func(c *counter){
		"read":    func(*counter) {},
		"changed": func(c *counter) { c.N++ },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newFake()
				m := sesame.New[counter](sesame.WithStore(st))
				token := tokenOf(within(m, "", func(ctx context.Context, c *counter) { c.N = 1; m.Remember(ctx, 30*day, 0) }))
				id := keyOf(token).String()
				begun, cookies, moves, requests := time.Now(), 0, 0, 0
				last := begun
				st.up()
				for time.Since(begun) < 90*day {
					time.Sleep(7 * time.Hour)
					before, err := m.Find(t.Context(), id)
					require.NoError(t, err)
					set := within(m, token, func(_ context.Context, c *counter) { use(c) }).Cookies()
					after, err := m.Find(t.Context(), id)
					require.NoError(t, err)
					requests++
					cookies += len(set)
					if !after.Expires.Equal(before.Expires) {
						moves++
						require.GreaterOrEqual(t, time.Since(last), 3*day)
						last = time.Now()
						require.Len(t, set, 1)
						require.Equal(t, token, set[0].Value)
						require.Equal(t, int(time.Until(after.Expires)/time.Second), set[0].MaxAge)
					} else {
						require.Empty(t, set)
					}
				}
				require.Equal(t, moves, cookies)
				require.InDelta(t, 29, moves, 2)
				saves := 0
				for _, call := range st.called() {
					if call != "load" {
						saves++
					}
				}
				if name == "read" {
					require.Equal(t, moves, saves, "no write but those that move it")
				} else {
					require.Equal(t, requests, saves)
				}
			})
		})
	}
}

// TestRememberBurst: a hundred requests at once write nothing, and set no cookie.
// When the expiry is due to move, one write moves it.
func TestRememberBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		st := newFake()
		m := sesame.New[counter](sesame.WithStore(st))
		token := tokenOf(within(m, "", func(ctx context.Context, c *counter) { c.N = 1; m.Remember(ctx, 30*day, 0) }))
		burst := func() (cookies int) {
			st.up()
			for range 100 {
				cookies += len(within(m, token, func(context.Context, *counter) {}).Cookies())
				time.Sleep(10 * time.Millisecond)
			}
			return cookies
		}
		require.Zero(t, burst())
		require.Equal(t, slices.Repeat([]string{"load"}, 100), st.called())
		time.Sleep(4 * day)
		require.Equal(t, 1, burst())
		require.Len(t, st.called(), 101)
	})
}

// TestKeepAlive: of all that a stream may do with its session, Save is what keeps
// it alive, with no more writes than requests would make.
func TestKeepAlive(t *testing.T) {
	type M = *sesame.Manager[counter]
	for name, c := range map[string]struct {
		before func(m M, ctx context.Context)
		each   func(m M, ctx context.Context) error
		alive  bool
	}{
		"Save":               {nil, func(m M, ctx context.Context) error { return m.Save(ctx) }, true},
		"Get":                {nil, func(m M, ctx context.Context) error { m.Get(ctx); return nil }, false},
		"Info":               {nil, func(m M, ctx context.Context) error { m.Info(ctx); return nil }, false},
		"Update that reads":  {nil, func(m M, ctx context.Context) error { return m.Update(ctx, func(*counter) error { return nil }) }, false},
		"Live":               {nil, func(m M, ctx context.Context) error { m.Live(ctx); return nil }, false},
		"Find":               {nil, func(m M, ctx context.Context) error { _, err := m.Find(ctx, m.Info(ctx).ID); return err }, false},
		"Save after Passive": {M.Passive, func(m M, ctx context.Context) error { return m.Save(ctx) }, false},
		"Update that increases": {nil, func(m M, ctx context.Context) error {
			return m.Update(ctx, func(c *counter) error { c.N++; return nil })
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newFake()
				m := sesame.New[counter](sesame.WithStore(st), sesame.WithIdleTimeout(30*time.Minute))
				token := issue(t, m, func(c *counter) { c.N = 1 })
				within(m, token, func(ctx context.Context, _ *counter) {
					ctx, cancel := context.WithCancel(ctx)
					defer cancel()
					live := m.Live(ctx)
					if c.before != nil {
						c.before(m, ctx)
					}
					st.up()
					ended := time.Duration(0)
					for minute := range 120 {
						time.Sleep(time.Minute)
						if live.Err() != nil {
							ended = time.Duration(minute) * time.Minute
							break
						}
						if err := c.each(m, ctx); err != nil {
							require.ErrorIs(t, err, sesame.ErrNotFound)
						}
					}
					if !c.alive {
						require.InDelta(t, 30, ended.Minutes(), 1)
						require.NotContains(t, st.called(), "touch")
						return
					}
					require.Zero(t, ended)
					if name == "Save" {
						touches := 0
						for _, call := range st.called() {
							if call == "touch" {
								touches++
							}
						}
						require.Equal(t, 120/3, touches, "one in a tenth of the idle timeout")
					}
				})
			})
		})
	}
}
