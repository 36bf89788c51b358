package natsstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sesame-go/sesame/store"
)

// The index has an entry for each session that has or had an owner: a subject
// o.<owner>.<key>, whose value is until when it holds. An entry is written
// before the session and outlives it, so that no session is ever missing;
// whether a session is still the owner's is what the session itself says.
// Nothing removes an entry before its time, since a save may be under way that
// relies on it.
const (
	// ahead is how much longer than the session, in milliseconds, a new entry
	// holds: so long a session may be extended before it needs another.
	ahead = 6 * 3600 * 1000

	// margin is how much longer than the session an entry must hold, for
	// programs whose clocks differ.
	margin = 3600 * 1000
)

// indexed makes sure that the index has r, which is about to replace another
// version of the session. It returns until when the index has it. That may be
// known without a round trip, and then a log-in that has lost against other
// saves is as fast as they are when it tries again.
func (s *Store) indexed(ctx context.Context, k store.Key, r store.Record) (int64, error) {
	if until := s.entries.get(entry{k, r.Owner}); until >= millis(r.Expires)+margin {
		return until, nil
	}
	return s.enter(ctx, k, r)
}

// enter writes the entry of r, which is about to be saved. It returns until
// when the entry holds.
func (s *Store) enter(ctx context.Context, k store.Key, r store.Record) (int64, error) {
	if r.Owner == "" {
		return 0, nil
	}
	until := millis(r.Expires) + ahead
	subject := s.tree(r.Owner) + k.String()
	var last uint64
	for range attempts {
		m := &nats.Msg{Subject: subject, Data: binary.BigEndian.AppendUint64(nil, uint64(until))}
		_, err := s.publish(ctx, m, ttl(until-s.now()), last)
		if err == nil {
			s.entries.add(entry{k, strings.Clone(r.Owner)}, until)
		}
		if !errors.Is(err, errStale) {
			return until, err
		}
		// There is an entry. It must not get a shorter life.
		old, err := s.last(ctx, subject)
		if err != nil {
			return 0, err
		}
		last = 0
		if old != nil {
			last = old.Sequence
			if !isMarker(old.Header) && len(old.Data) == 8 {
				until = max(until, int64(binary.BigEndian.Uint64(old.Data)))
			}
		}
	}
	return 0, errBusy
}

// page is how many sessions are asked for at a time.
const page = 64

// Owned implements [store.OwnerIndex]. It reads the index in one round trip for
// each 100,000 entries, and the sessions 64 at a time. The index has entries
// of sessions that are gone, until some hours after they would have expired.
// Sessions that cannot be read are left out, and [store.ErrCorrupt] is yielded
// last if there were any.
func (s *Store) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		keys, err := s.listed(ctx, owner)
		damaged := 0
		for keys := range slices.Chunk(keys, page) {
			var states [page]state
			var errs [page]error
			each(len(keys), func(i int) { states[i], errs[i] = s.look(ctx, keys[i]) })
			for i, st := range states[:len(keys)] {
				switch {
				case errors.Is(errs[i], store.ErrCorrupt):
					damaged++
				case errs[i] != nil:
					yield(store.Entry{}, s.failed(ctx, "list owned", errs[i]))
					return
				case !st.live || st.record.Owner != owner:
				case !yield(store.Entry{Key: keys[i], Record: st.record}, nil):
					return
				}
			}
		}
		if damaged > 0 {
			err = fmt.Errorf("%d messages: %w", damaged, store.ErrCorrupt)
		}
		if err != nil {
			yield(store.Entry{}, s.failed(ctx, "list owned", err))
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
