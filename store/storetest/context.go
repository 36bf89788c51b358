package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/sesame-go/sesame/store"
)

// contextCases are about calls whose context is done before they begin.
var contextCases = []testCase{
	{
		name:        "context",
		explanation: "a call whose context is done before it had an effect returns the context's error and has none",
		f: func(x *trial) {
			x.done(func(ctx context.Context, want error) {
				k, r := x.key(), record("data")
				r.Version = x.create(k, r)
				x.wants(want, "Load")(second(x.s.Load(ctx, k)))
				changed := r
				changed.Data = []byte("changed")
				x.wants(want, "Save")(second(x.s.Save(ctx, k, changed)))
				x.wants(want, "Touch")(x.s.Touch(ctx, k, in(2*time.Hour)))
				x.wants(want, "Delete")(x.s.Delete(ctx, k))
				if v := x.holds(k, r); v != r.Version {
					x.Errorf("the version changed")
				}

				k = x.key()
				x.wants(want, "Load of a missing record")(second(x.s.Load(ctx, k)))
				x.wants(want, "Save of a new record")(second(x.s.Save(ctx, k, record("data"))))
				x.missing(k)
			})
		},
	},
	{
		name:        "context-rotate",
		explanation: "a Rotate whose context is done before it had an effect returns the context's error and has none",
		needs:       rotator,
		f: func(x *trial) {
			x.done(func(ctx context.Context, want error) {
				from, to, r := x.key(), x.key(), record("data")
				r.Version = x.create(from, r)
				x.wants(want, "Rotate")(second(x.s.(store.Rotator).Rotate(ctx, from, to, r)))
				x.holds(from, r)
				x.missing(to)
			})
		},
	},
	{
		name:        "context-all",
		explanation: "All yields the context's error, alone, if the context is done before the walk",
		needs:       lister,
		f: func(x *trial) {
			x.done(func(ctx context.Context, want error) {
				x.create(x.key(), record("data"))
				n := 0
				for _, err := range x.s.(store.Lister).All(ctx) {
					x.wants(want, "All")(err)
					n++
				}
				if n != 1 {
					x.Errorf("All yielded %d times, want once", n)
				}
			})
		},
	},
	{
		name:        "context-owner",
		explanation: "Owned and DeleteOwned return the context's error if the context is done before they had an effect",
		needs:       ownerIndex,
		f: func(x *trial) {
			x.done(func(ctx context.Context, want error) {
				k, r := x.key(), record("data")
				r.Owner = "ann"
				x.create(k, r)
				n := 0
				for _, err := range x.s.(store.OwnerIndex).Owned(ctx, "ann") {
					x.wants(want, "Owned")(err)
					n++
				}
				if n != 1 {
					x.Errorf("Owned yielded %d times, want once", n)
				}
				x.wants(want, "DeleteOwned")(second(x.s.(store.OwnerIndex).DeleteOwned(ctx, "ann")))
				x.holds(k, r)
			})
		},
	},
	{
		name:        "context-sweep",
		explanation: "Sweep returns the context's error if the context is done before it had an effect",
		needs:       sweeper,
		f: func(x *trial) {
			x.done(func(ctx context.Context, want error) {
				x.wants(want, "Sweep")(second(x.s.(store.Sweeper).Sweep(ctx, 10)))
			})
		},
	},
}

// done calls f with a context that was cancelled and with one whose deadline
// is over.
func (x *trial) done(f func(ctx context.Context, want error)) {
	cancelled, cancel := context.WithCancel(x.ctx)
	cancel()
	f(cancelled, context.Canceled)

	late, cancel := context.WithDeadline(x.ctx, time.Now().Add(-time.Second))
	defer cancel()
	f(late, context.DeadlineExceeded)
}

// wants returns a function that expects the error it is called with to be
// want.
func (x *trial) wants(want error, call string) func(error) {
	return func(err error) {
		x.Helper()
		if !errors.Is(err, want) {
			x.fatalf("%s: got %v, want %v", call, err, want)
		}
	}
}

// second returns what a call returned as its error.
func second[T any](_ T, err error) error { return err }
