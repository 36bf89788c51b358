// Package rueidis lets redisstore use github.com/redis/rueidis, a client that
// pipelines by itself and can keep values in the memory of the program. As its
// name is that of the client's package, import it under another:
//
//	import (
//		"github.com/redis/rueidis"
//		sesamerueidis "github.com/sesame-go/sesame/store/redisstore/rueidis"
//	)
//
//	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: addrs})
//	…
//	defer client.Close()
//	sessions := sesame.New[Session](sesame.WithStore(redisstore.New(sesamerueidis.New(client))))
//
// Where many requests come at once, a MaxFlushDelay of 100 µs on one connection
// (PipelineMultiplex: -1) makes the client's pipelines longer: docs/STORES.md
// has a measurement, 1.4 times as many changes and 1.7 times as many reads.
package rueidis

import (
	"context"
	"time"

	"github.com/redis/rueidis"

	"github.com/sesame-go/sesame/store/redisstore"
)

// A Conn is a [redisstore.Conn] over a client of rueidis. Make one with [New].
// All methods are safe for concurrent use.
//
// Scripts that write are sent once. Reads are sent again as long as the
// connection fails, until their context ends: whoever calls a store directly,
// and not through a session manager, should give it a deadline.
type Conn struct {
	client rueidis.Client
	cache  *window // nil without WithCache
	ttl    time.Duration
}

// An Option changes a default of [New].
type Option func(*Conn)

// New returns a Conn over client, for one server, one with sentinels, or a
// cluster. It sends nothing. The program closes the client.
//
// A client with SendToReplicas may be told by a replica that a session is
// there which has been logged out: leave GET to the primary.
//
// New panics if client is nil.
func New(client rueidis.Client, opts ...Option) *Conn {
	if client == nil {
		panic("sesame/rueidis: New(nil): the client is missing; make one with rueidis.NewClient")
	}
	c := &Conn{client: client}
	for _, opt := range opts {
		opt(c)
	}
	return c
}

var _ redisstore.Conn = (*Conn)(nil)

// Commands that may be sent again are pinned: rueidis would use their memory for
// others when the second answer comes, while the first attempt is still on its
// way out.

// Get implements [redisstore.Conn]. With [WithCache] it may answer from the
// cache.
func (c *Conn) Get(ctx context.Context, key string) (string, bool, error) {
	var reply rueidis.RedisResult
	if c.cache != nil && !c.cache.written(key) {
		reply = c.client.DoCache(ctx, c.client.B().Get().Key(key).Cache().Pin(), c.ttl)
	} else {
		reply = c.client.Do(ctx, c.client.B().Get().Key(key).Build().Pin())
	}
	value, err := reply.ToString()
	if rueidis.IsRedisNil(err) {
		return "", false, nil
	}
	return value, err == nil, err
}

// Run implements [redisstore.Conn].
func (c *Conn) Run(ctx context.Context, script *redisstore.Script, key string, args ...string) (string, error) {
	if c.cache != nil && !script.ReadOnly() {
		c.cache.write(key)
		defer c.cache.write(key)
	}
	reply, err := c.eval(ctx, script, key, args, "EVALSHA", script.SHA1())
	if e, ok := rueidis.IsRedisErr(err); ok && e.IsNoScript() {
		reply, err = c.eval(ctx, script, key, args, "EVAL", script.Source())
	}
	return reply, err
}

func (c *Conn) eval(ctx context.Context, script *redisstore.Script, key string, args []string, how, what string) (string, error) {
	cmd := c.client.B().Arbitrary(how, what, "1").Keys(key).Args(args...).Build()
	if script.ReadOnly() {
		cmd = cmd.ToRetryable().Pin()
	}
	return c.client.Do(ctx, cmd).ToString()
}
