package storetest

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// InTurn returns a store whose calls go to the given stores in turn, beginning
// with the first. If the stores share an engine, as those of several processes
// do, it must behave like one of them:
//
//	s := storetest.InTurn(
//		mystore.New(dial(t), "sessions"),
//		mystore.New(dial(t), "sessions"),
//	)
//
// It implements [store.Lister], [store.OwnerIndex], [store.Sweeper],
// [store.Counter] and [store.Watcher]. A method that the store in turn lacks
// returns errors.ErrUnsupported. It implements neither [store.Pinger] nor
// [io.Closer]: the caller opened the stores and closes them. A walk uses one store
// from beginning to end. The store that InTurn returns is safe for concurrent use
// if the given stores are.
//
// InTurn panics if there is no store.
func InTurn(stores ...store.Store) store.Store {
	if len(stores) == 0 {
		panic("storetest: InTurn: no stores; give it two that share an engine")
	}
	return &turns{stores: stores}
}

type turns struct {
	stores []store.Store
	calls  atomic.Uint64
}

func (t *turns) next() store.Store {
	return t.stores[(t.calls.Add(1)-1)%uint64(len(t.stores))]
}

func (t *turns) Load(ctx context.Context, k store.Key) (store.Record, error) {
	return t.next().Load(ctx, k)
}

func (t *turns) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	return t.next().Save(ctx, k, r)
}

func (t *turns) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	return t.next().Touch(ctx, k, expires)
}

func (t *turns) Delete(ctx context.Context, k store.Key) error { return t.next().Delete(ctx, k) }

func (t *turns) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	l, ok := store.Capability[store.Lister](t.next())
	if !ok {
		return unsupported
	}
	return l.All(ctx)
}

func (t *turns) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	o, ok := store.Capability[store.OwnerIndex](t.next())
	if !ok {
		return unsupported
	}
	return o.Owned(ctx, owner)
}

func unsupported(yield func(store.Entry, error) bool) {
	yield(store.Entry{}, errors.ErrUnsupported)
}

func (t *turns) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	o, ok := store.Capability[store.OwnerIndex](t.next())
	if !ok {
		return 0, errors.ErrUnsupported
	}
	return o.DeleteOwned(ctx, owner, keep...)
}

func (t *turns) Sweep(ctx context.Context, limit int) (int, error) {
	s, ok := store.Capability[store.Sweeper](t.next())
	if !ok {
		return 0, errors.ErrUnsupported
	}
	return s.Sweep(ctx, limit)
}

func (t *turns) Count(ctx context.Context) (int, error) {
	c, ok := store.Capability[store.Counter](t.next())
	if !ok {
		return 0, errors.ErrUnsupported
	}
	return c.Count(ctx)
}

func (t *turns) Watch(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	w, ok := store.Capability[store.Watcher](t.next())
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return w.Watch(ctx, ended)
}
