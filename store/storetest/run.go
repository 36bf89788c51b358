// Package storetest checks whether a store keeps the contract of package
// store. Each store of sesame runs it, and so should yours:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return mystore.New() })
//	}
//
// A store on an engine that several processes share has more to keep. Options
// say how to open it a second time, with a wrong clock, and how to restart its
// engine; Run then tests these too:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, newOnServer,
//			storetest.Second(another),
//			storetest.Skewed(withClock),
//			storetest.Restart(restartServer),
//		)
//	}
//
// [InTurn] makes one store of several for tests of your own. The package needs
// nothing but the standard library.
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
// it does not. [Second], [Skewed] and [Restart] add cases that need more than
// one store; Run logs which of them are missing.
//
// Some cases wait for records to expire by the wall clock, a few hundred
// milliseconds each, or longer if store and machine are slow. Slow answers are
// not wrong. The clocks of test and store, and of the store's engine, must not
// differ by more than some fifty milliseconds.
func Run(t *testing.T, newStore func(t *testing.T) store.Store, opts ...Option) {
	t.Helper()
	var o setup
	for _, opt := range opts {
		opt(&o)
	}
	s := newStore(t)
	for _, i := range optional {
		if !i.implementedBy(s) {
			t.Logf("%T is no %s: the cases for it do not apply", s, i.name)
		}
	}
	put := func(t *testing.T, suite []testCase, parallel bool, arrange func(rig) rig) {
		for _, c := range suite {
			if !c.appliesTo(s) {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				if parallel {
					t.Parallel()
				}
				r := arrange(o.rig(t, newStore(t)))
				if !c.appliesTo(r.s) {
					t.Fatalf("another store on the engine is no %s, as the first is", c.needs.name)
				}
				c.run(t, r)
			})
		}
	}
	group := func(name string, suite []testCase, arrange func(rig) rig) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			put(t, suite, true, arrange)
		})
	}

	// Parallel subtests do not begin before Run's caller has returned, so
	// these have the engine to themselves.
	if o.restart != nil {
		put(t, restartCases, false, rig.alone)
	} else {
		t.Logf("no storetest.Restart: the cases restart-… do not apply")
	}
	put(t, cases, true, rig.alone)
	if o.second != nil {
		group("in-turn", slices.Concat(cases, manyCases), rig.inTurn)
		put(t, secondCases, true, rig.alone)
	} else {
		put(t, manyCases, true, rig.alone)
		t.Logf("no storetest.Second: the cases second-… do not apply")
	}
	if o.skewed != nil {
		group("skewed", timelessCases, rig.outOfStep)
		put(t, skewCases, true, rig.alone)
	} else {
		t.Logf("no storetest.Skewed: the cases skew-… do not apply")
	}
}

// A testCase is one demand on a store.
type testCase struct {
	name        string
	explanation string // the demand, printed if the case fails
	needs       *iface // the optional interface it is about, if any
	f           func(x *trial)
}

// cases are put to one store at a time, and to two in turn.
var cases = slices.Concat(
	timelessCases,
	dataCases,
	expiryCases,
	ttlCases,
	contextCases,
	listCases,
	ownerCases,
	revokeCases,
	sweepCases,
)

// timelessCases have the same outcome whatever the time is.
var timelessCases = slices.Concat(
	basicCases,
	raceCases,
	rotateCases,
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

// run puts the case to a rig, whose store is empty, and reports to t.
func (c *testCase) run(t tb, r rig) {
	t.Helper()
	x := &trial{tb: t, rig: r, ctx: t.Context()}
	x.guard(func() { c.f(x) })
	if t.Failed() {
		t.Logf("%s: %s", c.name, c.explanation)
	}
}
