package natsstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sesame-go/sesame/store"
)

// Save implements [store.Store]. The version is the sequence of the message.
// Record.Durable changes nothing: a save is as safe as a deletion, see the
// promises of the package.
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
// none, and so does the mark of a deletion. It enters the session in the index
// whatever the store remembers, which may be of a bucket that was removed.
func (s *Store) create(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	indexed, err := s.enter(ctx, k, r)
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
	expires := s.expiries.get(revision{k, r.Version})
	if expires == 0 {
		st, err := s.look(ctx, k)
		if err != nil {
			return 0, err
		}
		if st.seq != r.Version {
			return 0, store.ErrConflict
		}
		expires = st.expires
	}
	if s.now() >= expires {
		return 0, store.ErrConflict
	}
	indexed, err := s.indexed(ctx, k, r)
	if err != nil {
		return 0, err
	}
	if err := s.yield(ctx, k, r.Durable); err != nil {
		return 0, err
	}
	seq, err := s.put(ctx, k, r, indexed, r.Version)
	if errors.Is(err, errStale) {
		if r.Durable {
			s.ask(k, false)
		}
		return 0, store.ErrConflict
	}
	return seq, err
}

// put publishes a session in the place of the message with the sequence last.
// Compare-and-swap and TTL are in one message: the Update of NATS's own
// key-value interface has no TTL, so that the session would stay for good.
func (s *Store) put(ctx context.Context, k store.Key, r store.Record, indexed int64, last uint64) (uint64, error) {
	expires := millis(r.Expires)
	m := &nats.Msg{Subject: s.subject(k), Data: session(r, expires, indexed)}
	seq, err := s.publish(ctx, m, ttl(expires-s.now()), last)
	if err == nil {
		s.expiries.add(revision{k, seq}, expires)
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
		indexed, err := s.indexed(ctx, k, r)
		if err != nil {
			return err
		}
		if err := s.yield(ctx, k, false); err != nil {
			return err
		}
		if _, err := s.put(ctx, k, r, indexed, st.seq); !errors.Is(err, errStale) {
			return err
		}
	}
	return errBusy
}

// Delete implements [store.Store], in two round trips, and more for a session
// that is being saved at this moment. It publishes the mark of a deletion, which
// NATS's own tools know too. Purging the subject would not do: a save that is
// under way to the replicas could come after it.
func (s *Store) Delete(ctx context.Context, k store.Key) error {
	if _, err := s.remove(ctx, k, func(state, error) bool { return true }); err != nil {
		return s.failed(ctx, "delete", err)
	}
	return nil
}

// remove puts a mark in the place of what is under k, if that is wanted. It
// reports whether it did and there was a live session. A save that comes in
// between makes it look again. What cannot be read is shown with its error.
//
// The mark stays for as long as the message that it replaces would have. When a
// server crashes it may find messages in its file that were replaced long ago,
// and counts the last of a subject. Without the mark that would be the session.
func (s *Store) remove(ctx context.Context, k store.Key, wanted func(state, error) bool) (live bool, err error) {
	for range attempts {
		st, err := s.look(ctx, k)
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			return false, err
		}
		if !wanted(st, err) {
			return false, nil
		}
		_, err = s.publish(ctx, s.mark(k), max(markTTL, st.ttl), st.seq)
		if !errors.Is(err, errStale) {
			return st.live && err == nil, err
		}
		s.ask(k, true)
	}
	return false, errBusy
}

// markTTL is how long the mark of a deletion stays at least. A creation that the
// connection has held back for less comes to nothing, and a watch that had to
// start again within it misses no deletion.
const markTTL = time.Minute

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
