package storetest

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// These animals of the zoo have an idea of their own of when things expire.

// unresetTimer removes a record when it was first to expire.
type unresetTimer struct{ *memstore.Store }

func (s *unresetTimer) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	v, err := s.Store.Save(ctx, k, r)
	if err == nil && r.Version == 0 {
		time.AfterFunc(time.Until(r.Expires), func() { s.Delete(context.Background(), k) })
	}
	return v, err
}

// timedIndex gives the entries of its index an expiry.
type timedIndex struct {
	*memstore.Store
	perOwner bool // one for all of an owner's, that of the last saved
	mu       sync.Mutex
	entries  map[store.Key]time.Time
	owners   map[string]time.Time
}

func newTimedIndex(perOwner bool) *timedIndex {
	return &timedIndex{
		Store:    memstore.New(),
		perOwner: perOwner,
		entries:  make(map[store.Key]time.Time),
		owners:   make(map[string]time.Time),
	}
}

func (s *timedIndex) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	v, err := s.Store.Save(ctx, k, r)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.entries[k] = r.Expires
		s.owners[r.Owner] = r.Expires
	}
	return v, err
}

func (s *timedIndex) Owned(ctx context.Context, owner string) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		for k, err := range s.Store.Owned(ctx, owner) {
			s.mu.Lock()
			expires := s.entries[k]
			if s.perOwner {
				expires = s.owners[owner]
			}
			s.mu.Unlock()
			if (err != nil || time.Until(expires) > 0) && !yield(k, err) {
				return
			}
		}
	}
}

// hoarder lists and counts what has expired until somebody removes it.
type hoarder struct {
	*memstore.Store
	mu    sync.Mutex
	saved map[store.Key]store.Record
}

func newHoarder() *hoarder {
	return &hoarder{Store: memstore.New(), saved: make(map[store.Key]store.Record)}
}

func (s *hoarder) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	v, err := s.Store.Save(ctx, k, r)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		r.Version = v
		s.saved[k] = r
	}
	return v, err
}

func (s *hoarder) Delete(ctx context.Context, k store.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.saved, k)
	return s.Store.Delete(ctx, k)
}

// expired takes what has expired out of the hoard.
func (s *hoarder) expired() (entries []store.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, r := range s.saved {
		if time.Until(r.Expires) <= 0 {
			entries = append(entries, store.Entry{Key: k, Record: r})
			delete(s.saved, k)
		}
	}
	return entries
}

func (s *hoarder) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		for _, e := range s.expired() {
			if !yield(e, nil) {
				return
			}
		}
		s.Store.All(ctx)(yield)
	}
}

func (s *hoarder) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	n, err := s.Store.DeleteOwned(ctx, owner, keep...)
	for _, e := range s.expired() {
		if owner != "" && e.Owner == owner {
			n++
		}
	}
	return n, err
}

// onePage has an index that yields as many keys as fit in an answer.
type onePage struct{ *memstore.Store }

func (s *onePage) Owned(ctx context.Context, owner string) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		n := 0
		for k, err := range s.Store.Owned(ctx, owner) {
			if n++; n > 500 || !yield(k, err) {
				return
			}
		}
	}
}
