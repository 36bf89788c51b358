package storetest

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// A witness calls a store before, during and after an outage, on its own keys.
type witness struct {
	*trial
	deleted  []store.Key
	counter  store.Key
	acked    int  // the last value of the counter that is known to be stored
	tried    int  // the value that a Save without an answer may have stored
	unsure   bool // there was such a Save since the last one that succeeded
	repeated int  // the value that must be stored if a Save was a conflict, or 0
}

// duringRestart restarts the engine while the witnesses run. It returns when each
// of them has completed some rounds without an error after the restart.
func (x *trial) duringRestart(witnesses []*witness) {
	var working, wg sync.WaitGroup
	var back atomic.Pointer[time.Time]
	for _, w := range witnesses {
		working.Add(1)
		begun := sync.OnceFunc(working.Done)
		wg.Go(func() {
			defer begun()
			x.guard(func() {
				if err := w.round(); err != nil {
					x.fatalf("before the restart: %v", err)
				}
				begun()
				for good := 0; good < 5 && !x.Failed(); {
					since := back.Load()
					err := w.round()
					switch {
					case err == nil && since != nil:
						good++
					case err == nil:
					case since == nil:
						time.Sleep(time.Millisecond)
					case time.Since(*since) > x.patience:
						x.fatalf("the store has not recovered %v after the restart: %v", x.patience, err)
					default:
						time.Sleep(10 * time.Millisecond)
					}
				}
			})
		})
	}
	defer wg.Wait()
	defer func() { // even if restart fails the test
		now := time.Now()
		back.Store(&now)
	}()
	working.Wait()
	x.restart()
}

// round increments the counter, and creates and deletes a record. It returns the
// first error that means an outage, and fails on any that an outage must not cause.
func (w *witness) round() error {
	ctx, cancel := context.WithTimeout(w.ctx, 2*callTime)
	defer cancel()
	if err := w.count(ctx); err != nil {
		return err
	}
	k := w.key()
	// A client that repeats a call whose answer was lost conflicts with itself.
	if _, err := w.s.Save(ctx, k, record("brief")); err != nil && !errors.Is(err, store.ErrConflict) {
		if errors.Is(err, store.ErrNotFound) {
			w.fatalf("Save of a new record: %v", err)
		}
		return err
	}
	if err := w.s.Delete(ctx, k); err != nil {
		if !isOutage(err) {
			w.fatalf("Delete: %v", err)
		}
		return err
	}
	w.deleted = append(w.deleted, k)
	_, err := w.s.Load(ctx, k)
	if err == nil {
		w.fatalf("the record still exists, although it was deleted")
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}

func (w *witness) count(ctx context.Context) error {
	r, err := w.s.Load(ctx, w.counter)
	if err != nil {
		if !isOutage(err) {
			w.fatalf("Load: %v, although the record exists", err)
		}
		return err
	}
	n := w.saw(r)
	r.Data = strconv.AppendInt(nil, int64(n+1), 10)
	w.tried = n + 1
	_, err = w.s.Save(ctx, w.counter, r)
	switch {
	case err == nil:
		w.acked, w.unsure = n+1, false
	case errors.Is(err, store.ErrConflict):
		// An earlier Save without an answer may have taken effect since the Load.
		// If there was none, the client has repeated this Save.
		if !w.unsure {
			w.repeated = n + 1
		}
		return nil
	case isOutage(err):
		w.unsure = true
	default:
		w.fatalf("Save: %v", err)
	}
	return err
}

// saw returns the counter's value, which must be possible after the answers so
// far.
func (w *witness) saw(r store.Record) int {
	n, err := strconv.Atoi(string(r.Data))
	if err != nil {
		w.fatalf("the counter is %.40q", r.Data)
	}
	if n < w.acked || n > max(w.acked, w.tried) {
		w.fatalf("the counter is %d, although %d was acknowledged and at most %d was tried", n, w.acked, w.tried)
	}
	if w.repeated != 0 && n != w.repeated {
		w.fatalf("Save returned ErrConflict, although no other caller changed the record")
	}
	w.acked, w.repeated = n, 0
	return n
}

// callTime is how long a call may wait for an engine that is down.
const callTime = 5 * time.Second

// recovering returns a trial on x's store after a restart: failed calls are
// repeated until the time for recovery is over.
func (x *trial) recovering() *trial {
	return x.on(&patient{Store: x.s, until: time.Now().Add(x.patience)})
}

// A patient store repeats failed calls.
type patient struct {
	store.Store
	until time.Time
}

// again calls f until it returns an answer, which may be ErrNotFound or
// ErrConflict. It reports whether an earlier call went without an answer.
func (p *patient) again(ctx context.Context, f func(ctx context.Context) error) (lost bool, err error) {
	for {
		try, cancel := context.WithTimeout(ctx, callTime)
		err = f(try)
		cancel()
		if !isOutage(err) || time.Now().After(p.until) {
			return lost, err
		}
		lost = true
		time.Sleep(10 * time.Millisecond)
	}
}

func (p *patient) Load(ctx context.Context, k store.Key) (r store.Record, err error) {
	_, err = p.again(ctx, func(ctx context.Context) error {
		r, err = p.Store.Load(ctx, k)
		return err
	})
	return r, err
}

// Save reports success if a repeated call conflicts with its own earlier one.
func (p *patient) Save(ctx context.Context, k store.Key, r store.Record) (v uint64, err error) {
	lost, err := p.again(ctx, func(ctx context.Context) error {
		v, err = p.Store.Save(ctx, k, r)
		return err
	})
	if lost && errors.Is(err, store.ErrConflict) {
		if got, err := p.Load(ctx, k); err == nil && got.Version != r.Version && bytes.Equal(got.Data, r.Data) {
			return got.Version, nil
		}
	}
	return v, err
}

func (p *patient) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	_, err := p.again(ctx, func(ctx context.Context) error { return p.Store.Touch(ctx, k, expires) })
	return err
}

func (p *patient) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		var entries []store.Entry
		_, err := p.again(ctx, func(ctx context.Context) error {
			entries = nil
			for e, err := range p.Store.(store.OwnerIndex).Owned(ctx, owner) {
				if err != nil {
					return err
				}
				entries = append(entries, e)
			}
			return nil
		})
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
		if err != nil {
			yield(store.Entry{}, err)
		}
	}
}

// DeleteOwned makes a patient store a [store.OwnerIndex].
func (p *patient) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (n int, err error) {
	_, err = p.again(ctx, func(ctx context.Context) error {
		n, err = p.Store.(store.OwnerIndex).DeleteOwned(ctx, owner, keep...)
		return err
	})
	return n, err
}

func (p *patient) Delete(ctx context.Context, k store.Key) error {
	_, err := p.again(ctx, func(ctx context.Context) error { return p.Store.Delete(ctx, k) })
	return err
}

// Watch makes a patient store a [store.Watcher]. Each call gets the caller's
// context: watching would end with a shorter one.
func (p *patient) Watch(ctx context.Context, ended func(store.Key)) (done <-chan struct{}, err error) {
	_, err = p.again(ctx, func(context.Context) error {
		done, err = p.Store.(store.Watcher).Watch(ctx, ended)
		return err
	})
	return done, err
}
