// Package storetest tests a store against the contract in package store. All
// stores of sesame are tested with it; test yours in the same way:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return mystore.New() })
//	}
//
// A store whose engine is shared by several processes has more promises to keep.
// Options say how to open a second store, how to open one with a wrong clock, and
// how to restart the engine; Run then tests these as well:
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
// [InTurn] combines several stores into one, for your own tests. The package
// needs only the standard library.
package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/sesame-go/sesame/store"
)

// Run tests every sentence of the contract, each in its own subtest. A subtest
// that fails explains what it expects of a store.
//
// Run calls newStore once for itself and once for each subtest. Each call must
// return a store without records that shares nothing with the others, because
// the subtests run in parallel; if they use one database, give each store its own
// table or prefix. newStore may fail or skip the test, and registers its clean-ups
// with [testing.T.Cleanup].
//
// The optional interfaces [store.Lister], [store.OwnerIndex], [store.Sweeper],
// [store.Counter] and [store.Watcher] are tested if [store.Capability] finds
// them and their methods do not return errors.ErrUnsupported; Run logs which
// ones the store lacks. [Second], [Skewed], [Restart] and [Bounded] add cases;
// Run logs which of these options are missing.
//
// Some cases wait for records to expire by the wall clock, a few hundred
// milliseconds each, or longer if the store or the machine is slow. Others create
// thousands of records, or fewer if the store is slow. A slow answer is no
// failure, but a store that answers no call for half a minute fails as hanging. A
// store in memory takes less than a minute, one on a server less than three.
//
// The clock that judges expiry, the store's or its engine's, must not differ from
// that of the test, unless [ClockError] allows it.
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
			t.Logf("%T does not implement %s: its cases do not run", s, i.name)
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

	// Parallel subtests start only when Run's caller has returned, so the restart
	// cases have the engine to themselves.
	if o.restart != nil {
		put(t, restartCases, false, rig.withSecond)
	} else {
		t.Logf("no storetest.Restart: the cases restart-… do not run")
	}
	put(t, cases, true, rig.alone)
	if o.second != nil {
		group("in-turn", inTurnCases, rig.inTurn)
		put(t, secondCases, true, rig.withSecond)
	} else {
		put(t, slices.Concat(raceCases, manyCases), true, rig.alone)
		t.Logf("no storetest.Second: the cases second-… do not run")
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
		t.Logf("no storetest.Bounded: the cases bounded-… do not run")
	}
	if o.skewed != nil {
		group("skewed", skewedCases, rig.outOfStep)
		put(t, skewCases, true, rig.alone)
	} else {
		t.Logf("no storetest.Skewed: the cases skew-… do not run")
	}
}

// A testCase tests one promise of a store.
type testCase struct {
	name        string
	explanation string // the promise, printed if the case fails
	needs       *iface // the optional interface it is about, if any
	f           func(x *trial)
}

// cases test one store at a time. raceCases and manyCases are not among them: they
// test two stores in turn if there are two.
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

// inTurnCases test two stores on one engine in turn. They are about what each must
// know of the other's changes. How a record is encoded and when it expires can be
// tested with one store.
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

// skewedCases have the same outcome at any time of the clock. They test stores
// whose clocks differ, in turn.
var skewedCases = slices.Concat(basicCases, conflictCases, durableCases)

// A tb has the methods of [testing.T] that cases need. The tests of this package
// replace it, to check that broken stores fail without failing themselves.
type tb interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
	Failed() bool
}

// run runs the case on a rig whose store is empty, and reports failures to t.
func (c *testCase) run(t tb, r rig) {
	t.Helper()
	a := newAudit(t)
	x := &trial{tb: a, rig: a.watching(r), ctx: t.Context()}
	a.until(r.hangs, func() { x.guard(func() { c.f(x) }) })
	if t.Failed() {
		t.Logf("%s: %s", c.name, c.explanation)
	}
}
