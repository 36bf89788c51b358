package storetest

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
)

// A beast is a store that is correct alone, and breaks the contract on an engine that is
// shared or restarts.
type beast struct {
	name     string
	wrap     func(c *client) store.Store // nil if the fault is in the engine
	restart  func(e *engine)             // nil if the fault is in the store
	relative bool
	caughtBy []string // cases that must fail, among others
}

var herd = []beast{
	{name: "caches what it loads", wrap: newCache,
		caughtBy: []string{"second-load", "second-delete", "in-turn/save"}},
	{name: "creates what it does not know", wrap: newKnowing,
		caughtBy: []string{"second-race", "in-turn/create-existing"}},
	{name: "trusts its own versions", wrap: newTrusting,
		caughtBy: []string{"second-stale"}},
	{name: "counts versions by itself", wrap: newOwnCounter,
		caughtBy: []string{"second-versions", "in-turn/version-changes"}},
	{name: "touch writes what it knows", wrap: newReviver,
		caughtBy: []string{"second-touch"}},
	{name: "indexes its own", wrap: newOwnIndex,
		caughtBy: []string{"second-owned", "second-owned-race"}},
	{name: "lists its own", wrap: newOwnList,
		caughtBy: []string{"second-all"}},

	{name: "counts its own", wrap: newOwnCount,
		caughtBy: []string{"second-count"}},
	{name: "tells of its own", wrap: newOwnWatch,
		caughtBy: []string{"second-watch"}},

	{name: "deletes by timestamp", wrap: newTimestamps,
		caughtBy: []string{"skewed/delete"}},
	{name: "takes skew for no expiry", wrap: func(c *client) store.Store { return &skewForever{c} }, relative: true,
		caughtBy: []string{"skew-past"}},
	{name: "counts being ahead twice", wrap: func(c *client) store.Store { return &skewTwice{c, true} },
		caughtBy: []string{"skew-expiry"}},
	{name: "counts being behind twice", wrap: func(c *client) store.Store { return &skewTwice{c, false} },
		caughtBy: []string{"skew-expiry"}},
	{name: "touch sets a time to live", wrap: func(c *client) store.Store { return &touchSets{c} }, relative: true,
		caughtBy: []string{"skew-touch", "skew-touch-lives"}},
	{name: "sweeps with a margin", wrap: func(c *client) store.Store { return &hastySweep{c} },
		caughtBy: []string{"skew-sweep"}},

	{name: "deletes what is live by its clock", wrap: func(c *client) store.Store { return &liveOnly{c} },
		caughtBy: []string{"skew-delete-owned"}},

	{name: "restart loses all", restart: func(e *engine) { clear(e.records) },
		caughtBy: []string{"restart-kept", "restart-midst"}},
	{name: "restart revives", restart: revive,
		caughtBy: []string{"restart-kept", "restart-midst"}},
	{name: "restart forgets touches", restart: forgetTouches,
		caughtBy: []string{"restart-kept"}},
	{name: "restart rolls back", restart: rollBack,
		caughtBy: []string{"restart-kept", "restart-midst"}},
	{name: "restart counts from zero", restart: func(e *engine) { e.version = 0 },
		caughtBy: []string{"restart-versions"}},
	{name: "restart loses the index", restart: forgetOwners,
		caughtBy: []string{"restart-kept"}},
	{name: "not found in an outage", wrap: func(c *client) store.Store { return &quietOutage{c} },
		caughtBy: []string{"restart-midst"}},
	{name: "conflict in an outage", wrap: func(c *client) store.Store { return &conflictOutage{c} },
		caughtBy: []string{"restart-midst"}},
	{name: "does not recover", wrap: func(c *client) store.Store { return &brokenForGood{c} },
		caughtBy: []string{"restart-kept", "restart-midst"}},
	{name: "watches nothing after a restart", wrap: func(c *client) store.Store { return &deafWatch{c} },
		caughtBy: []string{"restart-watch"}},
}

// rig returns a rig of beasts on a new engine.
func (b *beast) rig() rig {
	e := newEngine()
	open := func(by time.Duration) store.Store {
		c := &client{engine: e, by: by, relative: b.relative}
		if b.wrap == nil {
			return c
		}
		return b.wrap(c)
	}
	second := open(0)
	return rig{
		s:          open(0),
		second:     second,
		openSecond: func() store.Store { return second },
		skewed:     open,
		restart:    func() { e.restart(b.restart) },
		patience:   300 * time.Millisecond,
		hangs:      time.Minute,
	}
}

// sharedSuite returns all cases for stores that share an engine, by the names of the
// subtests.
func sharedSuite() map[string]func(t *testing.T, r rig) bool {
	suite := make(map[string]func(t *testing.T, r rig) bool)
	add := func(prefix string, cases []testCase, arrange func(rig) rig) {
		for i := range cases {
			suite[prefix+cases[i].name] = func(t *testing.T, r rig) bool { return rejects(t, &cases[i], arrange(r)) }
		}
	}
	add("", slices.Concat(secondCases, skewCases, restartCases), rig.alone)
	add("in-turn/", inTurnCases, rig.inTurn)
	add("skewed/", skewedCases, rig.outOfStep)
	return suite
}

// TestHerd checks that the suite rejects each beast by the cases meant for it, and that
// it passes the cases for a single store.
func TestHerd(t *testing.T) {
	suite := sharedSuite()
	for _, b := range herd {
		t.Run(strings.ReplaceAll(b.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			for _, name := range b.caughtBy {
				rejects, ok := suite[name]
				if !ok {
					t.Errorf("there is no case %s", name)
					continue
				}
				caught := false
				for try := 0; !caught && try < 20; try++ {
					caught = rejects(t, b.rig())
				}
				if !caught {
					t.Errorf("case %s does not reject the stores", name)
				}
			}
			for name := range rejected(t, basicCases, func() store.Store { return b.rig().s }) {
				t.Errorf("case %s rejects a single store: it is broken in more than one way", name)
			}
		})
	}
}

// TestHerdWatched checks that there is a beast for each case that needs more than one
// store.
func TestHerdWatched(t *testing.T) {
	caught := make(map[string]bool)
	for _, b := range herd {
		for _, name := range b.caughtBy {
			caught[name] = true
		}
	}
	for _, c := range slices.Concat(secondCases, skewCases, restartCases) {
		if !caught[c.name] {
			t.Errorf("no broken store is meant for case %s, only for %v", c.name, slices.Sorted(maps.Keys(caught)))
		}
	}
}
