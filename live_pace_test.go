package sesame_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// looks is a store without a Watcher that notes when each session is loaded.
type looks struct {
	polled
	slow time.Duration
	mu   sync.Mutex
	at   map[store.Key][]time.Time
	all  []time.Time
}

func (l *looks) Load(ctx context.Context, k store.Key) (store.Record, error) {
	l.mu.Lock()
	l.at[k] = append(l.at[k], time.Now())
	l.all = append(l.all, time.Now())
	l.mu.Unlock()
	time.Sleep(l.slow)
	return l.polled.Load(ctx, k)
}

func (l *looks) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at, l.all = make(map[store.Key][]time.Time), nil
}

// longest returns the longest time between two looks at one session, and before
// the first, of how many sessions, and how many looks there were.
func (l *looks) longest(since time.Time) (longest time.Duration, sessions, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, times := range l.at {
		last := since
		for _, at := range times {
			longest, last = max(longest, at.Sub(last)), at
		}
	}
	return longest, len(l.at), len(l.all)
}

// most returns how many looks there were at most within a time.
func (l *looks) most(within time.Duration) (most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := 0
	for i, at := range l.all {
		for at.Sub(l.all[first]) >= within {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// TestLivePace: every session is looked at once in two seconds, or in the time
// that 500 looks a second take, and the looks are spread over that time, also
// when the store takes a while to answer.
func TestLivePace(t *testing.T) {
	for name, c := range map[string]struct {
		sessions int
		slow     time.Duration
		period   time.Duration
	}{
		"one":            {1, 0, 2 * time.Second},
		"some":           {60, 0, 2 * time.Second},
		"some, far":      {60, 20 * time.Millisecond, 2 * time.Second},
		"many":           {1500, 0, 3 * time.Second},
		"many, far away": {1500, 15 * time.Millisecond, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := &looks{polled: polled{memstore.New()}, slow: c.slow}
				st.forget()
				m := sesame.New[member](sesame.WithStore(st), sesame.WithIdleTimeout(0))
				defer time.Sleep(time.Second) // for looks under way
				for range c.sessions {
					defer play(m, issue(t, m, func(s *member) { s.Visits = 1 }), nil).stop()
				}
				time.Sleep(2 * c.period)
				st.forget()
				began := time.Now()
				time.Sleep(5 * c.period)
				longest, sessions, n := st.longest(began)
				require.Equal(t, c.sessions, sessions)
				require.LessOrEqual(t, longest, c.period+c.period/20)
				require.InDelta(t, 5*c.sessions, n, float64(c.sessions)/4+1)
				require.LessOrEqual(t, st.most(time.Second), 510)
				require.LessOrEqual(t, st.most(100*time.Millisecond), max(c.sessions/10, 60))
			})
		})
	}
}

// TestLiveReopened: streams that are closed and opened again, as an EventSource
// does, are looked at neither more often nor less.
func TestLiveReopened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sessions = 40
		st := &looks{polled: polled{memstore.New()}}
		st.forget()
		m := sesame.New[member](sesame.WithStore(st), sesame.WithIdleTimeout(0))
		var tokens []string
		var streams []*tape
		for range sessions {
			tokens = append(tokens, issue(t, m, func(s *member) { s.Visits = 1 }))
			streams = append(streams, play(m, tokens[len(tokens)-1], nil))
		}
		st.forget()
		began, requests := time.Now(), 0
		for time.Since(began) < time.Minute {
			i := rand.N(sessions)
			streams[i].stop()
			streams[i] = play(m, tokens[i], nil)
			requests++
			time.Sleep(10 * time.Millisecond)
		}
		_, _, n := st.longest(began)
		require.LessOrEqual(t, n-requests, 30*sessions+sessions)
		require.GreaterOrEqual(t, n-requests, 30*sessions-2*sessions)
		for _, s := range streams {
			s.stop()
		}
	})
}

