package natsstore

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"iter"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sesame-go/sesame/store"
)

// The index has an entry for each session that has or had an owner: an empty
// subject tree o.<owner>.<key>. It is written before the session and outlives
// it, so that no live session is ever missing; whether a session is still the
// owner's is what the session itself says. Nothing removes an entry before its
// time, since a save may be under way that relies on it.
const (
	// ahead is how much longer than the session, in milliseconds, an entry
	// lives that is written now: so long a session may be extended before its
	// entry has to be written anew.
	ahead = 6 * 3600 * 1000

	// margin is how much longer than the session an entry must live, for
	// programs whose clocks differ.
	margin = 3600 * 1000
)

// enter sees to it that the index has r, which is about to be saved. before is
// what is known of the session in its place. It returns until when the index
// has it.
func (s *Store) enter(ctx context.Context, k store.Key, r store.Record, before fact) (int64, error) {
	expires := millis(r.Expires)
	switch {
	case r.Owner == "" || expires <= s.now():
		return 0, nil
	case before.owner == r.Owner && before.indexed >= expires+margin:
		return before.indexed, nil
	}
	until := expires + ahead
	var last uint64
	for range attempts {
		m := &nats.Msg{Subject: s.entry(r.Owner, k), Data: binary.BigEndian.AppendUint64(nil, uint64(until))}
		_, err := s.publish(ctx, m, ttl(until-s.now()), last)
		if !errors.Is(err, errStale) {
			return until, err
		}
		// Somebody has entered the session already. His entry must not become
		// a shorter one.
		old, err := s.last(ctx, m.Subject)
		if err != nil {
			return 0, err
		}
		last = 0
		if old != nil {
			last = old.Sequence
			if !isMarker(old.Header) && len(old.Data) == 8 {
				until = max(until, int64(min(binary.BigEndian.Uint64(old.Data), latest+ahead)))
			}
		}
	}
	return 0, errBusy
}

// entry returns the subject of the index for a session.
func (s *Store) entry(owner string, k store.Key) string { return s.tree(owner) + k.String() }

// tree returns what the subjects of an owner begin with.
func (s *Store) tree(owner string) string { return s.owners + hex.EncodeToString([]byte(owner)) + "." }

// Owned implements [store.OwnerIndex]. It reads the keys in one round trip for
// each 100,000 and yields all that the index has: those of sessions that are
// gone too, until some hours after they would have expired.
func (s *Store) Owned(ctx context.Context, owner string) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		keys, err := s.listed(ctx, owner)
		if err != nil {
			yield(store.Key{}, s.failed(ctx, "list owned", err))
			return
		}
		for _, k := range keys {
			if !yield(k, nil) {
				return
			}
		}
	}
}

// listed returns the keys that the index has for an owner.
func (s *Store) listed(ctx context.Context, owner string) ([]store.Key, error) {
	if err := ctx.Err(); err != nil || owner == "" {
		return nil, err
	}
	info, err := s.info(ctx, jetstream.WithSubjectFilter(s.tree(owner)+"*"))
	if err != nil {
		return nil, err
	}
	keys := make([]store.Key, 0, len(info.State.Subjects))
	for subject := range info.State.Subjects {
		k, err := store.ParseKey(strings.TrimPrefix(subject, s.tree(owner)))
		if err == nil { // what others put there is not ours
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// info asks the leader about the stream.
func (s *Store) info(ctx context.Context, opts ...jetstream.StreamInfoOpt) (*jetstream.StreamInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	info, err := s.index.Info(ctx, opts...)
	if err == nil && info.Cluster != nil && info.Cluster.Name != "" && info.Cluster.Leader == "" {
		// Without a leader any replica answers, with what it happens to know.
		return nil, errors.New("the bucket has no leader at the moment")
	}
	return info, err
}
