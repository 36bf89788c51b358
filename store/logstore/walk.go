package logstore

import (
	"context"
	"iter"
	"math"

	"github.com/sesame-go/sesame/store"
)

// pageSize is how many records, or keys, a walk takes under the lock at once.
const pageSize = 256

// All implements [store.Lister].
func (s *Store) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		page := make([]slot, 0, pageSize)
		for before := uint32(math.MaxUint32); before > 1; {
			if err := s.readable(ctx); err != nil {
				yield(store.Entry{}, err)
				return
			}
			page, before = s.index.page(page[:0], before)
			for i := range page {
				e := &page[i]
				if !yield(store.Entry{Key: e.key, Record: e.record()}, nil) {
					return
				}
			}
		}
	}
}

// page appends the live ones of the next slots, in descending order from the
// one before the given number on, and returns where the next page begins: a
// slot that takes the place of a removed one comes from above, so that the walk
// may meet it twice, but not miss it.
func (x *index) page(page []slot, before uint32) ([]slot, uint32) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	now := clock()
	before = min(before, x.next)
	last := max(1, int64(before)-pageSize)
	for i := before - 1; int64(i) >= last; i-- {
		if e := x.at(i); !e.expired(now) {
			page = append(page, *e)
		}
	}
	return page, uint32(last)
}

// Owned implements [store.OwnerIndex].
func (s *Store) Owned(ctx context.Context, owner string) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		var last store.Key
		var after *store.Key
		page := make([]store.Key, 0, 8)
		for {
			if err := s.readable(ctx); err != nil {
				yield(store.Key{}, err)
				return
			}
			s.index.mu.RLock()
			page = s.index.ownedPage(page[:0], owner, after, pageSize)
			s.index.mu.RUnlock()
			for _, k := range page {
				if !yield(k, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			last = page[len(page)-1]
			after = &last
		}
	}
}

// DeleteOwned implements [store.OwnerIndex]. It takes effect at one instant for
// all of owner's sessions, and returns when that is durable, in all modes.
// Sessions that had expired are removed, but not counted.
func (s *Store) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	o := &op{kind: kindRemoveOwned, owner: owner, keep: keep}
	if err := s.do(ctx, o); err != nil {
		return 0, err
	}
	return o.count, nil
}

// sweepBatch is how many records Sweep removes before it lets others have the
// index: some tens of microseconds.
const sweepBatch = 128

// Sweep implements [store.Sweeper]. It writes nothing: what has expired is left
// out when the file is read or compacted.
func (s *Store) Sweep(ctx context.Context, limit int) (int, error) {
	removed := 0
	defer s.signal() // there may be garbage enough to compact the file
	for {
		if err := s.readable(ctx); err != nil {
			return removed, err
		}
		batch := min(sweepBatch, limit-removed)
		s.index.mu.Lock()
		n := s.index.sweep(clock(), batch)
		s.index.mu.Unlock()
		if removed += n; n < batch || removed >= limit {
			return removed, nil
		}
	}
}
