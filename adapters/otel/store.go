package sesameotel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/sesame-go/sesame/store"
)

// Store returns a store that does what inner does, with a span around each call
// that is part of a trace, and a measurement of each. The span is in the context
// that inner is given, so that those of an instrumented driver are its children.
// If the driver measures db.client.operation.duration too, the instrumentation
// scope tells the two apart.
//
// It has the methods of all optional interfaces of package store, [io.Closer] and
// Unwrap. Those that inner lacks return an error that wraps
// [errors.ErrUnsupported], and [store.Capability] tells beforehand. Ping and Close
// are those of the first store around the engine that has them; Close of a store
// that has none does nothing.
//
// It costs one or two microseconds a call; a span that is recorded costs what the
// SDK takes for it. Wrap a store once, outside of other wrappers. Store panics if
// inner is nil.
func Store(inner store.Store, opts ...Option) store.Store {
	if inner == nil {
		panic("sesameotel: Store(nil): give it the store that keeps the sessions; if that comes from a constructor, look at its error first")
	}
	operation := newOperations(inner, opts)
	return &wrapper{
		inner: inner,
		load:  operation("load"), save: operation("save"), touch: operation("touch"), remove: operation("delete"),
		all: operation("all"), owned: operation("owned"), deleteOwned: operation("delete_owned"),
		sweep: operation("sweep"), count: operation("count"), watch: operation("watch"), ping: operation("ping"),
	}
}

type wrapper struct {
	inner                                              store.Store
	load, save, touch, remove                          operation
	all, owned, deleteOwned, sweep, count, watch, ping operation
}

// Unwrap returns the store inside.
func (w *wrapper) Unwrap() store.Store { return w.inner }

// Load implements [store.Store].
func (w *wrapper) Load(ctx context.Context, k store.Key) (store.Record, error) {
	c := w.load.begin(ctx)
	r, err := w.inner.Load(c.ctx, k)
	c.about(&k, r.Owner)
	c.end(err)
	return r, err
}

// Save implements [store.Store].
func (w *wrapper) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	c := w.save.begin(ctx)
	c.about(&k, r.Owner)
	version, err := w.inner.Save(c.ctx, k, r)
	c.end(err)
	return version, err
}

// Touch implements [store.Store].
func (w *wrapper) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	c := w.touch.begin(ctx)
	c.about(&k, "")
	err := w.inner.Touch(c.ctx, k, expires)
	c.end(err)
	return err
}

// Delete implements [store.Store].
func (w *wrapper) Delete(ctx context.Context, k store.Key) error {
	c := w.remove.begin(ctx)
	c.about(&k, "")
	err := w.inner.Delete(c.ctx, k)
	c.end(err)
	return err
}

// DeleteOwned implements [store.OwnerIndex].
func (w *wrapper) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	inner, err := capability[store.OwnerIndex](w.inner)
	if err != nil {
		return 0, err
	}
	c := w.deleteOwned.begin(ctx)
	c.about(nil, owner)
	n, err := inner.DeleteOwned(c.ctx, owner, keep...)
	c.end(err)
	return n, err
}

// Sweep implements [store.Sweeper].
func (w *wrapper) Sweep(ctx context.Context, limit int) (int, error) {
	inner, err := capability[store.Sweeper](w.inner)
	if err != nil {
		return 0, err
	}
	c := w.sweep.begin(ctx)
	n, err := inner.Sweep(c.ctx, limit)
	c.end(err)
	return n, err
}

// Count implements [store.Counter].
func (w *wrapper) Count(ctx context.Context) (int, error) {
	inner, err := capability[store.Counter](w.inner)
	if err != nil {
		return 0, err
	}
	c := w.count.begin(ctx)
	n, err := inner.Count(c.ctx)
	c.end(err)
	return n, err
}

// Watch implements [store.Watcher]. The inner store watches with the caller's
// context, since it outlives the span.
func (w *wrapper) Watch(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	inner, err := capability[store.Watcher](w.inner)
	if err != nil {
		return nil, err
	}
	c := w.watch.begin(ctx)
	done, err := inner.Watch(ctx, ended)
	c.end(err)
	return done, err
}

// Ping implements [store.Pinger].
func (w *wrapper) Ping(ctx context.Context) error {
	inner, ok := store.As[store.Pinger](w.inner)
	if !ok {
		return unsupported[store.Pinger](w.inner)
	}
	c := w.ping.begin(ctx)
	err := inner.Ping(c.ctx)
	c.end(err)
	return err
}

// Close implements [io.Closer].
func (w *wrapper) Close() error {
	if inner, ok := store.As[io.Closer](w.inner); ok {
		return inner.Close()
	}
	return nil
}

func capability[I any](inner store.Store) (I, error) {
	i, ok := inner.(I)
	if !ok {
		return i, unsupported[I](inner)
	}
	return i, nil
}

func unsupported[I any](inner store.Store) error {
	return fmt.Errorf("sesameotel: the inner store, %T, is no %v: %w", inner, reflect.TypeFor[I](), errors.ErrUnsupported)
}
