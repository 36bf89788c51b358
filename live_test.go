package sesame_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
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

// tape is a stream that is open.
type tape struct {
	live context.Context
	ctx  context.Context // of its request
	stop func()
	done chan struct{}
}

// play opens a stream with a token, whose request lasts until it is stopped.
func play(m *sesame.Manager[member], token string, before func(ctx context.Context)) *tape {
	s := &tape{done: make(chan struct{})}
	opened, closing := make(chan struct{}), make(chan struct{})
	s.stop = func() { close(closing); <-s.done }
	go func() {
		defer close(s.done)
		visit(m, token, func(_ http.ResponseWriter, r *http.Request) {
			if before != nil {
				before(r.Context())
			}
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel() // as net/http does
			s.ctx, s.live = r.Context(), m.Live(ctx)
			close(opened)
			<-closing
		})
	}()
	<-opened
	return s
}

// liveStores are stores with a Watcher, and without.
var liveStores = map[string]func() store.Store{
	"watched": func() store.Store { return memstore.New() },
	"polled":  func() store.Store { return polled{memstore.New()} },
}

// polled has no Watcher.
type polled struct{ s *memstore.Store }

func (p polled) Load(ctx context.Context, k store.Key) (store.Record, error) { return p.s.Load(ctx, k) }
func (p polled) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	return p.s.Save(ctx, k, r)
}
func (p polled) Touch(ctx context.Context, k store.Key, t time.Time) error {
	return p.s.Touch(ctx, k, t)
}
func (p polled) Delete(ctx context.Context, k store.Key) error { return p.s.Delete(ctx, k) }

// All makes it a Lister, which a T with an owner needs.
func (p polled) All(ctx context.Context) iter.Seq2[store.Entry, error] { return p.s.All(ctx) }

// TestLive: a stream ends with its session, at once if that ends in the same
// process or the store watches, else within two seconds.
func TestLive(t *testing.T) {
	type site struct{ here, there *sesame.Manager[member] }
	for storeName, newStore := range liveStores {
		for name, c := range map[string]struct {
			elsewhere bool
			end       func(m *sesame.Manager[member], token string)
		}{
			"destroyed": {false, func(m *sesame.Manager[member], token string) {
				within(m, token, func(ctx context.Context, _ *member) { m.Destroy(ctx) })
			}},
			"revoked": {false, func(m *sesame.Manager[member], token string) {
				must(m.Revoke(context.Background(), keyOf(token).String()))
			}},
			"revoked by owner": {false, func(m *sesame.Manager[member], _ string) {
				_, err := m.RevokeOwner(context.Background(), "ann")
				must(err)
			}},
			"renewed": {false, func(m *sesame.Manager[member], token string) {
				within(m, token, func(ctx context.Context, _ *member) { m.Renew(ctx) })
			}},
			"destroyed elsewhere": {true, func(m *sesame.Manager[member], token string) {
				within(m, token, func(ctx context.Context, _ *member) { m.Destroy(ctx) })
			}},
			"renewed elsewhere": {true, func(m *sesame.Manager[member], token string) {
				within(m, token, func(ctx context.Context, _ *member) { m.Renew(ctx) })
			}},
		} {
			t.Run(storeName+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					st := newStore()
					s := site{sesame.New[member](sesame.WithStore(st)), sesame.New[member](sesame.WithStore(st))}
					token := issue(t, s.here, func(s *member) { s.User = "ann" })
					other := issue(t, s.here, func(s *member) { s.User = "bob" })
					stream, bystander := play(s.here, token, nil), play(s.here, other, nil)
					defer stream.stop()
					defer bystander.stop()
					time.Sleep(5 * time.Second)
					require.NoError(t, stream.live.Err())

					began := time.Now()
					if c.elsewhere {
						c.end(s.there, token)
					} else {
						c.end(s.here, token)
					}
					<-stream.live.Done()
					if storeName == "watched" || !c.elsewhere {
						require.Zero(t, time.Since(began))
					} else {
						require.LessOrEqual(t, time.Since(began), 2*time.Second)
					}
					require.ErrorIs(t, context.Cause(stream.live), sesame.ErrNotFound)
					require.NoError(t, stream.ctx.Err(), "the request itself goes on")
					time.Sleep(5 * time.Second)
					require.NoError(t, bystander.live.Err())
				})
			})
		}
	}
}

