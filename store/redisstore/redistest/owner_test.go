package redistest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
)

func ownedKeys(t testing.TB, s store.OwnerIndex, owner string) []store.Key {
	t.Helper()
	var keys []store.Key
	for e, err := range s.Owned(t.Context(), owner) {
		require.NoError(t, err)
		require.Equal(t, owner, e.Owner)
		keys = append(keys, e.Key)
	}
	return keys
}

// TestIndexBeforeSession cuts the connection between the entry in the index
// and the session: what is left over is an entry without a session, never the
// reverse, and a second try heals it.
func TestIndexBeforeSession(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		s, p := through(t, a, own(t, "single")) // its scripts are not flushed
		create(t, s, owned("ann", "warm"))      // the server knows the scripts
		_, err := s.DeleteOwned(t.Context(), "ann")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		for _, cut := range []struct {
			name  string
			at    func() <-chan struct{}
			there bool // the session, afterwards
		}{
			{"before the entry", func() <-chan struct{} { return p.CutRequest("evalsha", 1) }, false},
			{"before the session", func() <-chan struct{} { return p.CutRequest("evalsha", 2) }, false},
			{"after the entry", func() <-chan struct{} { return p.CutReply("evalsha", 1) }, false},
			{"after the session", func() <-chan struct{} { return p.CutReply("evalsha", 2) }, true},
		} {
			k := newKey()
			sprung := cut.at()
			_, err := s.Save(ctx, k, owned("ann", "data"))
			require.Error(t, err, cut.name)
			require.NotErrorIs(t, err, store.ErrConflict, cut.name)
			<-sprung
			var loaded error
			eventually(t, respite, func(ctx context.Context) error {
				_, loaded = s.Load(ctx, k)
				if errors.Is(loaded, store.ErrNotFound) {
					return nil
				}
				return loaded
			})
			require.Equal(t, cut.there, loaded == nil, cut.name)
			if cut.there {
				require.Contains(t, ownedKeys(t, s, "ann"), k, cut.name)
			} else {
				_, err = s.Save(ctx, k, owned("ann", "data"))
				require.NoError(t, err, cut.name)
				require.Contains(t, ownedKeys(t, s, "ann"), k, cut.name)
			}
			n, err := s.DeleteOwned(ctx, "ann")
			require.NoError(t, err)
			require.Equal(t, 1, n, cut.name)
		}
	})
}

// TestIndexHeld has a session created while its owner's are revoked, with the
// creation held between its two steps: it is there afterwards and in the index.
func TestIndexHeld(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := shared(t, "single")
		prefix := newPrefix()
		s, p := through(t, a, at, redisstore.WithPrefix(prefix))
		create(t, s, owned("bob", "warm"))
		arrived, release := p.Hold("evalsha", 2)
		k := newKey()
		saved := make(chan error)
		go func() {
			_, err := s.Save(context.Background(), k, owned("ann", "data"))
			saved <- err
		}()
		<-arrived
		// At this time another process looks after the index.
		other := redisstore.New(a.connect(t, at, nil), redisstore.WithPrefix(prefix))
		n, err := other.DeleteOwned(t.Context(), "ann")
		require.NoError(t, err)
		require.Zero(t, n)
		create(t, other, owned("ann", "another"))
		release()
		require.NoError(t, <-saved)
		require.Contains(t, ownedKeys(t, other, "ann"), k)
		n, err = other.DeleteOwned(t.Context(), "ann")
		require.NoError(t, err)
		require.Equal(t, 2, n)
	})
}

// TestIndexOutlives sees that the index of an owner never expires before a
// session of hers does, whatever is done to them.
func TestIndexOutlives(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := shared(t, "single")
		prefix := newPrefix()
		s := redisstore.New(a.connect(t, at, nil), redisstore.WithPrefix(prefix))
		c := admin(t, at.addrs[0])
		ctx := t.Context()
		var longest time.Duration
		for i, life := range []time.Duration{time.Minute, 30 * 24 * time.Hour, time.Second, time.Hour, 90 * 24 * time.Hour, 2 * time.Minute} {
			r := owned("ann", "data")
			r.Expires = time.Now().Add(life)
			k := create(t, s, r)
			switch i % 3 {
			case 0:
				life *= 100
				require.NoError(t, s.Touch(ctx, k, time.Now().Add(life)))
			case 1:
				r, err := s.Load(ctx, k)
				require.NoError(t, err)
				life *= 2
				r.Expires = time.Now().Add(life)
				_, err = s.Save(ctx, k, r)
				require.NoError(t, err)
			}
			longest = max(longest, life)
			ttl, err := c.PTTL(ctx, prefix+"o:ann").Result()
			require.NoError(t, err)
			require.GreaterOrEqual(t, ttl, longest-time.Minute)
			ttl, err = c.PTTL(ctx, prefix+"s:"+k.String()).Result()
			require.NoError(t, err)
			require.Positive(t, ttl, "every session has a TTL")
			require.Contains(t, ownedKeys(t, s, "ann"), k)
		}
	})
}

