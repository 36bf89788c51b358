package storetest

import (
	"io"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestInTurnInterfaces sees that a store in turn has exactly the interfaces
// that all of its stores have, for every set of them.
func TestInTurnInterfaces(t *testing.T) {
	whole := &turns{stores: []store.Store{memstore.New()}}
	for a := range 1 << len(optional) {
		for b := range 1 << len(optional) {
			s := InTurn(whole.only(a), whole.only(b))
			for i, o := range optional {
				if want := a&b>>i&1 == 1; o.implementedBy(s) != want {
					t.Errorf("sets %04b and %04b: is a %s: %t, want %t", a, b, o.name, !want, want)
				}
			}
			if is[io.Closer](s) || is[store.Pinger](s) {
				t.Errorf("sets %04b and %04b: more interfaces than those of records", a, b)
			}
		}
	}
}

// TestInTurnCalls sees that every method gives each call to the next store.
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
		func() { s.Rotate(ctx, k, store.Key{1}, store.Record{Version: 1}) },
		func() { s.DeleteOwned(ctx, "ann") },
		func() { s.Sweep(ctx, 1) },
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

// TestOptionsPanic sees that a missing function is found where it is given.
func TestOptionsPanic(t *testing.T) {
	panics(t, func() { Second(nil) })
	panics(t, func() { Skewed(nil) })
	panics(t, func() { Restart(nil) })
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

// A whole store has all of the optional interfaces.
type whole interface {
	store.Store
	store.Rotator
	store.Lister
	store.OwnerIndex
	store.Sweeper
}
