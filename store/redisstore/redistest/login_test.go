package redistest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
)

// logins is how often each test logs in.
const logins = 30

// slowWrites adds a millisecond to each write.
func slowWrites(p *faultproxy.Proxy) { p.DelayRequests("evalsha", time.Millisecond) }

// TestLoginAmongSavers logs visitors in while clients who know their token from
// before keep saving their sessions, a millisecond away from the server: through
// the same process and through another. Each log-in gets through.
func TestLoginAmongSavers(t *testing.T) {
	at := shared(t, "single")
	for _, a := range adapters {
		for _, n := range []int{1, 2, 4} {
			t.Run(fmt.Sprintf("%s/this-process/savers=%d", a.name, n), func(t *testing.T) {
				p := slowProduct(t, a, at, newPrefix())
				p.loginsAmong(func(token string) (stop func()) { return p.keepSaving(n, token) })
			})
			t.Run(fmt.Sprintf("%s/another-process/savers=%d", a.name, n), func(t *testing.T) {
				p := slowProduct(t, a, at, newPrefix())
				other := start(t, part{Role: "savers", Adapter: a.name, Kind: at.kind, Addrs: at.addrs, Prefix: p.prefix, Savers: n})
				p.loginsAmong(func(token string) (stop func()) {
					require.Equal(t, "saving", other.order(token))
					return func() { require.Equal(t, "stopped", other.order("")) }
				})
			})
		}
	}
}

// playSavers saves the session of each token that it is given until it is given
// the next.
func playSavers(t testing.TB, p part, orders *bufio.Scanner) {
	product := slowProduct(t, p.adapter(), site{kind: p.Kind, addrs: p.Addrs}, p.Prefix)
	stop := func() {}
	for orders.Scan() {
		stop()
		if token := orders.Text(); token == "" {
			stop = func() {}
			fmt.Println("stopped")
		} else {
			stop = product.keepSaving(p.Savers, token)
			fmt.Println("saving")
		}
	}
}

func slowProduct(t testing.TB, a adapter, at site, prefix string) *product {
	p := openProduct(t, a, at, prefix)
	slowWrites(p.network.proxy(at.addrs[0]))
	return p
}

// keepSaving has clients save the session of a token until stop is called. It
// returns when each has saved twice.
func (p *product) keepSaving(n int, token string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running, warm sync.WaitGroup
	warm.Add(n)
	for range n {
		running.Go(func() {
			for saved := 0; ctx.Err() == nil; {
				a, err := p.handle("/add", token)
				if err != nil {
					p.t.Error(err)
				}
				if a.status != http.StatusOK {
					continue // overtaken by the other savers too often
				}
				if saved++; saved == 2 {
					warm.Done()
				}
			}
		})
	}
	warm.Wait()
	return func() {
		cancel()
		running.Wait()
	}
}

// loginsAmong logs visitors in whose tokens savers are given, one after the
// other.
func (p *product) loginsAmong(savers func(token string) (stop func())) {
	var took []time.Duration
	failed := 0
	for i := range logins {
		first, err := p.handle("/add", "")
		require.NoError(p.t, err)
		require.Len(p.t, first.cookies, 1)
		user := fmt.Sprint("user", i)
		stop := savers(first.cookies[0].Value)
		began := time.Now()
		a, err := p.handle("/login?user="+user, first.cookies[0].Value)
		took = append(took, time.Since(began))
		stop()
		require.NoError(p.t, err)
		if a.status != http.StatusOK || len(a.cookies) != 1 {
			p.t.Logf("log-in %d: status %d, %d cookies, after %v", i, a.status, len(a.cookies), time.Since(began))
			failed++
			continue
		}
		seen, err := p.handle("/look", a.cookies[0].Value)
		require.NoError(p.t, err)
		require.Equal(p.t, user, seen.user)
		require.GreaterOrEqual(p.t, seen.n, first.n, "what was saved before is still there")
	}
	tell(p.t, failed, took)
}

// tell reports how long log-ins took, and fails the test if one has failed.
func tell(t testing.TB, failed int, took []time.Duration) {
	slices.Sort(took)
	t.Logf("%d of %d log-ins have failed; median %v, longest %v", failed, len(took),
		took[len(took)/2].Round(100*time.Microsecond), took[len(took)-1].Round(100*time.Microsecond))
	require.Zero(t, failed, "log-ins that failed")
}

// TestOwnerChangeAmongSavers is TestLoginAmongSavers without the manager: each
// client loads the record and saves it, on a conflict again.
func TestOwnerChangeAmongSavers(t *testing.T) {
	for _, kind := range []string{"single", "cluster"} {
		for _, a := range adapters {
			for _, n := range []int{1, 2, 4} {
				t.Run(fmt.Sprintf("%s/%s/savers=%d", kind, a.name, n), func(t *testing.T) {
					testOwnerChange(t, a, shared(t, kind), n)
				})
			}
		}
	}
}

func testOwnerChange(t *testing.T, a adapter, at site, savers int) {
	prefix := redisstore.WithPrefix(newPrefix())
	open := func() store.Store {
		n := newNetwork(t)
		for _, addr := range at.addrs {
			slowWrites(n.proxy(addr))
		}
		return redisstore.New(a.connect(t, at, n), prefix)
	}
	s, others := open(), open()
	var took []time.Duration
	failed := 0
	for range logins {
		k := create(t, s, record("data"))
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		var saved atomic.Int64
		for range savers {
			running.Go(func() {
				for ctx.Err() == nil {
					if _, err := swap(context.WithoutCancel(ctx), others, k, func(*store.Record) {}); err == nil {
						saved.Add(1)
					} else if !errors.Is(err, store.ErrConflict) {
						t.Error(err)
						return
					}
				}
			})
		}
		eventually(t, respite, func(context.Context) error {
			if saved.Load() < 2 {
				return errors.New("the savers have not begun")
			}
			return nil
		})
		began := time.Now()
		err := logIn(t.Context(), s, k)
		took = append(took, time.Since(began))
		cancel()
		running.Wait()
		if err != nil {
			require.ErrorIs(t, err, store.ErrConflict)
			failed++
			continue
		}
		r, err := s.Load(t.Context(), k)
		require.NoError(t, err)
		require.Equal(t, "ann", r.Owner, "the savers keep the owner")
	}
	tell(t, failed, took)
}

// swap loads a record, changes it and saves it.
func swap(ctx context.Context, s store.Store, k store.Key, change func(*store.Record)) (uint64, error) {
	r, err := s.Load(ctx, k)
	if err != nil {
		return 0, err
	}
	change(&r)
	return s.Save(ctx, k, r)
}

// logIn gives a session an owner, as the manager does: on a conflict it waits for
// a random while that grows, and gives up after a hundred attempts.
func logIn(ctx context.Context, s store.Store, k store.Key) (err error) {
	for attempt := range 100 {
		if _, err = swap(ctx, s, k, func(r *store.Record) { r.Owner, r.Durable = "ann", true }); !errors.Is(err, store.ErrConflict) {
			return err
		}
		time.Sleep(rand.N(50 * time.Microsecond << min(attempt, 9)))
	}
	return err
}
