package storetest

import (
	"context"
	"errors"
	"iter"

	"github.com/sesame-go/sesame/store"
)

// An iface is an optional interface. A store has it if [store.Capability] says
// so and none of its methods returns errors.ErrUnsupported, which is how a
// wrapper says that the store inside it lacks the method.
type iface struct {
	name string
	has  func(ctx context.Context, s store.Store) bool
}

// stranger is an owner without records: a DeleteOwned that finds out whether the
// method is supported removes nothing.
const stranger = "storetest: an owner without records"

var (
	lister = &iface{"store.Lister", func(ctx context.Context, s store.Store) bool {
		l, ok := store.Capability[store.Lister](s)
		return ok && supported(beginning(l.All(ctx)))
	}}
	ownerIndex = &iface{"store.OwnerIndex", func(ctx context.Context, s store.Store) bool {
		o, ok := store.Capability[store.OwnerIndex](s)
		return ok && supported(beginning(o.Owned(ctx, stranger))) && supported(failure(o.DeleteOwned(ctx, stranger)))
	}}
	sweeper = &iface{"store.Sweeper", func(ctx context.Context, s store.Store) bool {
		w, ok := store.Capability[store.Sweeper](s)
		return ok && supported(failure(w.Sweep(ctx, 1)))
	}}
	counter = &iface{"store.Counter", func(ctx context.Context, s store.Store) bool {
		c, ok := store.Capability[store.Counter](s)
		return ok && supported(failure(c.Count(ctx)))
	}}
	watcher = &iface{"store.Watcher", func(ctx context.Context, s store.Store) bool {
		w, ok := store.Capability[store.Watcher](s)
		if !ok {
			return false
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		return supported(failure(w.Watch(ctx, func(store.Key) {})))
	}}

	optional = []*iface{lister, ownerIndex, sweeper, counter, watcher}
)

// capabilities returns the optional interfaces of s, which must be empty.
func capabilities(ctx context.Context, s store.Store) map[*iface]bool {
	has := make(map[*iface]bool)
	for _, i := range optional {
		has[i] = i.has(ctx, s)
	}
	return has
}

func supported(err error) bool { return !errors.Is(err, errors.ErrUnsupported) }

// beginning returns the error that a walk yields first, or nil.
func beginning(walk iter.Seq2[store.Entry, error]) error {
	for _, err := range walk {
		return err
	}
	return nil
}

// failure returns the error of a call with two results.
func failure[T any](_ T, err error) error { return err }
