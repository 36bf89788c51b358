// Package storetest checks whether a store keeps the contract of package
// store. Each store of sesame runs it, and so should yours:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return mystore.New() })
//	}
//
// It needs nothing but the standard library.
package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/sesame-go/sesame/store"
)

// Run puts every sentence of the contract to the test, one subtest for each.
// A subtest that fails explains what it expects of a store.
//
// Run calls newStore once for itself and once for each subtest. Each call must
// return a fresh store without records that shares nothing with the others,
// because the subtests run in parallel; if they live in one database, give
// each a table or a prefix of its own. newStore may fail or skip the test and
// register what has to be cleaned up with [testing.T.Cleanup].
//
// The optional interfaces [store.Rotator], [store.Lister], [store.OwnerIndex]
// and [store.Sweeper] are tested if the store implements them; Run logs which
// it does not.
//
// Some cases wait for records to expire by the wall clock, a few hundred
// milliseconds each. The clocks of test and store must not differ by more than
// some fifty milliseconds.
func Run(t *testing.T, newStore func(t *testing.T) store.Store) {
	t.Helper()
	s := newStore(t)
	for _, o := range optional {
		if !o.implementedBy(s) {
			t.Logf("%T is no %s: the cases for it do not apply", s, o.name)
		}
	}
	for _, c := range cases {
		if !c.appliesTo(s) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, newStore(t))
		})
	}
}

// A testCase is one demand on a store.
type testCase struct {
	name        string
	explanation string // the demand, printed if the case fails
	needs       *iface // the optional interface it is about, if any
	f           func(x *trial)
}

var cases = slices.Concat(
	basicCases,
	dataCases,
	expiryCases,
	contextCases,
	raceCases,
	rotateCases,
	listCases,
	ownerCases,
	revokeCases,
	sweepCases,
)

// An iface is an optional interface.
type iface struct {
	name          string
	implementedBy func(store.Store) bool
}

var (
	rotator    = &iface{"store.Rotator", is[store.Rotator]}
	lister     = &iface{"store.Lister", is[store.Lister]}
	ownerIndex = &iface{"store.OwnerIndex", is[store.OwnerIndex]}
	sweeper    = &iface{"store.Sweeper", is[store.Sweeper]}

	optional = []*iface{rotator, lister, ownerIndex, sweeper}
)

func is[I any](s store.Store) bool {
	_, ok := s.(I)
	return ok
}

func (c *testCase) appliesTo(s store.Store) bool {
	return c.needs == nil || c.needs.implementedBy(s)
}

// A tb is what a case needs of a [testing.T]. The tests of this package bring
// another one, to see broken stores fail without failing themselves.
type tb interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
	Failed() bool
}

// run puts the case to s, an empty store, and reports to t.
func (c *testCase) run(t tb, s store.Store) {
	t.Helper()
	x := &trial{tb: t, s: s, ctx: t.Context()}
	x.guard(func() { c.f(x) })
	if t.Failed() {
		t.Logf("%s: %s", c.name, c.explanation)
	}
}
