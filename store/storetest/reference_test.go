package storetest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
)

// A reference is the contract in its simplest form: a map under one lock. It
// can be told to get one thing wrong.
type reference struct {
	flaw    flaw
	mu      sync.Mutex
	version uint64
	records map[store.Key]store.Record
}

type flaw int

const (
	correct flaw = iota
	aliasOnSave
	aliasOnLoad
	reuseOnSave
	neverExpire
	versionPerRecord
)

func newReference(f flaw) *reference {
	return &reference{flaw: f, records: make(map[store.Key]store.Record)}
}

// live returns the live record under k, or one with version 0.
func (s *reference) live(k store.Key) store.Record {
	r := s.records[k]
	if s.flaw != neverExpire && !r.Expires.After(time.Now()) {
		return store.Record{}
	}
	return r
}

func (s *reference) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.live(k)
	if r.Version == 0 {
		return store.Record{}, store.ErrNotFound
	}
	if s.flaw != aliasOnLoad && s.flaw != reuseOnSave {
		r.Data = bytes.Clone(r.Data)
	}
	return r, nil
}

func (s *reference) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if len(r.Owner) > store.MaxOwner {
		return 0, errors.New("the owner is too long")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.live(k)
	if old.Version != r.Version {
		return 0, store.ErrConflict
	}
	s.version++
	r.Version = s.version
	if s.flaw == versionPerRecord {
		r.Version = old.Version + 1
	}
	switch s.flaw {
	case aliasOnSave:
	case reuseOnSave:
		r.Data = append(old.Data[:0], r.Data...)
	default:
		r.Data = bytes.Clone(r.Data)
	}
	s.records[k] = r
	return r.Version, nil
}

func (s *reference) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.live(k); r.Version != 0 && expires.After(r.Expires) {
		r.Expires = expires
		s.records[k] = r
	}
	return nil
}

func (s *reference) Delete(ctx context.Context, k store.Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, k)
	return nil
}
