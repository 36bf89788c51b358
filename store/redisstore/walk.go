package redisstore

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/sesame-go/sesame/store"
)

const (
	// pageSize is how many sessions All reads at once.
	pageSize = 256

	// workers is how many calls of a walk are under way at once.
	workers = 64
)

// All implements [store.Lister]. It walks by SCAN, which may yield a session
// twice when the server resizes its table meanwhile. What is no session, under
// a key like that of one, is left out.
func (s *Store) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(store.Entry{}, failed(ctx, "list", err))
			return
		}
		start := s.prefix + "s:"
		keys := make([]store.Key, 0, pageSize)
		flush := func() bool {
			entries, err := s.readAll(ctx, keys)
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

// readAll returns those of some sessions that are live.
func (s *Store) readAll(ctx context.Context, keys []store.Key) ([]store.Entry, error) {
	found := make([]store.Entry, len(keys))
	err := parallel(ctx, len(keys), func(ctx context.Context, i int) error {
		status, value, err := s.run(ctx, read, s.key(keys[i]), nonce())
		if err == nil && status == done {
			found[i].Key = keys[i]
			found[i].Record, err = decode(keys[i], value, s.now())
		}
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrCorrupt) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	live := found[:0]
	for _, e := range found {
		if e.Version != 0 {
			live = append(live, e)
		}
	}
	return live, nil
}

// parallel calls f with the numbers below n, several at a time, until one call
// fails, and returns that call's error.
func parallel(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, workers) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := f(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
