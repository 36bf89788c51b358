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

// Conn is a [redisstore.Conn] over a client of rueidis. Make one with [New]. All
// methods are safe for concurrent use.
//
// Scripts that write are sent once. Reads are sent again as long as the
// connection fails, until their context ends. A session manager gives each call a
// deadline; give it one too when you call a store directly.
type Conn struct {
	client rueidis.Client
	cache  *window // nil without WithCache
}

// Option changes a default of [New].
type Option interface{ apply(*config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

type config struct {
	ttl time.Duration // of the cache, 0 for none
}

// New returns a Conn over client, for one server, one with sentinels, or a
// cluster. It sends nothing. The program closes the client.
//
// A client with SendToReplicas must leave GET to the primary: a replica may still
// have a session that has logged out.
//
// New panics if client or an option is nil.
func New(client rueidis.Client, opts ...Option) *Conn {
	if client == nil {
		panic("sesame/rueidis: New(nil): the client is missing; make one with rueidis.NewClient")
	}
	var c config
	for _, opt := range opts {
		if opt == nil {
			panic("sesame/rueidis: New: an option is nil; leave it out")
		}
		opt.apply(&c)
	}
	conn := &Conn{client: client}
	if c.ttl > 0 {
		conn.cache = newWindow(c.ttl)
	}
	return conn
}

var _ redisstore.Conn = (*Conn)(nil)

// Commands that may be sent again are pinned. Otherwise rueidis would reuse their
// memory when the second answer arrives, while the first attempt may still be on
// its way out.

// Get implements [redisstore.Conn]. With [WithCache] it may answer from the
// cache.
func (c *Conn) Get(ctx context.Context, key string) (string, bool, error) {
	var reply rueidis.RedisResult
	if c.cache != nil && !c.cache.written(key) {
		reply = c.client.DoCache(ctx, c.client.B().Get().Key(key).Cache().Pin(), c.cache.ttl)
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
func (c *Conn) Run(ctx context.Context, calls ...redisstore.Call) []redisstore.Reply {
	c.note(calls)
	defer c.note(calls)
	cmds := make([]rueidis.Completed, len(calls))
	for i, call := range calls {
		cmds[i] = c.client.B().Arbitrary(call.Command, call.Script, "1").Keys(call.Key).Args(call.Args...).Build()
		if !call.Writes {
			cmds[i] = cmds[i].ToRetryable().Pin()
		}
	}
	replies := make([]redisstore.Reply, len(calls))
	for i, result := range c.send(ctx, cmds) {
		replies[i].Text, replies[i].Err = result.ToString()
	}
	return replies
}

// send sends a single command by the shorter way.
func (c *Conn) send(ctx context.Context, cmds []rueidis.Completed) []rueidis.RedisResult {
	if len(cmds) == 1 {
		return []rueidis.RedisResult{c.client.Do(ctx, cmds[0])}
	}
	return c.client.DoMulti(ctx, cmds...)
}

// note tells the cache which keys are written. It is called before and after.
func (c *Conn) note(calls []redisstore.Call) {
	if c.cache == nil {
		return
	}
	for _, call := range calls {
		if call.Writes {
			c.cache.write(call.Key)
		}
	}
}
