package storetest

import (
	"context"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
)

// A slow client answers correctly but late: sometimes the call takes long to arrive, and
// sometimes the answer.
type slow struct {
	*client
	most time.Duration
}

// delay delays a call or its answer. Most delays are short and some very long.
func (s *slow) delay() {
	f := rand.Float64()
	time.Sleep(time.Duration(f * f * f * float64(s.most)))
}

func (s *slow) Load(ctx context.Context, k store.Key) (store.Record, error) {
	s.delay()
	defer s.delay()
	return s.client.Load(ctx, k)
}

func (s *slow) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	s.delay()
	defer s.delay()
	return s.client.Save(ctx, k, r)
}

func (s *slow) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	s.delay()
	defer s.delay()
	return s.client.Touch(ctx, k, expires)
}

func (s *slow) Delete(ctx context.Context, k store.Key) error {
	s.delay()
	defer s.delay()
	return s.client.Delete(ctx, k)
}

func (s *slow) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	s.delay()
	return s.client.All(ctx)
}

func (s *slow) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	s.delay()
	return s.client.Owned(ctx, owner)
}

func (s *slow) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	s.delay()
	defer s.delay()
	return s.client.DeleteOwned(ctx, owner, keep...)
}

func (s *slow) Count(ctx context.Context) (int, error) {
	s.delay()
	defer s.delay()
	return s.client.Count(ctx)
}

func (s *slow) Sweep(ctx context.Context, limit int) (int, error) {
	s.delay()
	defer s.delay()
	return s.client.Sweep(ctx, limit)
}

// TestSlow checks that the cases about time do not reject a store because it is slow.
func TestSlow(t *testing.T) {
	t.Parallel()
	suite := slices.Concat(expiryCases, touchCases, edgeCases, ttlCases, sweepCases, skewCases)
	for _, c := range slices.Concat(versionCases, dataCases, contextCases, ownerCases, revokeCases, countCases, secondCases) {
		if slices.Contains([]string{
			"version-not-reused-expired", "data-kept-expired", "context-sweep", "owned", "owned-touched",
			"delete-owned-expired", "count-expired", "second-touch",
		}, c.name) {
			suite = append(suite, c)
		}
	}
	var wg sync.WaitGroup
	for _, relative := range []bool{false, true} {
		for i := range suite {
			wg.Go(func() {
				e := newEngine()
				open := func(by time.Duration) store.Store {
					return &slow{&client{engine: e, by: by, relative: relative}, 200 * time.Millisecond}
				}
				second := open(0)
				r := &recorder{ctx: t.Context()}
				suite[i].run(r, rig{
					s:      open(0),
					second: second,
					has:    map[*iface]bool{lister: true, ownerIndex: true, sweeper: true, counter: true},
					skewed: open,
					hangs:  time.Minute,
				})
				if r.failed {
					t.Errorf("case %s takes slow answers for wrong: %q", suite[i].name, r.log)
				}
			})
		}
	}
	wg.Wait()
}
