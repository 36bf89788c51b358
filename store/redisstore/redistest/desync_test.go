package redistest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
)

// TestDesync puts the connections of a store out of step. Every answer that it
// gives is the answer to the question, or an error: it loads no other session,
// takes no other's save for its own, and nothing for missing that is there. It
// may load its own session as it was a moment ago, which costs a conflict.
func TestDesync(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		for name, desync := range map[string]func(*faultproxy.Proxy){
			"own": (*faultproxy.Proxy).Desync, "across": (*faultproxy.Proxy).DesyncAcross,
		} {
			t.Run(name, func(t *testing.T) {
				prefix := redisstore.WithPrefix(newPrefix())
				s, p := through(t, a, shared(t, "single"), prefix)
				direct := redisstore.New(a.connect(t, shared(t, "single"), nil), prefix)
				const users = 8
				var keys [users]store.Key
				var versions [users]uint64
				for i := range keys {
					keys[i] = newKey()
					v, err := s.Save(t.Context(), keys[i], owned(fmt.Sprint("user", i), "0"))
					require.NoError(t, err)
					versions[i] = v
				}
				warm(t, s, keys[:])
				desync(p)
				var running sync.WaitGroup
				var refused atomic.Int64 // answers that a sound connection never gives: each user is alone with his key
				var acked [users]int     // the last change that a user was told is stored
				for i := range users {
					running.Go(func() {
						user := fmt.Sprint("user", i)
						for n := range 30 {
							ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
							r, err := s.Load(ctx, keys[i])
							switch {
							case err == nil && r.Owner != user:
								t.Errorf("%s was handed the session of %s", user, r.Owner)
							case errors.Is(err, store.ErrNotFound):
								t.Errorf("%s is missing: %v", user, err)
							case err != nil:
								refused.Add(1)
							}
							w := owned(user, fmt.Sprint(n+1))
							w.Version = versions[i]
							if v, err := s.Save(ctx, keys[i], w); err == nil {
								versions[i], acked[i] = v, n+1
								if r, err := direct.Load(t.Context(), keys[i]); err != nil || number(r.Data) != n+1 {
									t.Errorf("%s was told that %d is stored, there is %s, %v", user, n+1, r.Data, err)
								}
							} else {
								refused.Add(1)
								_ = reread(s, keys[i], &versions[i]) // if not, the next save is refused, and there is one more
							}
							cancel()
						}
					})
				}
				running.Wait()
				require.NotZero(t, refused.Load(), "no call has met a connection out of step")
				p.Heal()
				for i, k := range keys {
					eventually(t, respite, func(ctx context.Context) error {
						r, err := s.Load(ctx, k)
						if err == nil && r.Owner != fmt.Sprint("user", i) {
							t.Errorf("user%d has the session of %s", i, r.Owner)
						}
						if err == nil && number(r.Data) < acked[i] {
							t.Errorf("user%d was told that %d is stored, there is %s", i, acked[i], r.Data)
						}
						return err
					})
				}
			})
		}
	})
}

// warm has every connection of a client read something that exists, so that
// none has "nothing" for its latest reply: that fits every question.
func warm(t *testing.T, s store.Store, keys []store.Key) {
	var running sync.WaitGroup
	for range 8 {
		for _, k := range keys {
			running.Go(func() {
				if _, err := s.Load(t.Context(), k); err != nil {
					t.Error(err)
				}
			})
		}
	}
	running.Wait()
}

func number(data []byte) int {
	n, err := strconv.Atoi(string(data))
	if err != nil {
		return -1
	}
	return n
}

// reread looks up a version.
func reread(s store.Store, k store.Key, version *uint64) error {
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	r, err := s.Load(ctx, k)
	if err == nil {
		*version = r.Version
	}
	return err
}
