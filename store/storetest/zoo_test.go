package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// An animal is a store that breaks the contract in one way.
type animal struct {
	name     string
	newStore func() store.Store
	caughtBy []string // cases that must fail, among others
}

var zoo = []animal{
	{"upsert", func() store.Store { return &upsert{Store: memstore.New()} },
		[]string{"create-existing", "save-stale", "save-missing", "save-deleted"}},
	{"check then write", func() store.Store { return &checkThenWrite{Store: memstore.New()} },
		[]string{"race-create", "race-save", "race-count", "race-save-delete"}},
	{"create overwrites", func() store.Store { return &createOverwrites{Store: memstore.New()} },
		[]string{"create-existing", "race-create"}},
	{"touch creates", func() store.Store { return &touchCreates{Store: memstore.New()} },
		[]string{"touch-never-creates", "delete-final", "expired"}},
	{"touch shortens", func() store.Store { return &touchShortens{Store: memstore.New()} },
		[]string{"touch-never-shortens"}},
	{"touch writes back", func() store.Store { return &touchWritesBack{Store: memstore.New()} },
		[]string{"race-touch-save", "race-touch-delete"}},
	{"delete is soft", func() store.Store { return &softDelete{Store: memstore.New()} },
		[]string{"delete-final"}},
	{"delete comes later", func() store.Store { return &lateDelete{Store: memstore.New()} },
		[]string{"delete"}},
	{"aliases on save", func() store.Store { return newReference(aliasOnSave) },
		[]string{"alias-save"}},
	{"aliases on load", func() store.Store { return newReference(aliasOnLoad) },
		[]string{"alias-load"}},
	{"buffer reused", func() store.Store { return newReference(reuseOnSave) },
		[]string{"alias-retained"}},
	{"serves the expired", func() store.Store { return newReference(neverExpire) },
		[]string{"expired", "expired-unread", "past-created"}},
	{"past means for ever", func() store.Store { return &pastIsForever{Store: memstore.New()} },
		[]string{"past-created", "past-saved"}},
	{"seconds only", func() store.Store { return &secondsOnly{Store: memstore.New()} },
		[]string{"expiry-kept"}},
	{"version starts anew", func() store.Store { return newReference(versionPerRecord) },
		[]string{"version-not-reused"}},
	{"keys lose their case", func() store.Store { return &lowerKeys{Store: memstore.New()} },
		[]string{"keys"}},
	{"ignores contexts", func() store.Store { return &noContext{Store: memstore.New()} },
		[]string{"context"}},
	{"sweeps what it saw", func() store.Store { return &staleSweep{Store: memstore.New()} },
		[]string{"sweep-extended", "sweep-race"}},
	{"sweeps nothing", func() store.Store { return &lazySweep{Store: memstore.New()} },
		[]string{"sweep"}},
	{"sweeps without limit", func() store.Store { return &greedySweep{Store: memstore.New()} },
		[]string{"sweep"}},
	{"index keeps the first owner", func() store.Store { return newStaleIndex() },
		[]string{"owned-in-step", "ttl-owner-changed"}},
	{"deletes by a snapshot", func() store.Store { return &snapshotDelete{Store: memstore.New()} },
		[]string{"delete-owned-race-rotate"}},
	{"rotates in two steps", func() store.Store { return &twoSteps{Store: memstore.New()} },
		[]string{"rotate-atomic", "rotate-race-rotate", "rotate-race-save"}},
	{"walk stops early", func() store.Store { return &shortWalk{Store: memstore.New()} },
		[]string{"all-many", "all-race"}},
	{"index forgets on touch", func() store.Store { return newTimedIndex(false) },
		[]string{"owned-touched", "ttl-owned"}},
	{"index lives as long as its last", func() store.Store { return newTimedIndex(true) },
		[]string{"ttl-owned"}},
	{"index has one page", func() store.Store { return &onePage{Store: memstore.New()} },
		[]string{"owned-thousand"}},
	{"counts the expired", func() store.Store { return newHoarder() },
		[]string{"ttl-owned", "ttl-all"}},
	{"timer is never reset", func() store.Store { return &unresetTimer{Store: memstore.New()} },
		[]string{"ttl-save", "ttl-successor"}},
	{"walk ends quietly", func() store.Store { return &quietWalk{Store: memstore.New()} },
		[]string{"all-cancel", "context-all"}},
}

// TestZoo sees that the suite rejects each broken store, by the cases that are
// meant for it.
func TestZoo(t *testing.T) {
	whole := slices.Concat(cases, manyCases)
	for _, a := range zoo {
		t.Run(strings.ReplaceAll(a.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			suite := whole
			if _, ok := a.newStore().(*reference); ok {
				// Its flaws are no matter of chance, but the race detector
				// would find them in the cases with several goroutines.
				suite = slices.Concat(basicCases, dataCases, expiryCases)
			}
			failed := rejected(t, suite, a.newStore)
			for _, name := range a.caughtBy {
				i := slices.IndexFunc(whole, func(c testCase) bool { return c.name == name })
				if i < 0 {
					t.Errorf("there is no case %s", name)
					continue
				}
				// A race may take several attempts on a busy machine.
				for try := 0; !failed[name] && try < 20; try++ {
					if rejects(t, &whole[i], rig{s: a.newStore()}) {
						failed[name] = true
					}
				}
				if !failed[name] {
					t.Errorf("case %s does not reject the store", name)
				}
			}
			t.Logf("rejected by %d cases: %v", len(failed), slices.Sorted(maps.Keys(failed)))
		})
	}
}

// rejected puts a suite to a store and returns the cases that failed.
func rejected(t *testing.T, suite []testCase, newStore func() store.Store) map[string]bool {
	var wg sync.WaitGroup
	var mu sync.Mutex
	failed := make(map[string]bool)
	for i := range suite {
		wg.Go(func() {
			if c := &suite[i]; rejects(t, c, rig{s: newStore()}) {
				mu.Lock()
				defer mu.Unlock()
				failed[c.name] = true
			}
		})
	}
	wg.Wait()
	return failed
}

// rejects reports whether the case fails, and says why, for the rig.
func rejects(t *testing.T, c *testCase, on rig) bool {
	if !c.appliesTo(on.s) {
		return false
	}
	r := &recorder{ctx: t.Context()}
	c.run(r, on)
	if r.failed && !strings.Contains(r.log[len(r.log)-1], c.explanation) {
		t.Errorf("case %s failed without an explanation: %q", c.name, r.log)
	}
	return r.failed
}

// A recorder is a tb that keeps what it is told.
type recorder struct {
	ctx    context.Context
	mu     sync.Mutex
	failed bool
	log    []string
}

func (r *recorder) Helper() {}

func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
	r.log = append(r.log, fmt.Sprintf(format, args...))
}

func (r *recorder) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, fmt.Sprintf(format, args...))
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// TestReference sees that four methods are enough and that a store which is
// as simple as can be passes.
func TestReference(t *testing.T) {
	Run(t, func(t *testing.T) store.Store { return newReference(correct) })
}

// TestCases sees to it that every case has a name of its own and an
// explanation.
func TestCases(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range slices.Concat(cases, manyCases, secondCases, skewCases, restartCases) {
		if seen[c.name] || c.name == "" {
			t.Errorf("two cases named %q", c.name)
		}
		seen[c.name] = true
		if c.explanation == "" {
			t.Errorf("case %s has no explanation", c.name)
		}
	}
}
