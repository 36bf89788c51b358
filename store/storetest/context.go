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
		explanation: "a call whose context is done before it has an effect returns the context's error and has no effect",
		f: func(x *trial) {
			x.done(func(ctx context.Context, want error) {
				k, r := x.key(), stored()
				r.Version = x.create(k, r)
				x.wants(want, "Load")(failure(x.s.Load(ctx, k)))
				changed := store.Record{Version: r.Version, Expires: in(3 * time.Hour), Owner: "bob", Data: []byte("changed")}
				x.wants(want, "Save")(failure(x.s.Save(ctx, k, changed)))
				x.wants(want, "Touch")(x.s.Touch(ctx, k, in(2*time.Hour)))
				x.wants(want, "Delete")(x.s.Delete(ctx, k))
				x.remains(k, r)
				x.delete(k)

				x.wants(want, "Load of a missing record")(failure(x.s.Load(ctx, k)))
				x.wants(want, "Save of a new record")(failure(x.s.Save(ctx, k, stored())))
				x.missing(k)
				if x.has[ownerIndex] {
					x.owns("ann")
					x.owns("bob")
				}
			})
		},
	},
	{
		name:        "context-delete-owned",
		explanation: "DeleteOwned returns the context's error if the context is done before it has an effect",
		needs:       ownerIndex,
		f: func(x *trial) {
			x.done(func(ctx context.Context, want error) {
				k, r := x.key(), stored()
				r.Version = x.create(k, r)
				x.wants(want, "DeleteOwned")(failure(x.s.(store.OwnerIndex).DeleteOwned(ctx, "ann")))
				x.remains(k, r)
				x.delete(k)
			})
		},
	},
	{
		name:        "context-sweep",
		explanation: "Sweep returns the context's error if the context is done before it has an effect, and removes nothing",
		needs:       sweeper,
		f: func(x *trial) {
			x.pass(x.alive(func(expires time.Time) {
				x.create(x.key(), store.Record{Expires: expires})
			}))
			x.done(func(ctx context.Context, want error) {
				x.wants(want, "Sweep")(failure(x.s.(store.Sweeper).Sweep(ctx, 10)))
			})
			if n := x.sweep(1000); n == 0 && x.grace == 0 {
				x.fatalf("Sweep removed expired records, although its context was already done")
			}
		},
	},
	{
		name:        "context-count",
		explanation: "Count returns the context's error if the context is already done",
		needs:       counter,
		f: func(x *trial) {
			x.done(func(ctx context.Context, want error) {
				x.wants(want, "Count")(failure(x.s.(store.Counter).Count(ctx)))
			})
		},
	},
}

// done calls f with a cancelled context and with one whose deadline has passed.
func (x *trial) done(f func(ctx context.Context, want error)) {
	cancelled, cancel := context.WithCancel(x.ctx)
	cancel()
	f(cancelled, context.Canceled)

	late, cancel := context.WithDeadline(x.ctx, time.Now().Add(-time.Second))
	defer cancel()
	f(late, context.DeadlineExceeded)
}

// wants returns a function that expects its argument to be the error want.
func (x *trial) wants(want error, call string) func(error) {
	return func(err error) {
		x.Helper()
		if !errors.Is(err, want) {
			x.fatalf("%s: got %v, want %v", call, err, want)
		}
	}
}
