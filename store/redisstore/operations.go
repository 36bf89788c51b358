package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sesame-go/sesame/store"
)

// Load implements [store.Store]. For a session that has expired less than a
// minute ago it returns [store.ErrExpired].
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

// Save implements [store.Store]. It takes one round trip, or two when it
// creates a session of somebody; rarely, as the package comment has it, three.
func (s *Store) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if len(r.Owner) > store.MaxOwner {
		return 0, fmt.Errorf("redisstore: save: the owner has %d bytes, more than %d", len(r.Owner), store.MaxOwner)
	}
	expires, listed := millis(r.Expires), int64(0)
	enlist := r.Version == 0 && r.Owner != ""
	for {
		if enlist {
			listed = expires + reserve
			if err := s.enlist(ctx, r.Owner, k, listed); err != nil {
				return 0, failed(ctx, "save", err)
			}
		}
		version, now := newVersion(), s.now().UnixMilli()
		status, _, err := s.run(ctx, save, s.key(k), eight(version), eight(r.Version),
			encode(k, r, version, expires, listed), decimal(now), decimal(life(expires, now)))
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

// Touch implements [store.Store]. It leaves the version as it is, and takes
// one round trip, but rarely three for a session of somebody.
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
		// The owner may change before the next attempt, but not for ever.
		owner, listed = rest, until+reserve
		if err := s.enlist(ctx, owner, k, listed); err != nil {
			return failed(ctx, "touch", err)
		}
	}
}

// Delete implements [store.Store]. What the owner's index says of the session
// is left to expire.
func (s *Store) Delete(ctx context.Context, k store.Key) error {
	_, _, err := s.run(ctx, remove, s.key(k), nonce())
	return failed(ctx, "delete", err)
}

// What a script can say of its work.
const (
	done     = '+'
	refused  = '-' // it found that nothing was to be done
	unlisted = '?' // the owner's index must know of the record first
)

// run has the server run a script. args[0] is what the reply repeats.
func (s *Store) run(ctx context.Context, script *Script, key string, args ...string) (status byte, rest string, err error) {
	if err := ctx.Err(); err != nil {
		return 0, "", err
	}
	reply, err := s.conn.Run(ctx, script, key, args...)
	if err != nil {
		return 0, "", wrongType(err)
	}
	if n := len(args[0]); len(reply) > n && reply[1:1+n] == args[0] {
		switch reply[0] {
		case done, refused, unlisted:
			return reply[0], reply[1+n:], nil
		}
	}
	return 0, "", errOutOfStep
}

// failed returns the error of an operation, if there is one: that of the
// context if it is the cause.
func failed(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if cause := ctx.Err(); cause != nil {
		err = cause
	}
	return fmt.Errorf("redisstore: %s: %w", what, err)
}

// wrongType returns err, and as [store.ErrCorrupt] if the key holds a list, a
// hash or the like. A script has the server's word in the midst of its own.
func wrongType(err error) error {
	if strings.Contains(err.Error(), "WRONGTYPE") {
		return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	return err
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
