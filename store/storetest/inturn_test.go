package storetest

import (
	"io"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
)

// TestInTurnUnsupported checks that InTurn returns errors.ErrUnsupported for methods that
// its stores lack, and that it does not close them.
func TestInTurnUnsupported(t *testing.T) {
	s := InTurn(fourMethods{newClient()})
	for _, i := range optional {
		if i.has(t.Context(), s) {
			t.Errorf("it is a %s", i.name)
		}
		if !i.has(t.Context(), InTurn(newClient(), newClient())) {
			t.Errorf("it is no %s", i.name)
		}
	}
	if _, ok := s.(io.Closer); ok {
		t.Error("it can be closed")
	}
	if _, ok := s.(store.Pinger); ok {
		t.Error("it can be pinged")
	}
}

// TestCapabilities checks that a wrapper has the capabilities that both it and the store
// inside it have.
func TestCapabilities(t *testing.T) {
	for _, c := range []struct {
		name string
		s    store.Store
		has  bool
	}{
		{"all of it", newClient(), true},
		{"wrapper", wrapper{InTurn(newClient()).(whole), newClient()}, true},
		{"wrapper of four methods", wrapper{InTurn(newClient()).(whole), fourMethods{newClient()}}, false},
		{"wrapper that forwards nothing", wrapper{InTurn(fourMethods{newClient()}).(whole), newClient()}, false},
		{"four methods", fourMethods{newClient()}, false},
	} {
		for i, has := range capabilities(t.Context(), c.s) {
			if has != c.has {
				t.Errorf("%s: is a %s: %t", c.name, i.name, has)
			}
		}
	}
}

// A wrapper has all optional interfaces, and its Unwrap returns inner.
type wrapper struct {
	whole
	inner store.Store
}

func (w wrapper) Unwrap() store.Store { return w.inner }

// TestInTurnCalls checks that every method passes each call to the next store.
func TestInTurnCalls(t *testing.T) {
	e := newEngine()
	stores := []store.Store{&client{engine: e}, &client{engine: e}, &client{engine: e}}
	s := InTurn(stores...).(whole)
	ctx := t.Context()
	var k store.Key
	calls := []func(){
		func() { s.Load(ctx, k) },
		func() { s.Save(ctx, k, store.Record{}) },
		func() { s.Touch(ctx, k, time.Now()) },
		func() { s.Delete(ctx, k) },
		func() { s.DeleteOwned(ctx, "ann") },
		func() { s.Sweep(ctx, 1) },
		func() { s.Count(ctx) },
		func() { s.Watch(ctx, func(store.Key) {}) },
		func() {
			for range s.All(ctx) {
			}
		},
		func() {
			for range s.Owned(ctx, "ann") {
			}
		},
	}
	for i, call := range calls {
		for j := range 2 * len(stores) {
			call()
			for n, c := range stores {
				want := 2 * i
				if j >= n {
					want++
				}
				if j >= n+len(stores) {
					want++
				}
				if got := c.(*client).calls; got != want {
					t.Fatalf("method %d, call %d: store %d has had %d calls, want %d", i, j, n, got, want)
				}
			}
		}
	}
}

func TestInTurnEmpty(t *testing.T) {
	panics(t, func() { InTurn() })
}

// TestOptionsPanic checks that an option panics if its argument is invalid.
func TestOptionsPanic(t *testing.T) {
	panics(t, func() { Second(nil) })
	panics(t, func() { Skewed(nil) })
	panics(t, func() { Restart(nil) })
	panics(t, func() { Bounded(nil) })
	panics(t, func() { SweepGrace(-1) })
	panics(t, func() { ClockError(-1) })
	panics(t, func() { ClockError(51 * time.Millisecond) })
}

func panics(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f()
}

// A whole store has all optional interfaces.
type whole interface {
	store.Store
	store.Lister
	store.OwnerIndex
	store.Sweeper
	store.Counter
	store.Watcher
}
