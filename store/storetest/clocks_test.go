package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/sesame-go/sesame/store"
)

// These stores trust clocks, or are broken by outages.

// newOwnCounter chooses versions without asking the engine.
func newOwnCounter(c *client) store.Store {
	c.counter = new(uint64)
	return c
}

// timestamps lets the last Save win, by the clocks of the clients.
type timestamps struct{ *client }

func newTimestamps(c *client) store.Store {
	c.counter = new(uint64)
	return &timestamps{c}
}

func (s *timestamps) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	s.mu.Lock()
	*s.counter = uint64(s.now().UnixNano())
	s.mu.Unlock()
	return s.client.Save(ctx, k, r)
}

func (s *timestamps) Delete(ctx context.Context, k store.Key) error {
	if r, err := s.Load(ctx, k); err == nil && r.Version > uint64(s.now().UnixNano()) {
		return nil
	}
	return s.client.Delete(ctx, k)
}

// skewForever checks for expiry by one clock and sets the time to live by the other; a
// time to live that is not positive means that the record never expires.
type skewForever struct{ *client }

func (s *skewForever) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if time.Until(r.Expires) > 0 && !r.Expires.After(s.now()) {
		r.Expires = r.Expires.AddDate(100, 0, 0)
	}
	return s.client.Save(ctx, k, r)
}

// skewTwice sets a time to live, but judges expiry differently, with a clock that is
// ahead or with one that is behind.
type skewTwice struct {
	*client
	ahead bool
}

func (s *skewTwice) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if s.by > 0 == s.ahead {
		r.Expires = r.Expires.Add(-s.by)
	}
	return s.client.Save(ctx, k, r)
}

// touchSets compares times and then sets a time to live.
type touchSets struct{ *client }

func (s *touchSets) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	return s.call(ctx, func() error {
		if r := s.live(k); r.Version != 0 && expires.After(r.Expires.Add(-s.by)) {
			r.Expires = expires
			s.put(k, r)
		}
		return nil
	})
}

// hastySweep adds a margin of safety where it should subtract it.
type hastySweep struct{ *client }

func (s *hastySweep) Sweep(ctx context.Context, limit int) (int, error) {
	hasty := *s.client
	hasty.by *= 2
	return hasty.Sweep(ctx, limit)
}

// liveOnly is a store whose DeleteOwned skips records that have expired by its clock.
type liveOnly struct{ *client }

func (s *liveOnly) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	s.mu.Lock()
	for k := range s.records {
		if s.live(k).Version == 0 {
			keep = append(keep, k)
		}
	}
	s.mu.Unlock()
	return s.client.DeleteOwned(ctx, owner, keep...)
}

func revive(e *engine) {
	for k, r := range e.past {
		if _, ok := e.records[k]; !ok {
			e.records[k] = r
		}
	}
}

func forgetTouches(e *engine) {
	for k, r := range e.records {
		r.Expires = e.past[k].Expires
		e.records[k] = r
	}
}

func rollBack(e *engine) {
	for k := range e.records {
		e.records[k] = e.past[k]
	}
}

func forgetOwners(e *engine) {
	for k := range e.records {
		e.lost[k] = true
	}
}

// quietOutage reports an outage as a missing record.
type quietOutage struct{ *client }

func (s *quietOutage) Load(ctx context.Context, k store.Key) (store.Record, error) {
	r, err := s.client.Load(ctx, k)
	if errors.Is(err, errDown) {
		err = store.ErrNotFound
	}
	return r, err
}

// conflictOutage reports an outage as a conflict.
type conflictOutage struct{ *client }

func (s *conflictOutage) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	v, err := s.client.Save(ctx, k, r)
	if errors.Is(err, errDown) {
		err = store.ErrConflict
	}
	return v, err
}

// brokenForGood never recovers from a lost connection.
type brokenForGood struct{ *client }

func (s *brokenForGood) Load(ctx context.Context, k store.Key) (store.Record, error) {
	s.mu.Lock()
	broken := s.restarts > 0
	s.mu.Unlock()
	if broken {
		return store.Record{}, errDown
	}
	return s.client.Load(ctx, k)
}

// deafWatch does not notice that its connection is lost.
type deafWatch struct{ *client }

func (s *deafWatch) Watch(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	if _, err := s.client.Watch(ctx, ended); err != nil {
		return nil, err
	}
	return ctx.Done(), nil
}
