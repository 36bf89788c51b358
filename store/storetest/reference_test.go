package storetest

import (
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
)

// fourMethods hides all but the methods of [store.Store].
type fourMethods struct{ store.Store }

// wrapped has all of the optional interfaces by its type, and forwards them to
// a store that has none.
type wrapped struct {
	*turns
	inner store.Store
}

func (w wrapped) Unwrap() store.Store { return w.inner }

// TestReference sees that a store which is right passes, whatever it has.
func TestReference(t *testing.T) {
	t.Run("whole", func(t *testing.T) {
		Run(t, func(*testing.T) store.Store { return newClient() })
	})
	t.Run("four methods", func(t *testing.T) {
		Run(t, func(*testing.T) store.Store { return fourMethods{newClient()} })
	})
	t.Run("unsupported", func(t *testing.T) {
		Run(t, func(*testing.T) store.Store { return InTurn(fourMethods{newClient()}) })
	})
	t.Run("wrapped", func(t *testing.T) {
		Run(t, func(*testing.T) store.Store {
			inner := fourMethods{newClient()}
			return wrapped{InTurn(inner).(*turns), inner}
		})
	})
	t.Run("sweeps late", func(t *testing.T) {
		Run(t, func(*testing.T) store.Store {
			c := newClient()
			c.grace = time.Hour
			return c
		}, SweepGrace(time.Hour))
	})
}

// TestReferenceShared sees that a store which is right passes with all options.
func TestReferenceShared(t *testing.T) {
	Run(t, func(t *testing.T) store.Store { return newClient() },
		Second(func(t *testing.T, first store.Store) store.Store {
			return &client{engine: first.(*client).engine}
		}),
		Skewed(func(t *testing.T, first store.Store, by time.Duration) store.Store {
			return &client{engine: first.(*client).engine, by: by}
		}),
		Restart(func(t *testing.T, s store.Store) { s.(*client).engine.restart(nil) }),
	)
}

// TestReferenceRelative sees that so does one whose engine is told times to
// live, which wrong clocks make longer or shorter.
func TestReferenceRelative(t *testing.T) {
	good := &beast{relative: true}
	for name, rejects := range sharedSuite() {
		t.Run(name, func(t *testing.T) {
			if rejects(t, good.rig()) {
				t.Error("the case rejects a store that is right")
			}
		})
	}
}
