package redistest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/rueidis"
)

// ears note what a Watch tells.
type ears struct {
	mu    sync.Mutex
	heard map[store.Key]bool
}

func (e *ears) hear(k store.Key) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.heard == nil {
		e.heard = make(map[store.Key]bool)
	}
	e.heard[k] = true
}

func (e *ears) know(k store.Key) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard[k]
}

// waitFor waits until all of some keys have been told.
func (e *ears) waitFor(t testing.TB, keys ...store.Key) {
	t.Helper()
	for _, k := range keys {
		require.Eventually(t, func() bool { return e.know(k) }, 10*time.Second, time.Millisecond, "%v is not told", k)
	}
}

func closes(t testing.TB, done <-chan struct{}, within time.Duration) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(within):
		t.Fatalf("done is not closed within %v", within)
	}
}

func isOpen(t testing.TB, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
		t.Fatal("done is closed")
	default:
	}
}

// TestWatch watches through one client what another does, wherever the sessions
// are in a cluster.
func TestWatch(t *testing.T) {
	for _, kind := range []string{"single", "cluster", "sentinel"} {
		t.Run(kind, func(t *testing.T) {
			onEach(t, func(t *testing.T, a adapter) {
				at := shared(t, kind)
				prefix := redisstore.WithPrefix(newPrefix())
				s, other := redisstore.New(a.connect(t, at, nil), prefix), redisstore.New(a.connect(t, at, nil), prefix)
				foreign := newStore(t, a, at)
				var e ears
				ctx, cancel := context.WithCancel(t.Context())
				done, err := s.Watch(ctx, e.hear)
				require.NoError(t, err)
				var quiet, told []store.Key
				for i := range 30 {
					deleted, revoked, renewed := create(t, other, record("data")), create(t, other, owned("ann", "data")), create(t, other, record("data"))
					require.NoError(t, other.Delete(t.Context(), deleted))
					_, err = swap(t.Context(), other, renewed, func(r *store.Record) { r.Owner, r.Durable = "bob", true })
					require.NoError(t, err)
					told = append(told, deleted, revoked, renewed)

					saved := create(t, other, owned("carol", "data"))
					_, err = swap(t.Context(), other, saved, func(r *store.Record) { r.Data = []byte{byte(i)} })
					require.NoError(t, err)
					require.NoError(t, other.Touch(t.Context(), saved, time.Now().Add(2*time.Hour)))
					elsewhere := create(t, foreign, record("data"))
					require.NoError(t, foreign.Delete(t.Context(), elsewhere))
					quiet = append(quiet, saved, elsewhere)
				}
				_, err = other.DeleteOwned(t.Context(), "ann")
				require.NoError(t, err)
				e.waitFor(t, told...)
				for _, k := range quiet {
					require.False(t, e.know(k))
				}
				isOpen(t, done)
				cancel()
				closes(t, done, 5*time.Second)
			})
		})
	}
}

// TestWatchRefused checks that a delete or a renewal is stored or fails as a
// whole where the server forbids to publish.
func TestWatchRefused(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := own(t, "single")
		s := newStore(t, a, at)
		k := create(t, s, owned("ann", "data"))
		c := admin(t, at.addrs[0])
		require.NoError(t, c.Do(t.Context(), "ACL", "SETUSER", "default", "-publish").Err())
		require.ErrorContains(t, s.Delete(t.Context(), k), "can't run this command")
		_, err := s.DeleteOwned(t.Context(), "ann")
		require.ErrorContains(t, err, "can't run this command")
		_, err = swap(t.Context(), s, k, func(r *store.Record) { r.Data, r.Durable = []byte("renewed"), true })
		require.ErrorContains(t, err, "can't run this command")
		_, err = swap(t.Context(), s, k, func(r *store.Record) { r.Data = append(r.Data, '!') })
		require.NoError(t, err)
		r, err := s.Load(t.Context(), k)
		require.NoError(t, err)
		require.Equal(t, "data!", string(r.Data))
	})
}

