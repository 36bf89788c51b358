package storetest

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
)

// An animal is a store that breaks the contract in one way, often one that occurs in a
// real library.
type animal struct {
	name     string
	newStore func() store.Store
	caughtBy []string // cases that must fail, each time, among others
}

var zoo = slices.Concat(
	saveAnimals,
	versionAnimals,
	dataAnimals,
	nameAnimals,
	expiryAnimals,
	farAnimals,
	raceAnimals,
	contextAnimals,
	walkAnimals,
	pageAnimals,
	ownerAnimals,
	sweepAnimals,
	countAnimals,
	watchAnimals,
	boundAnimals,
)

// allCases are all cases for a single store.
var allCases = slices.Concat(cases, raceCases, manyCases, boundCases)

// An altered store is a client some of whose methods are replaced.
type altered struct {
	*client
	load        func(ctx context.Context, k store.Key) (store.Record, error)
	save        func(ctx context.Context, k store.Key, r store.Record) (uint64, error)
	touch       func(ctx context.Context, k store.Key, expires time.Time) error
	delete      func(ctx context.Context, k store.Key) error
	all         func(ctx context.Context) iter.Seq2[store.Entry, error]
	owned       func(ctx context.Context, owner string) iter.Seq2[store.Entry, error]
	deleteOwned func(ctx context.Context, owner string, keep ...store.Key) (int, error)
	sweep       func(ctx context.Context, limit int) (int, error)
	count       func(ctx context.Context) (int, error)
	watch       func(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error)
}

// alter returns a maker of stores that alteration has altered.
func alter(alteration func(s *altered)) func() store.Store {
	return func() store.Store {
		s := &altered{client: newClient()}
		c := s.client
		s.load, s.save, s.touch, s.delete = c.Load, c.Save, c.Touch, c.Delete
		s.all, s.owned, s.deleteOwned = c.All, c.Owned, c.DeleteOwned
		s.sweep, s.count, s.watch = c.Sweep, c.Count, c.Watch
		alteration(s)
		return s
	}
}

func (s *altered) Load(ctx context.Context, k store.Key) (store.Record, error) { return s.load(ctx, k) }

func (s *altered) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	return s.save(ctx, k, r)
}

func (s *altered) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	return s.touch(ctx, k, expires)
}

func (s *altered) Delete(ctx context.Context, k store.Key) error { return s.delete(ctx, k) }

func (s *altered) All(ctx context.Context) iter.Seq2[store.Entry, error] { return s.all(ctx) }

func (s *altered) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	return s.owned(ctx, owner)
}

func (s *altered) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	return s.deleteOwned(ctx, owner, keep...)
}

func (s *altered) Sweep(ctx context.Context, limit int) (int, error) { return s.sweep(ctx, limit) }

func (s *altered) Count(ctx context.Context) (int, error) { return s.count(ctx) }

func (s *altered) Watch(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	return s.watch(ctx, ended)
}

// TestZoo checks that the suite rejects each broken store at the first attempt, by the
// cases meant for it.
func TestZoo(t *testing.T) {
	for _, a := range zoo {
		t.Run(strings.ReplaceAll(a.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			for _, name := range a.caughtBy {
				i := slices.IndexFunc(allCases, func(c testCase) bool { return c.name == name })
				if i < 0 {
					t.Errorf("there is no case %s", name)
				} else if !rejects(t, &allCases[i], rig{s: a.newStore(), hangs: time.Second}) {
					t.Errorf("case %s does not reject the store", name)
				}
			}
		})
	}
}

// TestZooWatched checks that there is an animal for each case.
func TestZooWatched(t *testing.T) {
	caught := make(map[string]bool)
	for _, a := range zoo {
		for _, name := range a.caughtBy {
			caught[name] = true
		}
	}
	for _, c := range allCases {
		if !caught[c.name] {
			t.Errorf("no broken store is meant for case %s, only for %v", c.name, slices.Sorted(maps.Keys(caught)))
		}
	}
}

// rejected runs a suite on a store and returns the cases that failed.
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

// rejects reports whether the case fails on the rig, and logs why.
func rejects(t *testing.T, c *testCase, on rig) bool {
	on.has = make(map[*iface]bool)
	for _, i := range optional {
		on.has[i] = true // all animals have all of them
	}
	on.quick = true
	if on.hangs == 0 {
		on.hangs = time.Minute
	}
	r := &recorder{ctx: t.Context()}
	c.run(r, on)
	if r.failed && !strings.Contains(r.log[len(r.log)-1], c.explanation) {
		t.Errorf("case %s failed without an explanation: %q", c.name, r.log)
	}
	if r.failed {
		t.Logf("%s", strings.Join(r.log, "; "))
	}
	return r.failed
}

// A recorder is a tb that records failures and logs.
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

// TestCases checks that every case has a unique name and an explanation.
func TestCases(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range slices.Concat(allCases, secondCases, skewCases, restartCases) {
		if seen[c.name] || c.name == "" {
			t.Errorf("two cases named %q", c.name)
		}
		seen[c.name] = true
		if c.explanation == "" {
			t.Errorf("case %s has no explanation", c.name)
		}
	}
}