// TestLiveOwnRenewal: the stream of the request that renews goes on, one that a
// thief has opened ends.
func TestLiveOwnRenewal(t *testing.T) {
	for name, newStore := range liveStores {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := sesame.New[member](sesame.WithStore(newStore()))
				token := issue(t, m, func(s *member) { s.User = "ann" })
				thief := play(m, token, nil)
				defer thief.stop()
				within(m, token, func(ctx context.Context, _ *member) {
					ctx, cancel := context.WithCancel(ctx)
					defer cancel()
					live := m.Live(ctx)
					m.Renew(ctx)
					require.NoError(t, m.Save(ctx))
					<-thief.live.Done()
					time.Sleep(10 * time.Second)
					require.NoError(t, live.Err())
					m.Destroy(ctx)
					require.NoError(t, m.Save(ctx))
					<-live.Done()
				})
			})
		})
	}
}

// TestLiveExpires: being looked at is no use of a session; Save is.
func TestLiveExpires(t *testing.T) {
	for name, newStore := range liveStores {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := sesame.New[member](sesame.WithStore(newStore()), sesame.WithIdleTimeout(time.Minute))
				token := issue(t, m, func(s *member) { s.User = "ann" })
				began := time.Now()
				stream := play(m, token, nil)
				defer stream.stop()
				for range 5 {
					time.Sleep(30 * time.Second)
					require.NoError(t, stream.live.Err())
					require.NoError(t, m.Save(stream.ctx))
				}
				<-stream.live.Done()
				require.InDelta(t, (150*time.Second + time.Minute).Seconds(), time.Since(began).Seconds(), 3)
				require.ErrorIs(t, context.Cause(stream.live), sesame.ErrNotFound)
			})
		})
	}
}

// TestLiveWithoutSession: a visitor has nothing that could end.
func TestLiveWithoutSession(t *testing.T) {
	m := sesame.New[member]()
	within(m, "", func(ctx context.Context, _ *member) {
		live := m.Live(ctx)
		require.True(t, live == ctx)
	})
}

// TestLiveStoreDown: a store that fails ends no stream, and what was missed is
// found when it works again.
func TestLiveStoreDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFake()
		m := sesame.New[member](sesame.WithStore(st), newWitness().logger())
		there := sesame.New[member](sesame.WithStore(st.Store))
		token := issue(t, m, func(s *member) { s.User = "ann" })
		stream := play(m, token, nil)
		defer stream.stop()
		st.down("load")
		within(there, token, func(ctx context.Context, _ *member) { there.Destroy(ctx) })
		time.Sleep(time.Minute)
		require.NoError(t, stream.live.Err())
		st.up()
		time.Sleep(2 * time.Second)
		<-stream.live.Done()
	})
}

// TestLiveLoads: many streams of few sessions are looked at once per session,
// and many sessions no more than 500 a second.
func TestLiveLoads(t *testing.T) {
	for _, c := range []struct{ sessions, each, loads int }{{3, 40, 3 * 5}, {2000, 1, 5000}} {
		t.Run(fmt.Sprint(c.sessions), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := &loads{polled: polled{memstore.New()}}
				m := sesame.New[member](sesame.WithStore(st))
				var streams []*tape
				for range c.sessions {
					token := issue(t, m, func(s *member) { s.Visits = 1 })
					for range c.each {
						streams = append(streams, play(m, token, nil))
					}
				}
				st.n.Store(0)
				time.Sleep(10 * time.Second)
				require.InDelta(t, c.loads, st.n.Load(), float64(c.loads)/5)
				for _, s := range streams {
					s.stop()
				}
				synctest.Wait()
				st.n.Store(0)
				time.Sleep(time.Minute)
				require.Zero(t, st.n.Load(), "nothing is left to look at")
			})
		})
	}
}

type loads struct {
	polled
	n atomic.Int64
}

func (l *loads) Load(ctx context.Context, k store.Key) (store.Record, error) {
	l.n.Add(1)
	return l.polled.Load(ctx, k)
}

// TestLiveTooLate: what ended between the load and Live is noticed too.
func TestLiveTooLate(t *testing.T) {
	for name, newStore := range liveStores {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newStore()
				m, there := sesame.New[member](sesame.WithStore(st)), sesame.New[member](sesame.WithStore(st))
				token := issue(t, m, func(s *member) { s.User = "ann" })
				began := time.Now()
				stream := play(m, token, func(ctx context.Context) {
					m.Get(ctx)
					within(there, token, func(ctx context.Context, _ *member) { there.Destroy(ctx) })
				})
				defer stream.stop()
				<-stream.live.Done()
				require.LessOrEqual(t, time.Since(began), 2*time.Second)
			})
		})
	}
}

