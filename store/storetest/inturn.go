package storetest

import (
	"context"
	"iter"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// InTurn returns a store whose calls go to the given stores in turn, the first
// to the first. Over stores that share an engine, as several processes do, it
// must be as good as one of them:
//
//	s := storetest.InTurn(
//		mystore.New(dial(t), "sessions"),
//		mystore.New(dial(t), "sessions"),
//	)
//
// It implements those of [store.Rotator], [store.Lister], [store.OwnerIndex]
// and [store.Sweeper] that all of the stores implement, and no other optional
// interface: whoever opened the stores pings and closes them. A walk stays with
// the store that it began in. It is safe for concurrent use if they are.
//
// InTurn panics if it is given no store.
func InTurn(stores ...store.Store) store.Store {
	if len(stores) == 0 {
		panic("storetest: InTurn: no stores; give it two that share an engine")
	}
	t := &turns{stores: stores}
	var has int
	for i, o := range optional {
		all := true
		for _, s := range stores {
			all = all && o.implementedBy(s)
		}
		if all {
			has |= 1 << i
		}
	}
	return t.only(has)
}

// turns has all of the optional methods, whatever its stores have.
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

func (t *turns) Rotate(ctx context.Context, from, to store.Key, r store.Record) (uint64, error) {
	return t.next().(store.Rotator).Rotate(ctx, from, to, r)
}

func (t *turns) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return t.next().(store.Lister).All(ctx)
}

func (t *turns) Owned(ctx context.Context, owner string) iter.Seq2[store.Key, error] {
	return t.next().(store.OwnerIndex).Owned(ctx, owner)
}

func (t *turns) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	return t.next().(store.OwnerIndex).DeleteOwned(ctx, owner, keep...)
}

func (t *turns) Sweep(ctx context.Context, limit int) (int, error) {
	return t.next().(store.Sweeper).Sweep(ctx, limit)
}