// TestWatchLost ends or hangs the connections of a watch: it says so, and the next
// one works. What has happened in between can be seen by looking.
func TestWatchLost(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		for name, disturb := range map[string]func(*faultproxy.Proxy){
			"cut":        func(p *faultproxy.Proxy) { p.Cut() },
			"refused":    func(p *faultproxy.Proxy) { p.Refuse(); p.Cut() },
			"black hole": func(p *faultproxy.Proxy) { p.BlackHole(faultproxy.Both) },
			"mute":       func(p *faultproxy.Proxy) { p.BlackHole(faultproxy.ToClient) },
			"stalled":    func(p *faultproxy.Proxy) { p.Stall(faultproxy.ToClient) },
			"vanished":   func(p *faultproxy.Proxy) { p.BlackHole(faultproxy.Both); p.Cut() }, // and cannot be dialled again
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				at := shared(t, "single")
				prefix := redisstore.WithPrefix(newPrefix())
				n := newNetwork(t)
				n.pings = true
				s, other := redisstore.New(a.connect(t, at, n), prefix), redisstore.New(a.connect(t, at, nil), prefix)
				var e ears
				done, err := s.Watch(t.Context(), e.hear)
				require.NoError(t, err)
				k := create(t, other, record("data"))
				require.NoError(t, other.Delete(t.Context(), k))
				e.waitFor(t, k)
				time.Sleep(4 * time.Second) // a silence is no loss
				isOpen(t, done)

				n.each(disturb)
				k = create(t, other, record("data"))
				require.NoError(t, other.Delete(t.Context(), k))
				closes(t, done, 10*time.Second)
				n.each((*faultproxy.Proxy).Heal)
				eventually(t, respite, func(ctx context.Context) error {
					_, err := s.Load(ctx, k)
					if errors.Is(err, store.ErrNotFound) {
						return nil
					}
					return errors.Join(errors.New("still there"), err)
				})
				eventually(t, respite, func(context.Context) error {
					done, err = s.Watch(t.Context(), e.hear)
					return err
				})
				k = create(t, other, record("data"))
				require.NoError(t, other.Delete(t.Context(), k))
				e.waitFor(t, k)
				isOpen(t, done)
			})
		}
	})
}

// TestWatchAbsent watches where there is no server: that is an error, soon.
func TestWatchAbsent(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		n := newNetwork(t)
		n.pings = true
		s := redisstore.New(a.connect(t, shared(t, "single"), n))
		require.NoError(t, s.Ping(t.Context()))
		for _, disturb := range []func(*faultproxy.Proxy){
			func(p *faultproxy.Proxy) { p.Refuse(); p.Cut() },
			func(p *faultproxy.Proxy) { p.BlackHole(faultproxy.Both) },
		} {
			n.each(disturb)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			begun := time.Now()
			_, err := s.Watch(ctx, func(store.Key) {})
			cancel()
			require.Error(t, err)
			require.Less(t, time.Since(begun), 10*time.Second)
			n.each((*faultproxy.Proxy).Heal)
		}
	})
}

// TestWatchNodeKilled kills one node of a cluster: it may have said something
// that was not heard, so the watch ends.
func TestWatchNodeKilled(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := own(t, "cluster")
		s := newStore(t, a, at)
		var e ears
		done, err := s.Watch(t.Context(), e.hear)
		require.NoError(t, err)
		isOpen(t, done)
		at.kill(t, "redis-cluster/3")
		closes(t, done, 20*time.Second)
		at.start(t, "redis-cluster/3")
		eventually(t, respite, func(context.Context) error {
			done, err = s.Watch(t.Context(), e.hear)
			return err
		})
		var keys []store.Key
		for range 30 {
			k := newKey()
			eventually(t, respite, func(ctx context.Context) error { // the cluster needs some time
				_, err := s.Save(ctx, k, record("data"))
				return err
			})
			require.NoError(t, s.Delete(t.Context(), k))
			keys = append(keys, k)
		}
		e.waitFor(t, keys...)
	})
}

// TestWatchBeatsCache checks that a program which is told of the end of a session,
// and looks, does not find it in its cache.
func TestWatchBeatsCache(t *testing.T) {
	for _, kind := range []string{"single", "cluster"} {
		t.Run(kind, func(t *testing.T) {
			at := shared(t, kind)
			prefix := redisstore.WithPrefix(newPrefix())
			s := redisstore.New(connectRueidis(t, at, nil, rueidis.WithCache(time.Minute)), prefix)
			other := redisstore.New(connectRueidis(t, at, nil), prefix)
			told := make(chan store.Key, 1000)
			_, err := s.Watch(t.Context(), func(k store.Key) { told <- k })
			require.NoError(t, err)
			for range 300 {
				k := create(t, other, record("data"))
				_, err := s.Load(t.Context(), k)
				require.NoError(t, err)
				deleted := make(chan error)
				go func() { deleted <- other.Delete(context.WithoutCancel(t.Context()), k) }()
				for <-told != k {
				}
				_, err = s.Load(t.Context(), k)
				require.ErrorIs(t, err, store.ErrNotFound)
				require.NoError(t, <-deleted)
			}
		})
	}
}
