// Package redisstore keeps sessions in Redis 6.2 or later, in Valkey, or in a
// cluster of either, with or without sentinels, through the client that the
// program brings:
//
//	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"}) // go-redis
//	…
//	sessions := sesame.New[Session](sesame.WithStore(redisstore.New(goredis.New(client))))
//
// The modules redisstore/goredis and redisstore/rueidis adapt github.com/redis/go-redis
// and github.com/redis/rueidis; for another client, implement [Conn].
//
// # Round trips
//
// A load, save, touch or delete takes one. The session of somebody, that is
// one with an owner, takes two to be created, and once an hour two more for a
// save or touch, because the owner's index has to know it first.
//
// # Time
//
// Whether a session has expired is judged by the clock of the program, never by
// that of the server, which only drops what is long past. The clocks of the
// programs that share a server must not differ by more than a minute; by as
// much as they differ, one finds a session expired earlier than another does.
//
// # Promises
//
// Each operation is linearizable, for all processes, as long as one server is
// the primary. What Redis acknowledges it has in memory: what is left of it
// after a crash is up to appendfsync, and what the other server has when one
// takes over is up to replication, which is asynchronous. So after a failover
// the last second or so may be undone, and with it a log-out; min-replicas-to-write
// and min-replicas-max-lag bound that time. Set maxmemory-policy to
// noeviction: a server that evicts logs people out, and forgets whose sessions
// are whose.
//
// # Errors
//
// A call that fails because the server did, or whose context ends while the
// server is at work, may have had its effect or not. One whose context ends
// before that has none. No failure is taken for a missing session. A reply
// that belongs to another command, from a connection that is out of step, is
// an error too, and never another's session.
package redisstore

import (
	"context"
	"time"

	"github.com/sesame-go/sesame/store"
)

// A Store keeps sessions in Redis. It implements [store.Store],
// [store.Lister], [store.OwnerIndex] and [store.Pinger]. It is no
// [store.Rotator], because two sessions may be on two nodes: the manager
// renews in steps. There is nothing to sweep and nothing to close. All methods
// are safe for concurrent use.
//
// Make one with [New]. Any number of stores, in one process or in many, may
// work on one server or cluster with one prefix.
type Store struct {
	conn   Conn
	prefix string
	now    func() time.Time
}

// New returns a store that uses conn, which adapters make of a client:
//
//	redisstore.New(goredis.New(client))
//
// It sends nothing yet. The client remains the program's, which closes it when
// it is done.
//
// New panics if conn is nil.
func New(conn Conn, opts ...Option) *Store {
	if conn == nil {
		panic("redisstore: New(nil): the connection is missing; make one with goredis.New(client) or rueidis.New(client)")
	}
	s := &Store{conn: conn, prefix: "sesame:", now: time.Now}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// Ping implements [store.Pinger]. In a cluster it asks one of the nodes.
func (s *Store) Ping(ctx context.Context) error {
	_, _, err := s.run(ctx, ping, s.key(store.Key{}), nonce())
	return failed(ctx, "ping", err)
}
