package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
)

// An Option tells [Run] of more that can be done with the stores it tests, and
// so lets it test more. Without options Run puts its cases to one store at a
// time, in one process and with one clock, on an engine that never stops.
// Stores whose engine several processes share should be run with all three.
type Option func(*setup)

// A setup is what the options say.
type setup struct {
	second  func(t *testing.T, first store.Store) store.Store
	skewed  func(t *testing.T, first store.Store, by time.Duration) store.Store
	restart func(t *testing.T, s store.Store)
}

// Second tells how to open another store on the engine of first: on the same
// file, table, prefix or bucket, but with a connection, a cache and whatever
// else it has in memory of its own, as another process would have them. It
// must not empty the engine. open is called with a store that Run's newStore
// has returned, once at most for each; like newStore it may fail the test and
// register clean-ups.
//
// With it all cases run once more, under "in-turn", with their calls going to
// the two stores in turn, as by [InTurn]; those with a thousand records run
// only there. Cases named second-… are about what
// one of the stores sees of the other's work: what was answered to one caller,
// all see.
//
// Second panics if open is nil.
func Second(open func(t *testing.T, first store.Store) store.Store) Option {
	if open == nil {
		panic("storetest: Second(nil): give it a function that opens another store on the engine of the first")
	}
	return func(o *setup) { o.second = open }
}

// Skewed tells how to open another store on the engine of first, as [Second]
// does, whose clock is ahead by so much, or behind if by is negative. Stores
// that read a clock have an option to replace it. What the engine itself
// measures goes on by the engine's clock, as it does in real life; a store that
// reads no clock at all may ignore by. open is called up to twice for each
// first store, with by between some hundred milliseconds and an hour.
//
// With it the cases of Save, Touch, Delete and Rotate that do not wait run once
// more, under "skewed", with their calls going in turn to first, to one store
// that is 20 seconds ahead and to one that is 20 seconds behind; times may be
// off by that much there, and nothing else. Cases named skew-… are about
// expiry: clocks that differ by d make a record die at most d too early or too
// late, never make a Touch shorten, and never make "has expired" mean "never
// expires".
//
// Skewed panics if open is nil.
func Skewed(open func(t *testing.T, first store.Store, by time.Duration) store.Store) Option {
	if open == nil {
		panic("storetest: Skewed(nil): give it a function that opens a store whose clock is wrong on the engine of the first")
	}
	return func(o *setup) { o.skewed = open }
}

// Restart tells how to stop the engine under s, which newStore has returned,
// and start it again at the same address; restart returns when the engine runs.
// It may stop it as an administrator does or kill it. The engine must be one
// that keeps what it has acknowledged. The store s stays open meanwhile and is
// used from other goroutines.
//
// With it cases named restart-… demand that all that was acknowledged is still
// so, that calls during the outage fail as an outage and never as a missing
// session or a conflict, and that the store finds its way back within 30
// seconds of the restart's end, without being opened anew.
//
// These cases run one at a time and before all others of the same Run, whose
// parallel subtests have not called newStore yet. So one engine may serve all
// stores of a Run. But no other test may use that engine at the same time: the
// test that calls Run must not be parallel itself, or its newStore must start
// an engine for each store. Where restarts are slow a Run of its own does:
//
//	storetest.Run(t, newOnOwnServer, storetest.Restart(restart))
//
// Restart panics if restart is nil.
func Restart(restart func(t *testing.T, s store.Store)) Option {
	if restart == nil {
		panic("storetest: Restart(nil): give it a function that stops and starts the engine of a store")
	}
	return func(o *setup) { o.restart = restart }
}

// A rig is what a case is put to: a store and what the options can do to it.
type rig struct {
	s        store.Store
	second   func() store.Store                 // always the same; nil without Second
	skewed   func(by time.Duration) store.Store // nil without Skewed
	restart  func()                             // nil without Restart
	slack    time.Duration                      // by how much Expires may be off
	patience time.Duration                      // how long a store may take to recover
}

// rig returns the rig of a case that runs as t with the empty store s.
func (o *setup) rig(t *testing.T, s store.Store) rig {
	r := rig{s: s, patience: 30 * time.Second}
	if o.second != nil {
		r.second = sync.OnceValue(func() store.Store { return o.second(t, s) })
	}
	if o.skewed != nil {
		r.skewed = func(by time.Duration) store.Store { return o.skewed(t, s, by) }
	}
	if o.restart != nil {
		r.restart = func() { o.restart(t, s) }
	}
	return r
}

// inTurn has the calls of a case go to two stores in turn.
func (r rig) inTurn() rig {
	r.s = InTurn(r.s, r.second())
	return r
}

// outOfStep has the calls of a case go in turn to stores whose clocks differ.
func (r rig) outOfStep() rig {
	const by = 20 * time.Second
	r.s = InTurn(r.s, r.skewed(by), r.skewed(-by))
	r.slack = 2 * by
	return r
}

// alone is for cases that see to the other stores by themselves.
func (r rig) alone() rig { return r }
