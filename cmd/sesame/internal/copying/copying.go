// Package copying takes live sessions from one store to another, and compares
// the two. It may be interrupted and run again: what is there already is compared
// and, if it is older, replaced.
package copying

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/internal/expiry"
	"github.com/sesame-go/sesame/store"
)

// A Job is the copy of one store to another.
type Job struct {
	From, To store.Store

	New     atomic.Int64 // sessions that To did not have
	Updated atomic.Int64 // that it had from an earlier time
	Same    atomic.Int64 // that it had
	Damaged atomic.Int64 // whose record in To cannot be read, and was left there

	Equal   atomic.Int64 // of the comparison
	Later   atomic.Int64 // used later in To, and left there
	Differs atomic.Int64
	Missing atomic.Int64 // not in To
	Only    atomic.Int64 // not in From
	Ended   atomic.Int64 // of these, which Remove has deleted

	Unreadable atomic.Bool // From has records that it cannot read
}

// workers is how many sessions are under way at a time.
const workers = 16

// Copy saves the live sessions of From in To. It calls done after each.
func (j *Job) Copy(ctx context.Context, done func()) error {
	return j.walk(ctx, j.From, func(ctx context.Context, e store.Entry) error {
		defer done()
		if err := j.save(ctx, e); err != nil {
			return fmt.Errorf("%s: %w", e.Key, err)
		}
		return nil
	})
}

func (j *Job) save(ctx context.Context, e store.Entry) error {
	r := store.Record{Expires: e.Expires, Owner: e.Owner, Data: e.Data}
	const attempts = 10
	for range attempts {
		_, err := j.To.Save(ctx, e.Key, r)
		switch {
		case err == nil && r.Version == 0:
			j.New.Add(1)
			return nil
		case err == nil:
			j.Updated.Add(1)
			return nil
		case errors.Is(err, store.ErrCorrupt):
			j.Damaged.Add(1)
			return nil
		case !errors.Is(err, store.ErrConflict):
			return err
		}
		there, err := j.To.Load(ctx, e.Key)
		switch {
		case errors.Is(err, store.ErrNotFound):
			r.Version = 0
			continue
		case errors.Is(err, store.ErrCorrupt):
			j.Damaged.Add(1)
			return nil
		case err != nil:
			return err
		case equal(e.Record, there):
			j.Same.Add(1)
			return nil
		case used(there).After(used(e.Record)): // Compare counts it
			return nil
		}
		r.Version = there.Version
	}
	return errors.New("it is saved in the target all the time; is the site running there?")
}

// Compare looks for each live session of From in To. It calls done after each.
func (j *Job) Compare(ctx context.Context, done func()) error {
	return j.walk(ctx, j.From, func(ctx context.Context, e store.Entry) error {
		defer done()
		there, err := j.To.Load(ctx, e.Key)
		switch {
		case errors.Is(err, store.ErrNotFound):
			j.Missing.Add(1)
		case errors.Is(err, store.ErrCorrupt):
			j.Differs.Add(1)
		case err != nil:
			return fmt.Errorf("%s: %w", e.Key, err)
		case equal(e.Record, there):
			j.Equal.Add(1)
		case used(there).After(used(e.Record)):
			j.Later.Add(1)
		default:
			j.Differs.Add(1)
		}
		return nil
	})
}

// FindOnly looks for the sessions of To that From does not have, and, if remove
// is set, deletes them. It calls done after each session of To.
func (j *Job) FindOnly(ctx context.Context, remove bool, done func()) error {
	j.Only.Store(0)
	return j.walk(ctx, j.To, func(ctx context.Context, e store.Entry) error {
		defer done()
		_, err := j.From.Load(ctx, e.Key)
		switch {
		case err == nil || errors.Is(err, store.ErrCorrupt): // it is there
			return nil
		case !errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("%s: %w", e.Key, err)
		}
		j.Only.Add(1)
		if !remove {
			return nil
		}
		if err := j.To.Delete(ctx, e.Key); err != nil {
			return fmt.Errorf("%s: %w", e.Key, err)
		}
		j.Ended.Add(1)
		return nil
	})
}

// walk calls f for the live sessions of a store, some at a time.
func (j *Job) walk(ctx context.Context, s store.Store, f func(context.Context, store.Entry) error) error {
	all, err := entries(ctx, s)
	if err != nil {
		return err
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for e, err := range all {
		if errors.Is(err, store.ErrCorrupt) && s == j.From {
			j.Unreadable.Store(true)
			break
		}
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			_ = group.Wait()
			return err
		}
		if within.Err() != nil {
			break
		}
		if err == nil && live(e.Record) {
			group.Go(func() error { return f(within, e) })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

func entries(ctx context.Context, s store.Store) (iter.Seq2[store.Entry, error], error) {
	lister, ok := store.Capability[store.Lister](s)
	if !ok {
		return nil, errors.New("the store cannot list its sessions")
	}
	return lister.All(ctx), nil
}

// live reports whether a record has not ended, be it by its deadline.
func live(r store.Record) bool {
	now := time.Now()
	h, _, _, err := envelope.Open(r.Data)
	return r.Expires.After(now) && (err != nil || h.Deadline.IsZero() || h.Deadline.After(now))
}

// used returns when a session was used last, as far as that can be told: its
// expiry is later by its idle timeout.
func used(r store.Record) time.Time {
	h, _, _, err := envelope.Open(r.Data)
	switch {
	case err != nil:
		return r.Expires
	case h.Idle == 0:
		return h.Renewed
	}
	return r.Expires.Add(-h.Idle)
}

// equal compares what a store keeps of a session, times to the millisecond as all
// engines do.
func equal(a, b store.Record) bool {
	return a.Owner == b.Owner && bytes.Equal(a.Data, b.Data) &&
		expiry.Clamp(a.Expires).UnixMilli() == expiry.Clamp(b.Expires).UnixMilli()
}
