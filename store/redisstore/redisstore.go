// Package redisstore keeps sessions in Redis 6.2 or later, in Valkey, or in a
// cluster of either, with or without sentinels, through the client that the
// program brings:
//
//	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"}) // go-redis
//	…
//	sessions := sesame.New[Session](sesame.WithStore(redisstore.New(goredis.New(client))))
//
// The modules redisstore/goredis and redisstore/rueidis adapt
// github.com/redis/go-redis and github.com/redis/rueidis. For another client,
// implement [Conn].
//
// # Round trips
//
// A load, save, touch or delete takes one. A save that creates a session with an
// owner, or logs one in, takes two, because the owner's index has to know it
// first. A save or touch that extends a session beyond what the index was told,
// once an hour or so, takes three. Listing or deleting an owner's sessions takes
// two for each 128 of them.
//
// # Time
//
// The clock of the program decides whether a session has expired. The server's
// clock does not: the server only drops what expired more than a minute ago. The
// clocks of the programs that share a server must not differ by more than a
// minute. By as much as they differ, one program finds a session expired earlier
// than another does.
//
// # Promises
//
// Each operation is linearizable, for all processes, as long as one server is
// the primary. What Redis acknowledges it has in memory. How much of that
// survives a crash or a power loss depends on appendfsync, for every write
// alike: saves, renewals, log-outs and revocations. How much survives when a
// replica takes over depends on replication, which is asynchronous. So a
// failover may undo the last second or so, and with it a log-out;
// min-replicas-to-write and min-replicas-max-lag bound that time. The store does
// not use WAIT, which confirms that a replica has the write, not that this
// replica takes over.
//
// Set maxmemory-policy to noeviction: a server that evicts keys logs users out and
// loses parts of the owner index.
//
// # Errors
//
// A call that fails because the server did, or whose context ends while the
// server is at work, may have had its effect or not. A call whose context ends
// before that has none. A failure is never taken for a missing session. A reply
// that belongs to another command, from a connection that is out of step, is an
// error too, and never another user's session.
package redisstore

import (
	"context"
	"time"

	"github.com/sesame-go/sesame/store"
)

// Store keeps sessions in Redis. It implements [store.Store], [store.Lister],
// [store.OwnerIndex], [store.Watcher] and [store.Pinger]. There is nothing to
// sweep and nothing to close, and no counting without reading all keys. All
// methods are safe for concurrent use.
//
// Make one with [New]. Any number of stores, in one process or in many, may
// work on one server or cluster with one prefix.
type Store struct {
	config
	conn   Conn
	recent recent
}

// New returns a store that uses conn, which an adapter makes of a client:
//
//	redisstore.New(goredis.New(client))
//
// It sends nothing yet. The client belongs to the program, which closes it when
// it is done.
//
// New panics if conn or an option is nil.
func New(conn Conn, opts ...Option) *Store {
	if conn == nil {
		panic("redisstore: New(nil): the connection is missing; make one with goredis.New(client) or rueidis.New(client)")
	}
	s := &Store{conn: conn, config: config{prefix: "sesame:", now: time.Now}}
	for _, opt := range opts {
		if opt == nil {
			panic("redisstore: New: an option is nil; leave it out")
		}
		opt.apply(&s.config)
	}
	return s
}

// Ping implements [store.Pinger]. In a cluster it asks one of the nodes.
func (s *Store) Ping(ctx context.Context) error {
	_, _, err := s.run(ctx, ping, s.key(store.Key{}), nonce())
	return failed(ctx, "ping", err)
}