// TestLiveWhileOthersOpen: streams that are opened all the time do not keep a
// session from being looked at: one that ended between its load and Live, and one
// that expires.
func TestLiveWhileOthersOpen(t *testing.T) {
	for name, newStore := range liveStores {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newStore()
				m, there := sesame.New[member](sesame.WithStore(st)), sesame.New[member](sesame.WithStore(st))
				crowd := issue(t, m, func(s *member) { s.User = "bob" })
				ended := issue(t, m, func(s *member) { s.User = "ann" })
				expires := tokenOf(within(m, "", func(ctx context.Context, s *member) {
					s.User = "eve"
					m.Remember(ctx, 0, 10*time.Second)
				}))
				until := time.Now().Add(10 * time.Second)
				short := play(m, expires, nil)
				defer short.stop()
				began := time.Now()
				late := play(m, ended, func(ctx context.Context) {
					m.Get(ctx)
					within(there, ended, func(ctx context.Context, _ *member) { there.Destroy(ctx) })
				})
				defer late.stop()
				open := 0
				for time.Since(began) < 15*time.Second {
					s := play(m, crowd, nil)
					if open++; open%2 == 0 {
						s2 := play(m, issue(t, m, func(s *member) { s.User = "cat" }), nil)
						defer s2.stop()
					}
					time.Sleep(10 * time.Millisecond)
					s.stop()
					if late.live.Err() == nil {
						require.LessOrEqual(t, time.Since(began), 2*time.Second+50*time.Millisecond)
					}
					if short.live.Err() == nil {
						require.LessOrEqual(t, time.Since(until), 2*time.Second+50*time.Millisecond)
					}
				}
			})
		})
	}
}

// TestLiveRevokedTogether: the streams of many sessions that end at once are not
// ended one round trip after the other.
func TestLiveRevokedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &troubled{Store: memstore.New(), slow: time.Millisecond}
		m, there := sesame.New[member](sesame.WithStore(st)), sesame.New[member](sesame.WithStore(st.Store))
		var streams []*tape
		for range 500 {
			s := play(m, issue(t, m, func(s *member) { s.User = "ann" }), nil)
			defer s.stop()
			streams = append(streams, s)
		}
		time.Sleep(5 * time.Second)
		began := time.Now()
		_, err := there.RevokeOwner(t.Context(), "ann")
		require.NoError(t, err)
		for _, s := range streams {
			<-s.live.Done()
		}
		require.LessOrEqual(t, time.Since(began), 100*time.Millisecond)
	})
}

// TestLiveRevokedTogetherPolled: without a Watcher they end within two seconds,
// although fewer and fewer are left to look at.
func TestLiveRevokedTogetherPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New()
		m, there := sesame.New[member](sesame.WithStore(polled{st})), sesame.New[member](sesame.WithStore(st))
		var streams []*tape
		for range 500 {
			s := play(m, issue(t, m, func(s *member) { s.User = "ann" }), nil)
			defer s.stop()
			streams = append(streams, s)
		}
		time.Sleep(5*time.Second + 300*time.Millisecond)
		began := time.Now()
		_, err := there.RevokeOwner(t.Context(), "ann")
		require.NoError(t, err)
		for _, s := range streams {
			<-s.live.Done()
		}
		require.LessOrEqual(t, time.Since(began), 2*time.Second+20*time.Millisecond)
	})
}

// TestLiveWatchHangs: a Watch that does not come about does not keep sessions
// from being looked at.
func TestLiveWatchHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New()
		m, there := sesame.New[member](sesame.WithStore(mute{st})), sesame.New[member](sesame.WithStore(st))
		for range 5 {
			token := issue(t, m, func(s *member) { s.User = "ann" })
			stream := play(m, token, nil)
			defer stream.stop()
			time.Sleep(7 * time.Second)
			must(there.Revoke(t.Context(), keyOf(token).String()))
			began := time.Now()
			<-stream.live.Done()
			require.LessOrEqual(t, time.Since(began), 2*time.Second)
		}
	})
}

// mute is a store whose Watch does not answer.
type mute struct{ *memstore.Store }

func (mute) Watch(ctx context.Context, _ func(store.Key)) (<-chan struct{}, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
