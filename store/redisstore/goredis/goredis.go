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
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/sesame-go/sesame/store/redisstore"
)

// Conn is a [redisstore.Conn] over a client of go-redis. Make one with [New].
// All methods are safe for concurrent use.
//
// Commands that are called while others are on the wire wait for those and then
// go out as one pipeline. In a cluster each node has pipelines of its own, so
// that a node which hangs delays only its own sessions. No timer is involved: a
// single command goes out at once. When the context of a caller ends the caller
// stops waiting; the pipeline goes on, and is bounded by the client's timeouts.
//
// Scripts that write are sent once, whatever MaxRetries says. Reads are sent
// again if the connection fails.
//
// If a hook of the client panics the calls in its pipeline fail with an error
// that says so. go-redis runs the hooks that OnNewNode adds to the nodes of a
// cluster on goroutines of its own, and does not recover their panics.
type Conn struct {
	client redis.UniversalClient
	mu     sync.Mutex
	groups map[lane]*group
}

// lane is what a group carries: the reads or the writes of one node. They are
// apart because go-redis resends a pipeline as a whole, or not at all if one of
// its commands must not be resent.
type lane struct {
	node  string // its address, "" if there is one node only
	write bool
}

// New returns a Conn over client: a *redis.Client, also one that
// redis.NewFailoverClient has made, or a *redis.ClusterClient. It sends
// nothing. The program closes the client.
//
// New panics if client is nil; if it is a *redis.Ring, which takes the sessions
// of a server that does not answer for missing; and if it is a
// *redis.ClusterClient that reads from replicas, which learn late of a log-out.
func New(client redis.UniversalClient) *Conn {
	switch client := client.(type) {
	case nil:
		panic("sesame/goredis: New(nil): the client is missing; make one with redis.NewUniversalClient")
	case *redis.Ring:
		panic("sesame/goredis: New with a *redis.Ring: it forgets the sessions of a server that is down; use a cluster")
	case *redis.ClusterClient:
		if o := client.Options(); o.ReadOnly || o.RouteByLatency || o.RouteRandomly {
			panic("sesame/goredis: New with a client that reads from replicas, which learn late of a log-out; " +
				"make one without ReadOnly, RouteByLatency and RouteRandomly")
		}
	}
	return &Conn{client: client, groups: make(map[lane]*group)}
}

var _ redisstore.Conn = (*Conn)(nil)

// Get implements [redisstore.Conn].
func (c *Conn) Get(ctx context.Context, key string) (string, bool, error) {
	get, err := c.prepare(ctx, key, false, "get", key)
	if err != nil {
		return "", false, err
	}
	get.group.enter(get)
	value, err := get.wait(ctx)
	if errors.Is(err, redis.Nil) {
		return "", false, nil
	}
	return value, err == nil, err
}

// Run implements [redisstore.Conn].
func (c *Conn) Run(ctx context.Context, calls ...redisstore.Call) []redisstore.Reply {
	replies, sent := make([]redisstore.Reply, len(calls)), make([]*call, len(calls))
	together := make(map[*group][]*call, 1)
	for i, r := range calls {
		words := make([]any, 4, 4+len(r.Args))
		words[0], words[1], words[2], words[3] = r.Command, r.Script, "1", r.Key
		for _, arg := range r.Args {
			words = append(words, arg)
		}
		one, err := c.prepare(ctx, r.Key, r.Writes, words...)
		if err != nil {
			replies[i].Err = err
			continue
		}
		sent[i] = one
		together[one.group] = append(together[one.group], one)
	}
	for g, some := range together {
		g.enter(some...)
	}
	for i, one := range sent {
		if one != nil {
			replies[i].Text, replies[i].Err = one.wait(ctx)
		}
	}
	return replies
}

// prepare returns a command that is ready to enter its group.
func (c *Conn) prepare(ctx context.Context, key string, write bool, words ...any) (*call, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	g, err := c.group(ctx, key, write)
	if err != nil {
		return nil, err
	}
	reply := redis.NewStringCmd(ctx, words...)
	cmd := redis.Cmder(reply)
	if write {
		cmd = once{reply}
	}
	return &call{group: g, cmd: cmd, reply: reply, done: make(chan struct{})}, nil
}

// once is a command that go-redis does not send again when the connection
// fails.
type once struct{ *redis.StringCmd }

// NoRetry is what go-redis asks.
func (once) NoRetry() bool { return true }

// group returns the group of a key's lane.
func (c *Conn) group(ctx context.Context, key string, write bool) (*group, error) {
	l := lane{write: write}
	if cluster, ok := c.client.(*redis.ClusterClient); ok {
		err := guard(func() error {
			node, err := cluster.MasterForKey(ctx, key)
			if err == nil {
				l.node = node.Options().Addr
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.groups[l]
	if g == nil {
		g = &group{pipeline: c.client.Pipeline}
		c.groups[l] = g
	}
	return g, nil
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
func (c *Conn) primaries(ctx context.Context) ([]redis.UniversalClient, error) {
	cluster, ok := c.client.(*redis.ClusterClient)
	if !ok {
		return []redis.UniversalClient{c.client}, nil
	}
	var mu sync.Mutex
	var nodes []redis.UniversalClient
	err := guard(func() error {
		return cluster.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			nodes = append(nodes, node)
			return nil
		})
	})
	return nodes, err
}
