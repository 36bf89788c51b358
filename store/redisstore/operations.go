package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sesame-go/sesame/store"
)

// Load implements [store.Store]. For a session that expired less than a minute
// ago it returns [store.ErrExpired].
func (s *Store) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, failed(ctx, "load", err)
	}
	value, found, err := s.conn.Get(ctx, s.key(k))
	if err != nil {
		return store.Record{}, failed(ctx, "load", wrongType(err))
	}
	if !found {
		return store.Record{}, store.ErrNotFound
	}
	r, err := decode(k, value, s.now())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Record{}, failed(ctx, "load", err)
	}
	return r, err
}

// Save implements [store.Store]. It takes one round trip, or two if it gives
// the session an owner: when it creates the session, and at log-in, that is
// with Durable. Rarely, as the package comment says, it takes three.
//
// A save with Durable is as durable as any other save, and as a deletion.
func (s *Store) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if len(r.Owner) > store.MaxOwner {
		return 0, fmt.Errorf("redisstore: save: the owner has %d bytes, more than %d", len(r.Owner), store.MaxOwner)
	}
	expires := millis(r.Expires)
	listed := s.recent.until(k, r.Owner)
	if listed < expires {
		listed = 0
	}
	enlist := listed == 0 && r.Owner != "" && (r.Version == 0 || r.Durable)
	for {
		if enlist {
			listed = expires + reserve
			if err := s.enlist(ctx, r.Owner, k, listed); err != nil {
				return 0, failed(ctx, "save", err)
			}
			s.recent.add(k, r.Owner, listed)
		}
		version, now := newVersion(), s.now().UnixMilli()
		args := []string{eight(version), eight(r.Version),
			encode(k, r, version, expires, listed), decimal(now), decimal(life(expires, now))}
		if r.Durable {
			args = append(args, s.channel())
		}
		status, _, err := s.run(ctx, save, s.key(k), args...)
		switch {
		case err != nil:
			return 0, failed(ctx, "save", err)
		case status == done:
			return version, nil
		case status == unlisted && listed == 0:
			enlist = true
		case status == refused:
			return 0, store.ErrConflict
		default:
			return 0, failed(ctx, "save", errOutOfStep)
		}
	}
}

// Touch implements [store.Store]. It leaves the version unchanged. It takes one
// round trip, and rarely three for a session with an owner.
func (s *Store) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	until, owner, listed := millis(expires), "", int64(0)
	for {
		now := s.now().UnixMilli()
		status, rest, err := s.run(ctx, touch, s.key(k), nonce(),
			eight(uint64(until))+eight(uint64(listed)), decimal(now), decimal(life(until, now)), owner)
		switch {
		case err != nil:
			return failed(ctx, "touch", err)
		case status != unlisted:
			return nil
		}
		owner, listed = rest, until+reserve // if the owner changes before the next attempt there is one more
		if err := s.enlist(ctx, owner, k, listed); err != nil {
			return failed(ctx, "touch", err)
		}
	}
}

// Delete implements [store.Store]. The entry in the owner's index is left to
// expire.
func (s *Store) Delete(ctx context.Context, k store.Key) error {
	_, _, err := s.run(ctx, remove, s.key(k), nonce(), s.channel())
	return failed(ctx, "delete", err)
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
