package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
)

// An Option lets [Run] test more, or tells it of a liberty that the store takes.
// Without options Run tests one store at a time, with one clock, on an engine
// that never stops. A store whose engine is shared by several processes should
// be tested with [Second], [Skewed] and [Restart].
type Option interface{ apply(*setup) }

type option func(*setup)

func (o option) apply(s *setup) { o(s) }

// A setup has the options, and what Run has learned from the first store.
type setup struct {
	second  func(t *testing.T, first store.Store) store.Store
	skewed  func(t *testing.T, first store.Store, by time.Duration) store.Store
	restart func(t *testing.T, s store.Store)
	bounded []func(t *testing.T, records int) store.Store
	grace   time.Duration
	error   time.Duration
	quick   bool
	has     map[*iface]bool
}

// Second says how to open a second store on the engine of first, as another
// process would: on the same file, table, prefix or bucket, but with its own
// connection, cache and other state in memory. It must not empty the engine. Run
// calls open with a store that newStore has returned, at most once for each
// store. Like newStore, open may fail the test and register clean-ups.
//
// With Second, the cases of Load, Save and Delete that do not wait, and those of
// versions, walks, owners and watchers, run a second time under "in-turn", where
// their calls alternate between the two stores as with [InTurn]. Cases with
// races or thousands of records then run only there. The cases second-… test
// that each store sees the changes that the other has acknowledged.
//
// Second panics if open is nil.
func Second(open func(t *testing.T, first store.Store) store.Store) Option {
	if open == nil {
		panic("storetest: Second(nil): give it a function that opens another store on the engine of the first")
	}
	return option(func(o *setup) { o.second = open })
}

// Skewed says how to open another store on the engine of first, as [Second]
// does, whose clock is ahead by the duration by, or behind if by is negative.
// Stores that read a clock have an option to replace it. Times that the engine
// measures still follow the engine's clock, as in production; a store that reads
// no clock may ignore by. Run calls open several times for each first store. By
// is at least some hundred milliseconds in either direction, and at most a little
// more than an hour, or than the time given to [SweepGrace] if that is longer.
//
// With Skewed, the cases of Load, Save, Touch and Delete that neither wait nor
// race run a second time under "skewed". Their calls go in turn to first, to a
// store whose clock is 20 seconds ahead and to one whose clock is 20 seconds
// behind; times may be off by that much, and nothing else may differ. The cases
// skew-… test expiry: if clocks differ by d, a record expires at most d too early
// or too late, a Touch never shortens, and "expired" never becomes "never
// expires".
//
// Skewed panics if open is nil.
func Skewed(open func(t *testing.T, first store.Store, by time.Duration) store.Store) Option {
	if open == nil {
		panic("storetest: Skewed(nil): give it a function that opens a store with a wrong clock on the engine of the first")
	}
	return option(func(o *setup) { o.skewed = open })
}

// Restart says how to stop the engine of s, a store that newStore has returned,
// and start it again at the same address; restart returns when the engine is
// running. It may shut the engine down or kill it. The engine must keep every
// change that it has acknowledged. The store s stays open, and other goroutines
// use it during the restart.
//
// With Restart, the cases restart-… test that every acknowledged change is still
// there, that calls during the outage return an error that means an outage and
// never ErrNotFound or ErrConflict, and that the store recovers within 30 seconds
// after restart has returned, without being reopened.
//
// These cases run one at a time and before all others of the same Run, whose
// parallel subtests have not called newStore yet. So one engine may serve all
// stores of a Run. But no other test may use that engine at the same time: either
// the test that calls Run is not parallel, or newStore starts an engine for each
// store. If restarts are slow, give them a Run of their own:
//
//	storetest.Run(t, newOnOwnServer, storetest.Restart(restart))
//
// Restart panics if restart is nil.
func Restart(restart func(t *testing.T, s store.Store)) Option {
	if restart == nil {
		panic("storetest: Restart(nil): give it a function that stops and starts the engine of a store")
	}
	return option(func(o *setup) { o.restart = restart })
}

