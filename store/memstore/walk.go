package memstore

import (
	"context"
	"iter"

	"github.com/sesame-go/sesame/store"
)

// pageSize is how many records, or keys, a walk takes under the lock at once.
const pageSize = 256

// All implements [store.Lister]. It yields each key once at most.
func (s *Store) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		page := make([]slot, 0, pageSize)
		for i := range s.shards {
			for from, more := uint64(0), true; more; {
				if err := ctx.Err(); err != nil {
					yield(store.Entry{}, err)
					return
				}
				page, from, more = s.shards[i].page(page[:0], from)
				for j := range page {
					e := &page[j]
					if !yield(store.Entry{Key: e.key, Record: e.record()}, nil) {
						return
					}
				}
			}
		}
	}
}

// page appends the live slots of the next buckets, beginning with the position
// from, until there are pageSize or a few more. It returns them and where the
// next page begins, if there are more. Since the table is in the order of the
// positions, it may grow and shrink between two pages.
func (sh *shard) page(page []slot, from uint64) (_ []slot, next uint64, more bool) {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	now := clock()
	for b := from >> sh.shift; b < uint64(len(sh.buckets)); b++ {
		if len(page) >= pageSize {
			return page, b << sh.shift, true
		}
		for i := sh.buckets[b]; i != 0; i = sh.slots[i].next {
			if e := &sh.slots[i]; e.expires > now && position(e.key) >= from {
				page = append(page, *e)
			}
		}
	}
	return page, 0, false
}
