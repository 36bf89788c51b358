package storetest

import (
	"bytes"
	"context"
	"iter"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
)

// These stores wrap a correct client. Their faults appear only with a second client, or
// in an outage.

// memory is a client's cache of the records that it has seen.
type memory struct {
	mu    sync.Mutex
	known map[store.Key]store.Record
}

func (m *memory) keep(k store.Key, r store.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = make(map[store.Key]store.Record)
	}
	r.Data = bytes.Clone(r.Data)
	m.known[k] = r
}

func (m *memory) forget(k store.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, k)
}

func (m *memory) knows(k store.Key) (store.Record, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.known[k]
	r.Data = bytes.Clone(r.Data)
	return r, ok && r.Expires.After(time.Now())
}

// cache answers Load from memory, and forgets only the records that it changes itself.
type cache struct {
	*client
	memory
}

func newCache(c *client) store.Store { return &cache{client: c} }

func (s *cache) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if r, ok := s.knows(k); ok && ctx.Err() == nil {
		return r, nil
	}
	r, err := s.client.Load(ctx, k)
	if err == nil {
		s.keep(k, r)
	}
	return r, err
}

func (s *cache) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	defer s.forget(k)
	return s.client.Save(ctx, k, r)
}

func (s *cache) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	defer s.forget(k)
	return s.client.Touch(ctx, k, expires)
}

func (s *cache) Delete(ctx context.Context, k store.Key) error {
	defer s.forget(k)
	return s.client.Delete(ctx, k)
}

// observer remembers what it has loaded, saved and not deleted.
type observer struct {
	*client
	memory
}

func (s *observer) Load(ctx context.Context, k store.Key) (store.Record, error) {
	r, err := s.client.Load(ctx, k)
	if err == nil {
		s.keep(k, r)
	}
	return r, err
}

func (s *observer) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	v, err := s.client.Save(ctx, k, r)
	if err == nil {
		r.Version = v
		s.keep(k, r)
	}
	return v, err
}

func (s *observer) Delete(ctx context.Context, k store.Key) error {
	s.forget(k)
	return s.client.Delete(ctx, k)
}

// knowing takes a key that it has not seen for free.
type knowing struct {
	*observer
	seen sync.Map
}

func newKnowing(c *client) store.Store { return &knowing{observer: &observer{client: c}} }

func (s *knowing) Load(ctx context.Context, k store.Key) (store.Record, error) {
	s.seen.Store(k, true)
	return s.observer.Load(ctx, k)
}

func (s *knowing) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if _, seen := s.seen.LoadOrStore(k, true); !seen && r.Version == 0 {
		return s.overwrite(ctx, k, r)
	}
	return s.observer.Save(ctx, k, r)
}

// trusting compares versions with those in its memory.
type trusting struct{ *observer }

func newTrusting(c *client) store.Store { return &trusting{&observer{client: c}} }

func (s *trusting) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if old, ok := s.knows(k); ok && r.Version == old.Version {
		return s.overwrite(ctx, k, r)
	}
	return s.observer.Save(ctx, k, r)
}

// reviver implements Touch by saving the record in its memory.
type reviver struct{ *observer }

func newReviver(c *client) store.Store { return &reviver{&observer{client: c}} }

func (s *reviver) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	if r, ok := s.knows(k); ok && expires.After(r.Expires) {
		r.Expires = expires
		_, err := s.overwrite(ctx, k, r)
		return err
	}
	return s.client.Touch(ctx, k, expires)
}

// ownIndex finds only the records in its memory.
type ownIndex struct{ *observer }

func newOwnIndex(c *client) store.Store { return &ownIndex{&observer{client: c}} }

func (s *ownIndex) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	for e, err := range s.Owned(ctx, owner) {
		if err != nil {
			return 0, err
		}
		if _, ok := s.knows(e.Key); !ok {
			keep = append(keep, e.Key)
		}
	}
	return s.client.DeleteOwned(ctx, owner, keep...)
}

// ownList lists only the records in its memory.
type ownList struct{ *observer }

func newOwnList(c *client) store.Store { return &ownList{&observer{client: c}} }

func (s *ownList) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		for e, err := range s.client.All(ctx) {
			if _, ok := s.knows(e.Key); (ok || err != nil) && !yield(e, err) {
				return
			}
		}
	}
}

// ownCount counts only the records in its memory.
type ownCount struct{ *observer }

func newOwnCount(c *client) store.Store { return &ownCount{&observer{client: c}} }

func (s *ownCount) Count(ctx context.Context) (int, error) {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	return len(s.known), ctx.Err()
}

// ownWatch reports only the records in its memory.
type ownWatch struct{ *observer }

func newOwnWatch(c *client) store.Store { return &ownWatch{&observer{client: c}} }

func (s *ownWatch) Watch(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	return s.client.Watch(ctx, func(k store.Key) {
		if _, ok := s.knows(k); ok {
			ended(k)
		}
	})
}
