package goredis_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/goredis"
)

// A buggy hook panics as often as it is told, before or after the commands are
// carried out, or when a connection is made.
type buggy struct {
	before, after, dial atomic.Int32
	conn                atomic.Value // the last connection that was made
}

func panics(left *atomic.Int32) {
	if left.Add(-1) >= 0 {
		panic("a bug in the hook")
	}
}

func (b *buggy) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		panics(&b.dial)
		conn, err := next(ctx, network, addr)
		if err == nil {
			b.conn.Store(conn)
		}
		return conn, err
	}
}

func (b *buggy) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (b *buggy) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		panics(&b.before)
		err := next(ctx, cmds)
		panics(&b.after)
		return err
	}
}

// TestHookPanics checks that a hook which panics ends its calls, with an error
// that says so, and nothing else.
func TestHookPanics(t *testing.T) {
	for name, client := range map[string]redis.UniversalClient{"single": single(t), "cluster": cluster(t)} {
		t.Run(name, func(t *testing.T) {
			b := &buggy{}
			client.AddHook(b)
			s := redisstore.New(goredis.New(client), prefix())
			k, r := store.Key{1}, store.Record{Expires: time.Now().Add(time.Hour), Data: []byte("data")}
			version, err := s.Save(t.Context(), k, r)
			require.NoError(t, err)
			for _, bug := range []*atomic.Int32{&b.before, &b.after} {
				bug.Store(1)
				_, err := s.Load(t.Context(), k)
				require.ErrorContains(t, err, "a hook of the client has panicked: a bug in the hook")
				require.NotErrorIs(t, err, store.ErrNotFound)
				got, err := s.Load(t.Context(), k)
				require.NoError(t, err)
				require.Equal(t, version, got.Version)
			}

			// Many at once: all are answered, and some rightly.
			b.before.Store(3)
			var wg sync.WaitGroup
			var right atomic.Int32
			for range 64 {
				wg.Go(func() {
					for range 20 {
						got, err := s.Load(t.Context(), k)
						if err == nil && assert.Equal(t, version, got.Version) {
							right.Add(1)
						}
					}
				})
			}
			wg.Wait()
			require.Positive(t, right.Load())
			require.Negative(t, b.before.Load())
		})
	}
}

// TestDialHookPanics checks that the bug in a hook is an error of Subscribe, and
// of a call.
func TestDialHookPanics(t *testing.T) {
	client, b := single(t), &buggy{}
	client.AddHook(b)
	s := redisstore.New(goredis.New(client), prefix())
	b.dial.Store(1)
	_, err := s.Watch(t.Context(), func(store.Key) {})
	require.ErrorContains(t, err, "a bug in the hook")
	b.dial.Store(1)
	require.NoError(t, s.Ping(t.Context()), "go-redis tries again")
	done, err := s.Watch(t.Context(), func(store.Key) {})
	require.NoError(t, err)

	// The connection ends, and go-redis makes another on a goroutine of the
	// subscription.
	b.dial.Store(100)
	require.NoError(t, b.conn.Load().(net.Conn).Close())
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the loss of the connection is not noticed")
	}
}
