package bench

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/goredis"
)

// trips counts what a client sends and waits for.
type trips struct{ n atomic.Int64 }

func (c *trips) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmd)
	}
}

func (c *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmds)
	}
}

// TestRoundTrips says how often a request waits for Redis.
func TestRoundTrips(t *testing.T) {
	count := func(site Site, client *redis.Client) (read, change int64) {
		counted := new(trips)
		client.AddHook(counted)
		cookie := SignIn(site)
		site.Client(Change).Do(cookie) // connected, and the script is there
		after := func(op Op) int64 {
			counted.n.Store(0)
			site.Client(op).Do(cookie)
			return counted.n.Load()
		}
		return after(Read), after(Change)
	}
	p := testPlace(t, "redis")
	s := Sessions[0]

	client, err := p.goredis()
	require.NoError(t, err)
	defer client.Close()
	site, err := openSesame(s, nil, sesame.WithStore(redisstore.New(goredis.New(client))))
	require.NoError(t, err)
	read, change := count(site, client)
	require.Equal(t, []int64{1, 2}, []int64{read, change}, "sesame: load; load and save")

	client, err = p.goredis()
	require.NoError(t, err)
	defer client.Close()
	read, change = count(scsSite(s.values(), goredisstore.New(client), scs.GobCodec{}, idle, nil), client)
	require.Equal(t, []int64{2, 2}, []int64{read, change}, "scs: load and save, always")
}
