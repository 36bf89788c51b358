package sesameotel

import (
	"context"
	"iter"
	"time"

	"github.com/sesame-go/sesame/store"
)

// All implements [store.Lister].
func (w *wrapper) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		inner, err := capability[store.Lister](w.inner)
		if err != nil {
			yield(store.Entry{}, err)
			return
		}
		c := w.all.begin(ctx)
		c.walk(inner.All(c.ctx), yield)
	}
}

// Owned implements [store.OwnerIndex].
func (w *wrapper) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		inner, err := capability[store.OwnerIndex](w.inner)
		if err != nil {
			yield(store.Entry{}, err)
			return
		}
		c := w.owned.begin(ctx)
		c.about(nil, owner)
		c.walk(inner.Owned(c.ctx, owner), yield)
	}
}

// walk passes on what the store yields, and ends the call with it, also if the
// caller panics.
func (c *call) walk(entries iter.Seq2[store.Entry, error], yield func(store.Entry, error) bool) {
	var failure error
	defer func() { c.end(failure) }()
	for e, err := range entries {
		failure = err
		given := time.Now()
		more := yield(e, err)
		c.aside += time.Since(given)
		if !more {
			return
		}
	}
}
