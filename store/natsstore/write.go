package natsstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sesame-go/sesame/store"
)

// Save implements [store.Store]. The version is the sequence of the message.
//
// It takes one round trip, two for a session that gets an owner, another one
// every few hours for a session with an owner that goes on, and another one if
// the session was not among the last few thousand that this store has loaded
// or saved. A bucket with a limit that is reached returns [store.ErrFull].
func (s *Store) Save(ctx context.Context, k store.Key, r store.Record) (version uint64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, s.failed(ctx, "save", err)
	}
	if len(r.Owner) > store.MaxOwner {
		return 0, fmt.Errorf("natsstore: save: the owner has %d bytes; at most %d are allowed", len(r.Owner), store.MaxOwner)
	}
	if r.Version == 0 {
		version, err = s.create(ctx, k, r)
	} else {
		version, err = s.replace(ctx, k, r)
	}
	switch {
	case err == nil:
		return version, nil
	case errors.Is(err, store.ErrConflict):
		return 0, fmt.Errorf("natsstore: save: %w", err)
	case isFull(err):
		return 0, fmt.Errorf("natsstore: save: %w: %w", store.ErrFull, err)
	}
	return 0, s.failed(ctx, "save", err)
}

// create saves a session where there is none. What has expired counts as
// none, and so does the mark of a deletion.
func (s *Store) create(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	indexed, err := s.enter(ctx, k, r, fact{})
	if err != nil {
		return 0, err
	}
	var last uint64
	for range attempts {
		seq, err := s.put(ctx, k, r, indexed, last)
		if !errors.Is(err, errStale) {
			return seq, err
		}
		st, err := s.look(ctx, k)
		if st.live || errors.Is(err, store.ErrCorrupt) {
			return 0, store.ErrConflict
		}
		if err != nil {
			return 0, err
		}
		last = st.seq
	}
	return 0, errBusy
}

// replace saves a session in the place of the one with its version.
func (s *Store) replace(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	known, ok := s.facts.recall(k, r.Version)
	if !ok {
		st, err := s.look(ctx, k)
		if err != nil {
			return 0, err
		}
		if !st.live || st.seq != r.Version {
			return 0, store.ErrConflict
		}
		known = fact{owner: st.record.Owner, expires: st.expires, indexed: st.indexed}
	}
	if s.now() >= known.expires {
		return 0, store.ErrConflict
	}
	indexed, err := s.enter(ctx, k, r, known)
	if err != nil {
		return 0, err
	}
	seq, err := s.put(ctx, k, r, indexed, r.Version)
	if errors.Is(err, errStale) {
		return 0, store.ErrConflict
	}
	return seq, err
}

// put publishes a session in the place of the message with the sequence last.
// Compare-and-swap and TTL are in one message: the Update of NATS's own
// key-value interface has no TTL, so that the session would stay for ever.
func (s *Store) put(ctx context.Context, k store.Key, r store.Record, indexed int64, last uint64) (uint64, error) {
	expires := millis(r.Expires)
	m := &nats.Msg{Subject: s.subject(k), Data: session(r, expires, indexed)}
	seq, err := s.publish(ctx, m, ttl(expires-s.now()), last)
	if err == nil {
		s.facts.learn(fact{key: k, version: seq, expires: expires, indexed: indexed, owner: strings.Clone(r.Owner)})
	}
	return seq, err
}

// Touch implements [store.Store]. It loads the session and saves it with the
// new expiry, since NATS can change nothing in a message, so the version
// changes and the data travels twice: two round trips.
func (s *Store) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	if err := s.extend(ctx, k, expires); err != nil {
		return s.failed(ctx, "touch", err)
	}
	return nil
}

func (s *Store) extend(ctx context.Context, k store.Key, expires time.Time) error {
	for range attempts {
		st, err := s.look(ctx, k)
		if err != nil || !st.live || millis(expires) <= st.expires {
			return err
		}
		r := st.record
		r.Expires = expires
		indexed, err := s.enter(ctx, k, r, fact{owner: r.Owner, indexed: st.indexed})
		if err != nil {
			return err
		}
		if _, err := s.put(ctx, k, r, indexed, st.seq); !errors.Is(err, errStale) {
			return err
		}
	}
	return errBusy
}

// Delete implements [store.Store], in one round trip. It publishes the mark of
// a deletion, which NATS's own tools know too, and which the server drops
// after ten seconds. Purging the subject would not do: a save that is under way
// to the replicas could come after it.
func (s *Store) Delete(ctx context.Context, k store.Key) error {
	if _, err := s.send(ctx, s.mark(k), jetstream.WithMsgTTL(markTTL)); err != nil {
		return s.failed(ctx, "delete", err)
	}
	return nil
}

// markTTL is how long the mark of a deletion stays. A creation that the
// connection has held back for less comes to nothing.
const markTTL = 10 * time.Second

func (s *Store) mark(k store.Key) *nats.Msg {
	return &nats.Msg{Subject: s.subject(k), Header: nats.Header{operation: []string{deleted}}}
}

// isFull reports whether the server refused a message because of a limit of
// the bucket.
func isFull(err error) bool {
	var refusal *jetstream.APIError
	return errors.As(err, &refusal) && refusal.ErrorCode == notStored &&
		(refusal.Description == "maximum bytes exceeded" || refusal.Description == "maximum messages exceeded")
}
