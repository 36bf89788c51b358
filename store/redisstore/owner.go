package redisstore

import (
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"slices"

	"github.com/sesame-go/sesame/store"
)

// The index of an owner is a sorted set of session keys. A key's score is the
// time until which it stays in the set at least, and the session's record
// repeats that time, or an earlier one, as its listed. At every moment
//
//	a live record of an owner that expires at e is in the index of that owner,
//	with a score of e or later,
//
// because
//
//   - a record gets an owner, or an expiry later than its listed, only after
//     enlist has set a score of at least that. A script that would write such a
//     record before that writes nothing and says so. If the program dies between
//     the two steps the index has an entry without a record, never the reverse;
//   - scores only grow (ZADD GT), so one writer cannot take back what another
//     relies on;
//   - an entry is never removed because its record is missing, since the record
//     may be about to be created. It goes when its score has passed for every
//     clock and the server has dropped the record, and the whole set goes with
//     its TTL, which is never less than the greatest score.
//
// So the index heals by time alone: each enlist drops up to a hundred entries
// that have passed, more than it can add.

// reserve is how much longer than the session lives now, in milliseconds, the
// index is told to keep an entry, so that most touches need not tell it again.
const reserve = 60 * 60 * 1000

// enlist enters a session into the index of its owner.
func (s *Store) enlist(ctx context.Context, owner string, k store.Key, until int64) error {
	now := s.now().UnixMilli()
	_, _, err := s.run(ctx, enlist, s.ownerKey(owner), nonce(), string(k[:]),
		decimal(until), decimal(life(until, now)), decimal(now-2*slack))
	return err
}

// Owned implements [store.OwnerIndex]. It takes two round trips for each page
// of 128 sessions, and yields each session once.
func (s *Store) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		for keys, err := range s.pages(ctx, owner) {
			var entries []store.Entry
			if err == nil {
				entries, err = s.readEach(ctx, keys)
			}
			for _, e := range entries {
				if e.Owner == owner && !yield(e, nil) {
					return
				}
			}
			if err != nil {
				yield(store.Entry{}, failed(ctx, "list owned", err))
				return
			}
		}
	}
}

// DeleteOwned implements [store.OwnerIndex]. It takes two round trips for each
// page of 128 sessions.
//
// One walk finds all sessions that the owner has when it begins. Each is in the
// index, as its key never changes, and stays there. It is deleted by one step on
// the server, together with what was saved until then, and a later save of it is
// a conflict.
func (s *Store) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	n := 0
	for keys, err := range s.pages(ctx, owner) {
		if err == nil {
			keys = slices.DeleteFunc(keys, func(k store.Key) bool { return slices.Contains(keep, k) })
			var removed int
			removed, err = s.removeEach(ctx, owner, keys)
			n += removed
		}
		if err != nil {
			return n, failed(ctx, "delete owned", err)
		}
	}
	return n, nil
}

// removeEach deletes those of some sessions that are the owner's. It returns how
// many of them were live, also with an error.
func (s *Store) removeEach(ctx context.Context, owner string, keys []store.Key) (n int, err error) {
	if len(keys) == 0 {
		return 0, nil
	}
	now := decimal(s.now().UnixMilli())
	calls := make([]Call, len(keys))
	for i, k := range keys {
		calls[i] = Call{Key: s.key(k), Args: []string{nonce(), owner, now, s.channel()}}
	}
	for i, reply := range s.send(ctx, removeOwned, calls) {
		status, _, failure := judge(calls[i], reply)
		switch {
		case errors.Is(failure, store.ErrCorrupt): // no session, so not the owner's
		case failure != nil:
			err = failure
		case status == done:
			n++
		}
	}
	return n, err
}

// pages yields the keys in an owner's index, each once. They belong to the
// caller.
func (s *Store) pages(ctx context.Context, owner string) iter.Seq2[[]store.Key, error] {
	return func(yield func([]store.Key, error) bool) {
		seen := make(map[store.Key]bool)
		// Scores only grow, so an entry that moves during the walk is met again
		// and none is missed. Many entries may have one score, so each page
		// begins with the last score of the one before.
		from, limit := int64(0), pageSize
		for owner != "" {
			entries, err := s.entries(ctx, owner, from, limit)
			if err != nil {
				yield(nil, err)
				return
			}
			before := from
			keys := make([]store.Key, 0, len(entries))
			for _, e := range entries {
				from = e.score
				if e.valid && !seen[e.key] {
					seen[e.key] = true
					keys = append(keys, e.key)
				}
			}
			for part := range slices.Chunk(keys, pageSize) {
				if !yield(part, nil) {
					return
				}
			}
			switch {
			case len(entries) < limit:
				return
			case from == before:
				limit *= 2
			default:
				limit = pageSize
			}
		}
	}
}

// entry is what an index has of a session.
type entry struct {
	score int64
	key   store.Key
	valid bool // it is a session's key
}

// entries returns up to limit entries with a score of from or more, in the
// order of their scores.
func (s *Store) entries(ctx context.Context, owner string, from int64, limit int) ([]entry, error) {
	_, rest, err := s.run(ctx, page, s.ownerKey(owner), nonce(), decimal(from), decimal(int64(limit)))
	if err != nil {
		return nil, err
	}
	var all []entry
	for rest != "" {
		e, size := entry{score: int64(number(rest))}, int(binary.BigEndian.Uint32([]byte(rest[8:12])))
		if e.valid = size == len(e.key); e.valid {
			copy(e.key[:], rest[12:])
		}
		all = append(all, e)
		rest = rest[12+size:]
	}
	return all, nil
}
