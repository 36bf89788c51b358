package adaptertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// faulty is a store in memory that counts its calls and fails when told to.
type faulty struct {
	*memstore.Store
	calls, saves        atomic.Int32
	loadsFail, saveFail atomic.Bool
	loaded              atomic.Pointer[func()] // called after each load
}

var errDown = errors.New("adaptertest: the store is down")

func newStore() *faulty { return &faulty{Store: memstore.New()} }

func (s *faulty) Load(ctx context.Context, k store.Key) (store.Record, error) {
	s.calls.Add(1)
	if s.loadsFail.Load() {
		return store.Record{}, errDown
	}
	r, err := s.Store.Load(ctx, k)
	if f := s.loaded.Load(); f != nil {
		(*f)()
	}
	return r, err
}

func (s *faulty) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	s.calls.Add(1)
	s.saves.Add(1)
	if s.saveFail.Load() {
		return 0, errDown
	}
	return s.Store.Save(ctx, k, r)
}

func (s *faulty) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	s.calls.Add(1)
	return s.Store.Touch(ctx, k, expires)
}

func (s *faulty) Delete(ctx context.Context, k store.Key) error {
	s.calls.Add(1)
	if s.saveFail.Load() {
		return errDown
	}
	return s.Store.Delete(ctx, k)
}

// events are what the managers have told of.
type events struct {
	mu    sync.Mutex
	kinds []sesame.EventKind
}

func (e *events) observe(_ context.Context, ev sesame.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kinds = append(e.kinds, ev.Kind)
}

func (e *events) has(kind sesame.EventKind) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.kinds, kind)
}
