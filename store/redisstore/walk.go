package redisstore

import (
	"context"
	"errors"
	"iter"

	"github.com/sesame-go/sesame/store"
)

// pageSize is how many sessions a walk reads or removes at once.
const pageSize = 128

// All implements [store.Lister]. It walks by SCAN, which may yield a session
// twice if the server resizes its table during the walk. Expired and damaged
// records are left out.
func (s *Store) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(store.Entry{}, failed(ctx, "list", err))
			return
		}
		start := s.prefix + "s:"
		keys := make([]store.Key, 0, pageSize)
		flush := func() bool {
			entries, err := s.readEach(ctx, keys)
			keys = keys[:0]
			for _, e := range entries {
				if !yield(e, nil) {
					return false
				}
			}
			if err != nil {
				yield(store.Entry{}, failed(ctx, "list", err))
			}
			return err == nil
		}
		for name, err := range s.conn.Scan(ctx, start+"*") {
			if err != nil {
				yield(store.Entry{}, failed(ctx, "list", err))
				return
			}
			k, err := store.ParseKey(name[min(len(start), len(name)):])
			if err != nil {
				continue
			}
			if keys = append(keys, k); len(keys) == pageSize && !flush() {
				return
			}
		}
		flush()
	}
}

// readEach returns those of some sessions that are live and undamaged.
func (s *Store) readEach(ctx context.Context, keys []store.Key) ([]store.Entry, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	calls := make([]Call, len(keys))
	for i, k := range keys {
		calls[i] = Call{Key: s.key(k), Args: []string{nonce()}}
	}
	live := make([]store.Entry, 0, len(keys))
	for i, reply := range s.send(ctx, read, calls) {
		status, value, err := judge(calls[i], reply)
		switch {
		case errors.Is(err, store.ErrCorrupt):
			continue
		case err != nil:
			return nil, err
		case status != done:
			continue
		}
		// The value is the one under this key, so a record of another key was
		// put here by hand and is damaged too.
		if r, err := decode(keys[i], value, s.now()); err == nil {
			live = append(live, store.Entry{Key: keys[i], Record: r})
		}
	}
	return live, nil
}
