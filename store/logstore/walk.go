package logstore

import (
	"context"
	"iter"

	"github.com/sesame-go/sesame/store"
)

// All implements [store.Lister]. It yields each key once at most.
func (s *Store) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return s.set.All(func() error { return s.readable(ctx) })
}

// Owned implements [store.OwnerIndex]. It yields the oldest first.
func (s *Store) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	return s.set.Owned(owner, func() error { return s.readable(ctx) })
}

// DeleteOwned implements [store.OwnerIndex]. It returns when the removal is
// durable, in all modes. Of very many sessions it removes a thousand at a time,
// so that other changes need not wait. If it fails before all are removed, it
// returns how many were, and the error.
func (s *Store) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	kept := make(map[store.Key]bool, len(keep))
	for _, k := range keep {
		kept[k] = true
	}
	live := 0
	for after, more := uint64(0), true; more; {
		o := &op{kind: kindRemoveOwned, owner: owner, kept: kept, after: after}
		if err := s.do(ctx, o); err != nil {
			return live, err
		}
		live += o.live
		after, more = o.after, o.more
	}
	return live, nil
}

// Sweep implements [store.Sweeper]. It writes nothing: what has expired is left
// out when the file is read or compacted.
func (s *Store) Sweep(ctx context.Context, limit int) (int, error) {
	defer s.signal() // there may be garbage enough to compact the file
	return s.set.Sweep(limit, func() error { return s.readable(ctx) })
}

// Count implements [store.Counter].
func (s *Store) Count(ctx context.Context) (int, error) {
	if err := s.readable(ctx); err != nil {
		return 0, err
	}
	return s.set.Count(), nil
}

// Watch implements [store.Watcher]. A session that is removed to make room
// counts as ended. Watching also ends when the store is closed.
func (s *Store) Watch(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	if err := s.readable(ctx); err != nil {
		return nil, err
	}
	return s.watchers.Watch(ctx, ended)
}
