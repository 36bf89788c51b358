package redisstore

import (
	"context"
	"errors"
	"iter"

	"github.com/sesame-go/sesame/store"
)

// The index of an owner is a sorted set of the keys of sessions. The score of
// a key is the time until which it stays in the set at least, and the record
// of the session repeats that time, or an earlier one, as its listed. What
// holds at every moment is
//
//	a live record of an owner that expires at e is in the index of that owner,
//	with a score of e or later,
//
// because
//
//   - a record gets an owner, or an expiry later than its listed, only after
//     enlist has set a score of at least that; where the script that writes
//     the record finds that this was not done, it writes nothing and says so.
//     To die between the two leaves an entry without a record, which the
//     contract allows, never the reverse;
//   - scores only grow (ZADD GT), so none of several writers can take back
//     what another has relied upon;
//   - nobody removes an entry because the record was not there a moment ago:
//     it may be about to be created. An entry goes when its score is past, by
//     more than clocks may differ, and the whole set when its TTL is over,
//     which is never less than the greatest score.
//
// So the index heals by time alone: each enlist drops up to a hundred entries
// that are past, more than it can add.

// reserve is how much longer than the session lives now, in milliseconds, the
// index is told to keep it: so that not every touch has to tell it anew.
const reserve = 60 * 60 * 1000

// enlist enters a session into the index of its owner.
func (s *Store) enlist(ctx context.Context, owner string, k store.Key, until int64) error {
	now := s.now().UnixMilli()
	_, _, err := s.run(ctx, enlist, s.ownerKey(owner), nonce(), string(k[:]),
		decimal(until), decimal(life(until, now)), decimal(now-slack))
	return err
}

// Owned implements [store.OwnerIndex]. It yields a key once. Among them are
// those of sessions that have been deleted, until an hour after they would
// have expired.
func (s *Store) Owned(ctx context.Context, owner string) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		for k, err := range s.owned(ctx, owner) {
			if !yield(k, failed(ctx, "list owned", err)) {
				return
			}
		}
	}
}

func (s *Store) owned(ctx context.Context, owner string) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		seen := make(map[store.Key]bool)
		// As scores only grow, an entry that moves during the walk is met
		// again, and none is missed, even if another server takes over. Since
		// many entries may have one score, a page begins with the last one's.
		from, limit := s.now().UnixMilli()-slack, ownedPage
		for owner != "" {
			entries, err := s.entries(ctx, owner, from, limit)
			if err != nil {
				yield(store.Key{}, err)
				return
			}
			before := from
			for _, e := range entries {
				from = e.score
				if seen[e.key] {
					continue
				}
				seen[e.key] = true
				if !yield(e.key, nil) {
					return
				}
			}
			switch {
			case len(entries) < limit:
				return
			case from == before:
				limit *= 2
			default:
				limit = ownedPage
			}
		}
	}
}

// ownedPage is how many entries of an index Owned asks for at once.
const ownedPage = 500

// An entry is what an index has of a session.
type entry struct {
	score int64
	key   store.Key
}

// entries returns up to limit entries that have a score of from or more, in
// the order of their scores.
func (s *Store) entries(ctx context.Context, owner string, from int64, limit int) ([]entry, error) {
	_, rest, err := s.run(ctx, page, s.ownerKey(owner), nonce(), decimal(from), decimal(int64(limit)))
	if err != nil {
		return nil, err
	}
	const size = 8 + len(store.Key{})
	if len(rest)%size != 0 {
		return nil, errors.New("the index of the owner holds what is no session's key")
	}
	all := make([]entry, len(rest)/size)
	for i := range all {
		all[i].score = int64(number(rest))
		copy(all[i].key[:], rest[8:size])
		rest = rest[size:]
	}
	return all, nil
}
