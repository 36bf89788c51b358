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
// those clients that are on its side, and a session that was logged out or
// renewed on the other side is still there for them as it was. It accepts no
// write. With one replica this cannot happen.
//
// A server that stops or crashes loses nothing that was acknowledged, as long
// as the machine stays up and the bucket is in files. When a machine loses
// power, what is not on the disk is lost: NATS acknowledges a write once the
// operating system has it, and syncs every two minutes. With one replica the
// saves of two minutes may be gone, sessions that had logged out be back, and
// tokens that a renewal had replaced work again: a save with Record.Durable is
// as safe as a deletion, and both are as safe as any other save. The server's
// setting
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
// A renewal or a revocation that loses its compare-and-swap against other saves
// asks the stores on the bucket, by a message on the subject
// sesame.<bucket>.hold, to hold their saves of that session back for a tenth of
// a second. A client without permission to use the subject works, but may then
// outrun the others, or be outrun, with endless saves of one session.
//
// A store need not be opened again. When the connection is restored it goes
// on, and when it finds its bucket gone, removed by an administrator or lost
// with the memory of a server, it makes the bucket again as it was, without
// sessions; the call that found out returns an error. The exception is a
// client that the server does not allow to create streams: its calls return
// errors until another program has made the bucket. To restore a bucket from a
// backup stop the programs first.
//
// # Time
//
// Whether a session has expired is judged by the clock of the program when a
// call begins to talk to the server. The server drops a session an hour after
// its expiry, by a TTL that is relative and so independent of the server's own
// clock. Programs whose clocks differ by less than an hour disagree on when a
// session ends by as much as their clocks do, and on nothing else.
package natsstore

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/sesame-go/sesame/store"
)

// A Store keeps sessions in a bucket. It implements [store.Store],
// [store.Lister], [store.OwnerIndex], [store.Watcher] and [store.Pinger]. It is
// no [store.Sweeper], since the server drops what has expired; no
// [store.Counter], since the server does not know what has expired in the last
// hour; and no [io.Closer], since the connection is the program's. All methods
// are safe for concurrent use.
//
// Get one from [Open].
type Store struct {
	config
	js       jetstream.JetStream
	layout   jetstream.StreamConfig // of the bucket when it was opened
	stream   jetstream.Stream       // for gets. Its Info is never called: that would make it follow a change to direct gets
	index    jetstream.Stream       // for Info
	expiries recent[revision]       // when a session expires
	entries  recent[entry]          // until when the index has a session
	holds    recent[hold]           // until when saves of a session are held back
}

// Open returns a store in a key-value bucket, which it makes if there is none.
// A bucket that exists must fit: Open checks its configuration, and the
// version of the server, and returns an error that says what is wrong and how
// to mend it. It does not change it.
//
// Open may be called at every start of every program. If the server cannot be
// reached it returns an error. The store it returned lives as long as the
// connection.
//
// Open panics if js is nil.
func Open(ctx context.Context, js jetstream.JetStream, opts ...Option) (*Store, error) {
	if js == nil {
		panic("natsstore: Open(ctx, nil, …): the connection is missing; make one with nats.Connect and jetstream.New")
	}
	s := &Store{config: newConfig(opts), js: js}
	s.layout = s.newLayout()
	if err := checkServer(js.Conn().ConnectedServerVersion()); err != nil {
		return nil, err
	}
	var err error
	if s.index, err = s.obtain(ctx, js, s.layout); err != nil {
		return nil, s.failed(ctx, "open", err)
	}
	if s.stream, err = js.Stream(ctx, s.streamName()); err != nil {
		return nil, s.failed(ctx, "open", err)
	}
	s.layout = s.stream.CachedInfo().Config
	if err := s.listen(); err != nil {
		return nil, s.failed(ctx, "open", err)
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

func (s *Store) now() int64 { return s.clock().UnixMilli() }

// look returns what the bucket has for k.
func (s *Store) look(ctx context.Context, k store.Key) (state, error) {
	m, err := s.last(ctx, s.subject(k))
	if err != nil {
		return state{}, err
	}
	st, err := read(m, s.now())
	if err == nil && st.live {
		s.expiries.add(revision{k, st.seq}, st.expires)
		if st.record.Owner != "" {
			s.entries.add(entry{k, st.record.Owner}, st.indexed)
		}
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