// TestRevokeDuringRenewals revokes an owner's sessions while her browsers renew
// theirs all the time: no token that she had at the call, or that came of one,
// is good after it.
func TestRevokeDuringRenewals(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := shared(t, "cluster")
		p := newProduct(t, a, at)
		for range 10 {
			const browsers = 4
			var mu sync.Mutex
			var tokens []string
			var running, warm sync.WaitGroup
			stop := make(chan struct{})
			warm.Add(browsers)
			for range browsers {
				b := p.login("ann")
				running.Go(func() {
					for i := 0; ; i++ {
						if i == 2 {
							warm.Done()
						}
						a, err := p.ask("/renew", b.token)
						if err != nil || a.user == "" {
							if i < 2 {
								warm.Done()
							}
							break // revoked
						}
						b.keep(a)
						mu.Lock()
						tokens = append(tokens, b.token)
						mu.Unlock()
						select {
						case <-stop:
							return
						default:
						}
					}
				})
			}
			warm.Wait()
			_, err := p.manager.RevokeOwner(t.Context(), "ann")
			require.NoError(t, err)
			close(stop)
			running.Wait()
			for _, token := range slices.Backward(tokens) {
				a, err := p.ask("/look", token)
				require.NoError(t, err)
				require.Empty(t, a.user, "a session has escaped by renewing")
			}
		}
	})
}

// TestRevokeDuringLogins revokes an owner's sessions while they are saved and
// while others become hers. None is left that was hers before, and each that is
// left is listed.
func TestRevokeDuringLogins(t *testing.T) {
	for _, kind := range []string{"single", "cluster"} {
		t.Run(kind, func(t *testing.T) {
			onEach(t, func(t *testing.T, a adapter) {
				at := shared(t, kind)
				prefix := redisstore.WithPrefix(newPrefix())
				s, other := redisstore.New(a.connect(t, at, nil), prefix), redisstore.New(a.connect(t, at, nil), prefix)
				for round := range 40 {
					testRevokeDuringLogins(t, s, other, fmt.Sprint("ann", round))
				}
			})
		})
	}
}

func testRevokeDuringLogins(t *testing.T, s, other *redisstore.Store, owner string) {
	const n = 6
	var hers, others [n]store.Key
	for i := range n {
		hers[i], others[i] = create(t, s, owned(owner, "hers")), create(t, s, record("not yet"))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running, warm sync.WaitGroup
	warm.Add(n)
	for i := range n {
		running.Go(func() { // renews, until the session is gone
			for tries := 0; ; tries++ {
				if tries == 2 {
					warm.Done()
				}
				_, err := swap(context.WithoutCancel(ctx), other, hers[i], func(r *store.Record) { r.Durable = true })
				if errors.Is(err, store.ErrNotFound) || tries > 2 && ctx.Err() != nil {
					return
				}
				if err != nil && !errors.Is(err, store.ErrConflict) {
					t.Error(err)
				}
			}
		})
		running.Go(func() { // logs in at some time of the call, or before
			warm.Wait()
			time.Sleep(time.Duration(i) * 200 * time.Microsecond)
			_, err := swap(context.WithoutCancel(ctx), other, others[i], func(r *store.Record) { r.Owner, r.Durable = owner, true })
			if err != nil {
				t.Error(err)
			}
		})
	}
	warm.Wait()
	removed, err := s.DeleteOwned(t.Context(), owner)
	require.NoError(t, err)
	for _, k := range hers {
		_, err := s.Load(t.Context(), k)
		require.ErrorIs(t, err, store.ErrNotFound, "a session has outlived its revocation")
	}
	cancel()
	running.Wait()
	left := ownedKeys(t, s, owner)
	require.Equal(t, 2*n, removed+len(left))
	for _, k := range others {
		_, err := s.Load(t.Context(), k)
		require.Equal(t, slices.Contains(left, k), err == nil, "what is left is listed")
	}
	again, err := s.DeleteOwned(t.Context(), owner)
	require.NoError(t, err)
	require.Equal(t, len(left), again)
}
