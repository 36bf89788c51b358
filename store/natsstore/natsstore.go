// Package natsstore keeps sessions in a key-value bucket of NATS JetStream,
// server 2.11 or later:
//
//	nc, err := nats.Connect("nats://localhost:4222", nats.MaxReconnects(-1))
//	…
//	js, err := jetstream.New(nc)
//	…
//	s, err := natsstore.Open(ctx, js, natsstore.WithReplicas(3))
//	…
//	sessions := sesame.New[Session](sesame.WithStore(s))
//
// The connection is the program's: it makes it, may use it for other things
// and closes it. Any number of programs may share a bucket.
//
// # Promises
//
// Each operation is linearizable, for all programs on the bucket: writes are
// ordered by the leader of the bucket's stream, and reads are answered by it
// too, never by another replica (the bucket has direct gets off). There is one
// exception. A leader that the network has cut off from the other replicas
// does not know so at once. For up to 20 seconds it still answers the loads of
// those clients that are on its side, and a session that was logged out on the
// other side is still there for them. It accepts no write. With one replica
// this cannot happen.
//
// A server that stops or crashes loses nothing that was acknowledged, as long
// as the machine stays up and the bucket is in files. When a machine loses
// power, what is not on the disk is lost: NATS acknowledges a write once the
// operating system has it, and syncs every two minutes. With one replica the
// saves of two minutes may be gone, and sessions that had logged out be back.
// The server's setting
//
//	jetstream { store_dir: …, sync_interval: always }
//
// syncs before it acknowledges, at about a twentieth of the writes. With three
// replicas on machines that do not lose power together a write is on two of
// them before it is acknowledged, and one may fail. Even so, tests of NATS
// 2.12.1 by Jepsen lost acknowledged writes when power failures came together
// with changes of a stream's replicas, and with damaged files (nats-server
// issues 7545 and 7564). Where a log-out must be final whatever happens, take
// a store in a database.
//
// # Errors
//
// A call whose context ends, or whose connection breaks, while it waits for
// the server may have had its effect, or may have it yet: while a connection is
// being restored the client keeps what is to be sent. A save that comes late is
// still a compare-and-swap and overwrites nothing that is newer. Such a call is
// never repeated by the store, since it could then take its own effect for
// another's and report a conflict. What the server has refused is repeated, if
// the reason may pass.
//
// A context without a deadline gets that of the [jetstream.JetStream], five
// seconds by default, for each round trip.
//
// # Time
//
// Whether a session has expired is judged by the clock of the program when a
// call begins to talk to the server. Programs on one bucket should have clocks
// in step, to ten seconds at least: the server drops a session that long after
// its expiry, by a TTL that is relative and so independent of the server's own
// clock.
package natsstore

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/sesame-go/sesame/store"
)

// A Store keeps sessions in a bucket. It implements [store.Store],
// [store.Lister], [store.OwnerIndex] and [store.Pinger]. It is no
// [store.Rotator], so that a renewal takes three steps of the manager; nor a
// [store.Sweeper], since the server drops what has expired; nor an
// [io.Closer], since the connection is the program's. All methods are safe for
// concurrent use.
//
// Get one from [Open].
type Store struct {
	js       jetstream.JetStream
	stream   jetstream.Stream // for gets. Its Info is never called: that would make it follow a change to direct gets
	index    jetstream.Stream // for Info
	name     string           // of the stream
	bucket   string
	sessions string // what the subjects of sessions begin with
	owners   string // what the subjects of the index begin with
	clock    func() time.Time
	facts    facts
}

// Open returns a store in a key-value bucket, which it makes if there is none.
// A bucket that exists must fit: Open checks its configuration, and the
// version of the server, and returns an error that says what is wrong and how
// to mend it. It does not change it.
//
// Open may be called at every start of every program. If the server cannot be
// reached it returns an error. The store it returned lives as long as the
// connection; when that is restored after a loss, the store goes on.
//
// Open panics if js is nil.
func Open(ctx context.Context, js jetstream.JetStream, opts ...Option) (*Store, error) {
	if js == nil {
		panic("natsstore: Open(ctx, nil, …): the connection is missing; make one with nats.Connect and jetstream.New")
	}
	c := newConfig(opts)
	s := &Store{
		js:       js,
		name:     c.stream(),
		bucket:   c.bucket,
		sessions: "$KV." + c.bucket + ".s.",
		owners:   "$KV." + c.bucket + ".o.",
		clock:    c.clock,
	}
	err := ctx.Err()
	if err == nil {
		err = checkServer(js.Conn().ConnectedServerVersion())
		if err != nil {
			return nil, err
		}
		s.index, err = c.obtain(ctx, js)
	}
	if err == nil {
		s.stream, err = js.Stream(ctx, s.name)
	}
	if err != nil {
		return nil, s.failed(ctx, "open", err)
	}
	if err := c.check(s.stream.CachedInfo().Config); err != nil {
		return nil, err
	}
	return s, nil
}

// Ping implements [store.Pinger]. It asks the bucket for a session.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := s.last(ctx, s.subject(store.Key{})); err != nil {
		return s.failed(ctx, "ping", err)
	}
	return nil
}

// subject returns where the session of k is.
func (s *Store) subject(k store.Key) string { return s.sessions + k.String() }

func (s *Store) now() int64 { return s.clock().UnixMilli() }

// look returns what the bucket has for k.
func (s *Store) look(ctx context.Context, k store.Key) (state, error) {
	m, err := s.last(ctx, s.subject(k))
	if err != nil {
		return state{}, err
	}
	st, err := read(m, s.now())
	if err == nil && st.live {
		s.facts.learn(fact{key: k, version: st.seq, expires: st.expires, indexed: st.indexed, owner: st.record.Owner})
	}
	return st, err
}

// Load implements [store.Store], in one round trip. It returns
// [store.ErrExpired] for a session that has expired and is still there.
func (s *Store) Load(ctx context.Context, k store.Key) (store.Record, error) {
	st, err := s.look(ctx, k)
	switch {
	case err != nil:
		return store.Record{}, s.failed(ctx, "load", err)
	case st.live:
		return st.record, nil
	case st.record.Version != 0:
		return store.Record{}, fmt.Errorf("natsstore: load: %w", store.ErrExpired)
	}
	return store.Record{}, fmt.Errorf("natsstore: load: %w", store.ErrNotFound)
}
