package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
)

// An Option tells [Run] of more that can be done with the stores it tests, and
// so lets it test more, or of a freedom that they take. Without options Run
// puts its cases to one store at a time, in one process and with one clock, on
// an engine that never stops. Stores whose engine several processes share
// should be run with [Second], [Skewed] and [Restart].
type Option interface{ apply(*setup) }

type option func(*setup)

func (o option) apply(s *setup) { o(s) }

// A setup is what the options say, and what the first store has shown.
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

// Second tells how to open another store on the engine of first: on the same
// file, table, prefix or bucket, but with a connection, a cache and whatever
// else it has in memory of its own, as another process would have them. It
// must not empty the engine. open is called with a store that Run's newStore
// has returned, once at most for each; like newStore it may fail the test and
// register clean-ups.
//
// With it the cases of Load, Save and Delete that do not wait, and those of
// versions, walks, owners and watchers, run once more, under "in-turn", with
// their calls going to the two stores in turn, as by [InTurn]; those that race
// or have thousands of records run only there. Cases named second-… are about
// what one of the stores sees of the other's work: what was answered to one
// caller, all see.
//
// Second panics if open is nil.
func Second(open func(t *testing.T, first store.Store) store.Store) Option {
	if open == nil {
		panic("storetest: Second(nil): give it a function that opens another store on the engine of the first")
	}
	return option(func(o *setup) { o.second = open })
}

// Skewed tells how to open another store on the engine of first, as [Second]
// does, whose clock is ahead by so much, or behind if by is negative. Stores
// that read a clock have an option to replace it. What the engine itself
// measures goes on by the engine's clock, as it does in real life; a store that
// reads no clock at all may ignore by. open is called some times for each
// first store, with by between some hundred milliseconds and a little more than
// an hour, or than the time given to [SweepGrace] if that is longer.
//
// With it the cases of Load, Save, Touch and Delete that neither wait nor race
// run once more, under "skewed", with their calls going in turn to first, to one store
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
	return option(func(o *setup) { o.skewed = open })
}

// Restart tells how to stop the engine under s, which newStore has returned,
// and start it again at the same address; restart returns when the engine runs.
// It may stop it as an administrator does or kill it. The engine must be one
// that keeps what it has acknowledged. The store s stays open and is used from
// other goroutines throughout.
//
// With it cases named restart-… demand that all that was acknowledged is still
// so, that calls during the outage fail as an outage and never as a missing
// session or a conflict, and that the store finds its way back within 30
// seconds of the restart's end, without being opened again.
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
	return option(func(o *setup) { o.restart = restart })
}

// Bounded tells how to make an empty store that is like those of Run's newStore
// and has little room: for so many records as it is told, each with 1,000 bytes
// of data and an owner of at most 8 bytes, or for somewhat more, but not for
// twice as many. Like newStore it may fail the test and register clean-ups. It
// is for stores that bound what they keep. One that bounds in several ways, as
// by number and by bytes, is given the option once for each.
//
// With it the cases bounded-… demand that one owner shuts no other out and that
// visitors log no user out: in a full store each Save succeeds, what makes room
// goes in the order that [store.Store] says, and no more goes than has to.
//
// Bounded panics if newStore is nil.
func Bounded(newStore func(t *testing.T, records int) store.Store) Option {
	if newStore == nil {
		panic("storetest: Bounded(nil): give it a function that makes a store with little room")
	}
	return option(func(o *setup) { o.bounded = append(o.bounded, newStore) })
}

// SweepGrace says that Sweep leaves what expired less than d ago, zero by
// default. A store whose engine several machines share takes this freedom, so
// that a machine whose clock is ahead does not remove what is live for the
// others.
//
// With it Run demands that Sweep does leave such records. That it removes older
// ones is tested with a clock that is ahead, which needs [Skewed] too.
//
// SweepGrace panics if d is negative.
func SweepGrace(d time.Duration) Option {
	if d < 0 {
		panic(fmt.Sprintf("storetest: SweepGrace(%v): give it the time after expiry during which Sweep leaves a record, or leave it out", d))
	}
	return option(func(o *setup) { o.grace = d })
}

// ClockError says by how much the clock that judges expiry may differ from that
// of the test, zero by default. Give it for an engine that measures time itself
// and runs on another machine. Run tests to the millisecond, more or less, when
// a record dies, and adds d on both sides.
//
// ClockError panics if d is negative or more than 50 milliseconds: no case
// could tell an early expiry from a late one.
func ClockError(d time.Duration) Option {
	if d < 0 || d > 50*time.Millisecond {
		panic(fmt.Sprintf("storetest: ClockError(%v): it must be 0 to 50ms; set the clocks, or run the engine on the machine of the test", d))
	}
	return option(func(o *setup) { o.error = d })
}

// A rig is what a case is put to: a store and what the options can do to it.
type rig struct {
	s          store.Store
	has        map[*iface]bool                    // the optional interfaces of s
	quick      bool                               // what takes long is the machine's fault, see isQuick
	openSecond func() store.Store                 // nil without Second
	second     store.Store                        // what it opened, for the cases that need it
	skewed     func(by time.Duration) store.Store // nil without Skewed
	restart    func()                             // nil without Restart
	grace      time.Duration                      // for how long Sweep leaves what has expired
	error      time.Duration                      // how wrong the clock may be that judges expiry
	slack      time.Duration                      // by how much Expires may be off
	patience   time.Duration                      // how long a store may take to recover
	hangs      time.Duration                      // how long calls may go without an answer
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

// inTurn has the calls of a case go to two stores in turn.
func (r rig) inTurn() rig {
	r.s = InTurn(r.s, r.openSecond())
	return r
}

// outOfStep has the calls of a case go in turn to stores whose clocks differ.
func (r rig) outOfStep() rig {
	const by = 20 * time.Second
	r.s = InTurn(r.s, r.skewed(by), r.skewed(-by))
	r.slack = 2 * by
	return r
}
