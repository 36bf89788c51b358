package records

import (
	"iter"
	"time"

	"github.com/sesame-go/sesame/store"
)

const (
	// pageSize is how many records a walk takes under the lock at once.
	pageSize = 256

	// SweepBatch is how many records are removed before others may have the
	// lock: some tens of microseconds.
	SweepBatch = 128
)

// All yields the live records, each once at most. It ends with an error if
// check, which it calls before each page, returns one.
func (s *Set) All(check func() error) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		page := make([]store.Entry, 0, pageSize)
		flush := func() bool {
			for _, e := range page {
				if !yield(e, nil) {
					return false
				}
			}
			page = page[:0]
			if err := check(); err != nil {
				yield(store.Entry{}, err)
				return false
			}
			return true
		}
		if !flush() {
			return
		}
		// A map may change while one ranges over it. It may also have been
		// replaced by a smaller one; then the old one keeps what is removed.
		s.Lock()
		now, seen := Now(), 0
		for k, r := range s.records.m {
			if s.Find(k) == r && !r.Expired(now) {
				page = append(page, store.Entry{Key: k, Record: r.record()})
			}
			if seen++; seen%pageSize > 0 {
				continue
			}
			s.Unlock()
			if !flush() {
				return
			}
			s.Lock()
			now = Now()
		}
		s.Unlock()
		flush()
	}
}

// Owned yields the live records of owner, as [Set.All] yields all.
func (s *Set) Owned(owner string, check func() error) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		for after, more := uint64(0), true; more; {
			if err := check(); err != nil {
				yield(store.Entry{}, err)
				return
			}
			var page []store.Entry
			page, after, more = s.ownedPage(owner, after)
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

func (s *Set) ownedPage(owner string, after uint64) (page []store.Entry, _ uint64, more bool) {
	s.Lock()
	defer s.Unlock()
	var room [pageSize]*Record
	found, last := s.OwnedBy(owner, after, room[:0])
	now := Now()
	for _, r := range found {
		if !r.Expired(now) {
			page = append(page, store.Entry{Key: r.Key, Record: r.record()})
		}
	}
	return page, last, len(found) == pageSize
}

// Count returns how many records are live. It looks at those that have expired
// and were not swept yet.
func (s *Set) Count() int {
	s.Lock()
	defer s.Unlock()
	now := Now()
	return s.Len() - expired(s.ownerless, 0, now) - expired(s.owned, 0, now)
}

// expired counts the expired records at place p of h and below. Below one that
// lives there is none.
func expired(h heap[*Record], p int, now int64) int {
	if p >= len(h) || !h[p].node.Expired(now) {
		return 0
	}
	n := 1
	for child := 4*p + 1; child < 4*p+5; child++ {
		n += expired(h, child, now)
	}
	return n
}

// Sweep removes at most limit expired records and returns how many. It ends
// with an error if check, which it calls before each batch, returns one.
func (s *Set) Sweep(limit int, check func() error) (removed int, err error) {
	for {
		if err := check(); err != nil {
			return removed, err
		}
		batch := min(SweepBatch, limit-removed)
		n := s.sweep(batch)
		if removed += n; n < batch {
			return removed, nil
		}
		if Yield(); removed >= limit { // the caller is likely to call again at once
			return removed, nil
		}
	}
}

// Yield lets waiting goroutines have the lock between two batches: without the
// pause this one would take it again before they wake.
func Yield() { time.Sleep(50 * time.Microsecond) }

func (s *Set) sweep(limit int) int {
	s.Lock()
	defer s.Unlock()
	now := Now()
	for n := range limit {
		r := s.First(now)
		if r == nil {
			return n
		}
		s.Remove(r)
	}
	return max(limit, 0)
}