// indexed has an owner index, and no Watcher.
type indexed struct{ polled }

func (i indexed) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	return i.s.Owned(ctx, owner)
}

func (i indexed) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	return i.s.DeleteOwned(ctx, owner, keep...)
}

// TestLiveRevokeOwner: the streams of all sessions that a call has ended end at
// once, and those of the session that it kept do not.
func TestLiveRevokeOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sesame.New[member](sesame.WithStore(indexed{polled{memstore.New()}}))
		one, kept := issue(t, m, func(s *member) { s.User = "ann" }), issue(t, m, func(s *member) { s.User = "ann" })
		a, b := play(m, one, nil), play(m, kept, nil)
		defer a.stop()
		defer b.stop()
		began := time.Now()
		_, err := m.RevokeOwner(t.Context(), "ann", keyOf(kept).String())
		require.NoError(t, err)
		<-a.live.Done()
		require.Zero(t, time.Since(began))
		time.Sleep(5 * time.Second)
		require.NoError(t, b.live.Err())
	})
}

// troubled is a store with a Watcher, and with trouble.
type troubled struct {
	*memstore.Store
	slow    time.Duration // a Load answers so much later
	down    atomic.Bool   // Load fails
	deaf    atomic.Bool   // Watch fails
	mu      sync.Mutex
	hangUps []context.CancelFunc
}

func (s *troubled) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if s.down.Load() {
		return store.Record{}, errDown
	}
	r, err := s.Store.Load(ctx, k)
	time.Sleep(s.slow)
	return r, err
}

func (s *troubled) Watch(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	if s.deaf.Load() {
		return nil, errDown
	}
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangUps = append(s.hangUps, cancel)
	return s.Store.Watch(ctx, ended)
}

// hangUp ends all watches, and lets no other begin until deaf is false.
func (s *troubled) hangUp() {
	s.deaf.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cancel := range s.hangUps {
		cancel()
	}
}

// TestLiveSlowLook: what was loaded before a renewal ends no stream after it.
func TestLiveSlowLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &troubled{Store: memstore.New()}
		m := sesame.New[member](sesame.WithStore(st))
		token := issue(t, m, func(s *member) { s.User = "ann" })
		st.slow = 100 * time.Millisecond
		within(m, token, func(ctx context.Context, _ *member) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			live := m.Live(ctx)
			time.Sleep(50 * time.Millisecond) // the first look is under way
			m.Renew(ctx)
			require.NoError(t, m.Save(ctx))
			time.Sleep(10 * time.Second)
			require.NoError(t, live.Err())
		})
	})
}

// TestLiveLookFails: what a Watcher has told is looked at until the store
// answers.
func TestLiveLookFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &troubled{Store: memstore.New()}
		m, there := sesame.New[member](sesame.WithStore(st)), sesame.New[member](sesame.WithStore(st.Store))
		token := issue(t, m, func(s *member) { s.User = "ann" })
		stream := play(m, token, nil)
		defer stream.stop()
		time.Sleep(time.Second)
		st.down.Store(true)
		must(there.Revoke(t.Context(), keyOf(token).String()))
		time.Sleep(time.Minute)
		require.NoError(t, stream.live.Err())
		st.down.Store(false)
		began := time.Now()
		<-stream.live.Done()
		require.LessOrEqual(t, time.Since(began), 2*time.Second)
	})
}

// TestLiveWatchLost: what ends while the store does not watch is found, in
// whichever part of a round it ends.
func TestLiveWatchLost(t *testing.T) {
	for wait := range 12 {
		synctest.Test(t, func(t *testing.T) {
			st := &troubled{Store: memstore.New()}
			m, there := sesame.New[member](sesame.WithStore(st)), sesame.New[member](sesame.WithStore(st.Store))
			var streams []*tape
			var tokens []string
			for range 4 {
				tokens = append(tokens, issue(t, m, func(s *member) { s.User = "ann" }))
				streams = append(streams, play(m, tokens[len(tokens)-1], nil))
			}
			time.Sleep(10 * time.Second)
			st.hangUp()
			time.Sleep(time.Duration(wait) * 300 * time.Millisecond)
			for _, token := range tokens {
				must(there.Revoke(t.Context(), keyOf(token).String()))
			}
			st.deaf.Store(false)
			time.Sleep(6 * time.Second)
			for _, s := range streams {
				require.Error(t, s.live.Err())
				s.stop()
			}
		})
	}
}
