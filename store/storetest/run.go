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
//			storetest.SweepGrace(time.Hour),
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
// return a store without records that shares nothing with the others, because
// the subtests run in parallel; if they live in one database, give each a
// table or a prefix of its own. newStore may fail or skip the test and register
// what has to be cleaned up with [testing.T.Cleanup].
//
// The optional interfaces [store.Lister], [store.OwnerIndex], [store.Sweeper],
// [store.Counter] and [store.Watcher] are tested if [store.Capability] finds
// them and their methods do not return errors.ErrUnsupported; Run logs which
// the store lacks. [Second], [Skewed], [Restart] and [Bounded] add cases that
// need other stores; Run logs which of them are missing.
//
// Some cases wait for records to expire by the wall clock, a few hundred
// milliseconds each, or longer if store and machine are slow. Others create
// thousands of records, fewer if the store is slow. Slow answers are not wrong,
// but a store that answers no call for half a minute hangs. A store in memory
// takes less than a minute, one on a server less than three.
//
// The clock that judges expiry, be it the store's or its engine's, must not
// differ from that of the test, see [ClockError].
func Run(t *testing.T, newStore func(t *testing.T) store.Store, opts ...Option) {
	t.Helper()
	var o setup
	for _, opt := range opts {
		opt.apply(&o)
	}
	s := newStore(t)
	o.has, o.quick = capabilities(t.Context(), s), isQuick(t.Context(), s)
	for _, i := range optional {
		if !o.has[i] {
			t.Logf("%T is no %s: the cases for it do not apply", s, i.name)
		}
	}
	put := func(t *testing.T, suite []testCase, parallel bool, arrange func(rig) rig) {
		for _, c := range suite {
			if c.needs != nil && !o.has[c.needs] {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				if parallel {
					t.Parallel()
				}
				c.run(t, arrange(o.rig(t, newStore(t))))
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
		put(t, restartCases, false, rig.withSecond)
	} else {
		t.Logf("no storetest.Restart: the cases restart-… do not apply")
	}
	put(t, cases, true, rig.alone)
	if o.second != nil {
		group("in-turn", inTurnCases, rig.inTurn)
		put(t, secondCases, true, rig.withSecond)
	} else {
		put(t, slices.Concat(raceCases, manyCases), true, rig.alone)
		t.Logf("no storetest.Second: the cases second-… do not apply")
	}
	for _, bounded := range o.bounded {
		t.Run("bounded", func(t *testing.T) {
			t.Parallel()
			for _, c := range boundCases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(t, o.rig(t, bounded(t, boundedRoom)))
				})
			}
		})
	}
	if o.bounded == nil {
		t.Logf("no storetest.Bounded: the cases bounded-… do not apply")
	}
	if o.skewed != nil {
		group("skewed", skewedCases, rig.outOfStep)
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

// cases are put to one store at a time, raceCases and manyCases to two in turn if
// there are two.
var cases = slices.Concat(
	basicCases,
	conflictCases,
	durableCases,
	versionCases,
	dataCases,
	nameCases,
	expiryCases,
	touchCases,
	edgeCases,
	farCases,
	ttlCases,
	contextCases,
	cancelCases,
	listCases,
	walkCases,
	ownerCases,
	revokeCases,
	sweepCases,
	countCases,
	watchCases,
)

// inTurnCases are put to two stores on one engine in turn. They are about what
// one of them must know of the other's work. How a record is written, and when it
// expires, one store shows as well.
var inTurnCases = slices.Concat(
	basicCases,
	conflictCases,
	durableCases,
	raceCases,
	versionCases,
	listCases,
	walkCases,
	ownerCases,
	revokeCases,
	watchCases,
	manyCases,
)

// skewedCases have the same outcome whatever the time is. They are put in turn to
// stores whose clocks differ.
var skewedCases = slices.Concat(basicCases, conflictCases, durableCases)

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
	a := newAudit(t)
	x := &trial{tb: a, rig: a.watching(r), ctx: t.Context()}
	a.until(r.hangs, func() { x.guard(func() { c.f(x) }) })
	if t.Failed() {
		t.Logf("%s: %s", c.name, c.explanation)
	}
}