// Bounded is for stores that bound what they keep. It says how to make an empty
// store, like those of Run's newStore, with room for the given number of records
// or somewhat more, but not twice as many; each record has 1,000 bytes of data
// and an owner of at most 8 bytes. Like Run's newStore, it may fail the test and
// register clean-ups. If a store has several bounds, such as a number of records
// and a number of bytes, give the option once for each.
//
// With Bounded, the cases bounded-… test that one owner cannot shut out others
// and that visitors log no user out: in a full store each Save succeeds, records
// are dropped in the order that [store.Store] defines, and no more of them than
// necessary.
//
// Bounded panics if newStore is nil.
func Bounded(newStore func(t *testing.T, records int) store.Store) Option {
	if newStore == nil {
		panic("storetest: Bounded(nil): give it a function that makes a store with little room")
	}
	return option(func(o *setup) { o.bounded = append(o.bounded, newStore) })
}

// SweepGrace says that Sweep leaves records that expired less than d ago; the
// default is zero. Stores whose engine is shared by several machines do so, in
// order that a machine whose clock is ahead does not remove records that are live
// for the others.
//
// With SweepGrace, Run tests that Sweep leaves such records. That it removes older
// ones is tested with a clock that is ahead, and only if [Skewed] is given too.
//
// SweepGrace panics if d is negative.
func SweepGrace(d time.Duration) Option {
	if d < 0 {
		panic(fmt.Sprintf("storetest: SweepGrace(%v): give it the time after expiry during which Sweep leaves a record, or omit the option", d))
	}
	return option(func(o *setup) { o.grace = d })
}

// ClockError says by how much the clock that judges expiry may differ from that
// of the test; the default is zero. It is for an engine that measures time itself
// and runs on another machine. Run tests the moment of expiry to within a few
// milliseconds, and allows d more in both directions.
//
// ClockError panics if d is negative or more than 50 milliseconds, because the
// cases could then not tell a wrong expiry from a right one.
func ClockError(d time.Duration) Option {
	if d < 0 || d > 50*time.Millisecond {
		panic(fmt.Sprintf("storetest: ClockError(%v): it must be 0 to 50ms; set the clocks, or run the engine on the machine of the test", d))
	}
	return option(func(o *setup) { o.error = d })
}

// A rig is what a case tests: a store, and what the options can do with it.
type rig struct {
	s          store.Store
	has        map[*iface]bool                    // the optional interfaces of s
	quick      bool                               // s is in memory, so delays are the machine's fault, see isQuick
	openSecond func() store.Store                 // nil without Second
	second     store.Store                        // the store that openSecond opened, for the cases that need it
	skewed     func(by time.Duration) store.Store // nil without Skewed
	restart    func()                             // nil without Restart
	grace      time.Duration                      // how long Sweep leaves an expired record
	error      time.Duration                      // how much the clock that judges expiry may differ
	slack      time.Duration                      // how much Expires may be off
	patience   time.Duration                      // how long a store may take to recover
	hangs      time.Duration                      // how long a call may take before it counts as hanging
}

// rig returns the rig of a case that runs as t with the empty store s.
func (o *setup) rig(t *testing.T, s store.Store) rig {
	r := rig{s: s, has: o.has, quick: o.quick, grace: o.grace, error: o.error, patience: 30 * time.Second, hangs: 30 * time.Second}
	if o.second != nil {
		r.openSecond = func() store.Store { return o.second(t, s) }
	}
	if o.skewed != nil {
		r.skewed = func(by time.Duration) store.Store { return o.skewed(t, s, by) }
	}
	if o.restart != nil {
		r.restart = func() { o.restart(t, s) }
	}
	return r
}

// alone is for cases with one store.
func (r rig) alone() rig { return r }

// withSecond is for cases that call the second store by themselves.
func (r rig) withSecond() rig {
	if r.openSecond != nil {
		r.second = r.openSecond()
	}
	return r
}

// inTurn lets the calls of a case alternate between two stores.
func (r rig) inTurn() rig {
	r.s = InTurn(r.s, r.openSecond())
	return r
}

// outOfStep lets the calls of a case go in turn to stores whose clocks differ.
func (r rig) outOfStep() rig {
	const by = 20 * time.Second
	r.s = InTurn(r.s, r.skewed(by), r.skewed(-by))
	r.slack = 2 * by
	return r
}
