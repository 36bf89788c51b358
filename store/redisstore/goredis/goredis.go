// Package goredis lets redisstore use github.com/redis/go-redis/v9, the client
// that most programs have:
//
//	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: addrs})
//	defer client.Close()
//	sessions := sesame.New[Session](sesame.WithStore(redisstore.New(goredis.New(client))))
package goredis

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/sesame-go/sesame/store/redisstore"
)

// A Conn is a [redisstore.Conn] over a client of go-redis. Make one with
// [New]. All methods are safe for concurrent use.
//
// Commands that are called while others are on the wire wait for those and
// then go out as one pipeline; in a cluster there are pipelines for each node,
// so that one that hangs holds up its own sessions only. This needs no timer:
// alone, a command goes out at once. A pipeline does not end with the context
// of one of its callers, who just stops waiting; it ends with the timeouts of
// the client.
//
// Scripts that write are sent once, whatever MaxRetries says. Reads are sent
// again if the connection fails.
type Conn struct {
	client redis.UniversalClient
	mu     sync.Mutex
	groups map[lane]*group
}

// A lane is what a group carries: the reads, or the writes, of one node. They
// are apart because a pipeline with a command that must not be sent again is
// not sent again at all.
type lane struct {
	node  string // its address, "" if there is one node only
	write bool
}

// New returns a Conn over client: a *redis.Client, also one that
// redis.NewFailoverClient has made, or a *redis.ClusterClient. It sends
// nothing. The program closes the client.
//
// New panics if client is nil; if it is a *redis.Ring, which takes the sessions
// of a server that does not answer for gone; and if it is a
// *redis.ClusterClient that reads from replicas, which do not know at once
// that somebody has logged out.
func New(client redis.UniversalClient) *Conn {
	switch client := client.(type) {
	case nil:
		panic("sesame/goredis: New(nil): the client is missing; make one with redis.NewUniversalClient")
	case *redis.Ring:
		panic("sesame/goredis: New with a *redis.Ring: it forgets the sessions of a server that is down; use a cluster")
	case *redis.ClusterClient:
		if o := client.Options(); o.ReadOnly || o.RouteByLatency || o.RouteRandomly {
			panic("sesame/goredis: New with a client that reads from replicas, which know late of a log-out; " +
				"make one without ReadOnly, RouteByLatency and RouteRandomly")
		}
	}
	return &Conn{client: client, groups: make(map[lane]*group)}
}

var _ redisstore.Conn = (*Conn)(nil)

// Get implements [redisstore.Conn].
func (c *Conn) Get(ctx context.Context, key string) (string, bool, error) {
	cmd := redis.NewStringCmd(ctx, "get", key)
	err := c.do(ctx, key, false, cmd)
	if errors.Is(err, redis.Nil) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	return cmd.Val(), true, nil
}

// Run implements [redisstore.Conn].
func (c *Conn) Run(ctx context.Context, script *redisstore.Script, key string, args ...string) (string, error) {
	reply, err := c.eval(ctx, script, key, args, "evalsha", script.SHA1())
	if err != nil && strings.HasPrefix(err.Error(), "NOSCRIPT") {
		reply, err = c.eval(ctx, script, key, args, "eval", script.Source())
	}
	return reply, err
}

func (c *Conn) eval(ctx context.Context, script *redisstore.Script, key string, args []string, how, what string) (string, error) {
	all := make([]any, 4, 4+len(args))
	all[0], all[1], all[2], all[3] = how, what, "1", key
	for _, arg := range args {
		all = append(all, arg)
	}
	cmd := redis.NewStringCmd(ctx, all...)
	var err error
	if script.ReadOnly() {
		err = c.do(ctx, key, false, cmd)
	} else {
		err = c.do(ctx, key, true, once{cmd})
	}
	if err != nil {
		return "", err // the reply may come yet, so cmd is not to be looked at
	}
	return cmd.Val(), nil
}

// once is a command that go-redis does not send again when the connection
// fails.
type once struct{ *redis.StringCmd }

func (once) NoRetry() bool { return true }

// do sends a command with the next pipeline of its lane.
func (c *Conn) do(ctx context.Context, key string, write bool, cmd redis.Cmder) error {
	l := lane{write: write}
	if cluster, ok := c.client.(*redis.ClusterClient); ok {
		node, err := cluster.MasterForKey(ctx, key)
		if err != nil {
			return err
		}
		l.node = node.Options().Addr
	}
	c.mu.Lock()
	g := c.groups[l]
	if g == nil {
		g = &group{pipeline: c.client.Pipeline}
		c.groups[l] = g
	}
	c.mu.Unlock()
	return g.do(ctx, cmd)
}

// scanCount is how many keys a server looks at for one SCAN.
const scanCount = 1000

// Scan implements [redisstore.Conn]. It asks the nodes one after the other.
func (c *Conn) Scan(ctx context.Context, pattern string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		nodes, err := c.primaries(ctx)
		if err != nil {
			yield("", err)
			return
		}
		for _, node := range nodes {
			for cursor, more := uint64(0), true; more; more = cursor != 0 {
				var keys []string
				keys, cursor, err = node.Scan(ctx, cursor, pattern, scanCount).Result()
				if err != nil {
					yield("", err)
					return
				}
				for _, key := range keys {
					if !yield(key, nil) {
						return
					}
				}
			}
		}
	}
}

// primaries returns a client for each node that keeps sessions.
func (c *Conn) primaries(ctx context.Context) ([]redis.Cmdable, error) {
	cluster, ok := c.client.(*redis.ClusterClient)
	if !ok {
		return []redis.Cmdable{c.client}, nil
	}
	var mu sync.Mutex
	var nodes []redis.Cmdable
	err := cluster.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		nodes = append(nodes, node)
		return nil
	})
	return nodes, err
}
