package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// A trial is one run of a case on a rig. Its methods do what the cases have in
// common. Most of them end the trial, or the goroutine of [trial.together] that
// calls them, if the store gives a wrong answer.
type trial struct {
	tb
	rig
	ctx context.Context
}

// on returns a copy of x that calls another store.
func (x *trial) on(s store.Store) *trial {
	y := *x
	y.s = s
	return &y
}

// unaudited returns a copy of x whose calls bypass the audit, for speed.
func (x *trial) unaudited() *trial { return x.on(x.s.(*audited).Store) }

// stop is the panic that ends a trial. Unlike [testing.T.FailNow] it may be used
// in any goroutine.
type stop struct{}

func (x *trial) fatalf(format string, args ...any) {
	x.Helper()
	x.Errorf(format, args...)
	panic(stop{})
}

// guard runs f until its end or its first fatal failure.
func (x *trial) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(stop); !ok {
				panic(p)
			}
		}
	}()
	f()
}

// together runs all fs concurrently and waits for them.
func (x *trial) together(fs ...func()) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for _, f := range fs {
		wg.Go(func() {
			<-start
			x.guard(f)
		})
	}
	close(start)
	wg.Wait()
}

// times returns n functions that call f with their number.
func times(n int, f func(i int)) []func() {
	fs := make([]func(), n)
	for i := range fs {
		fs[i] = func() { f(i) }
	}
	return fs
}

// rounds repeats a test that depends on chance, for 200 ms, or longer if the store
// or the machine is slow, see [patience]. It ends early once the trial has failed.
func (x *trial) rounds() iter.Seq[int] {
	return func(yield func(int) bool) {
		const often, brief, long = 200, 200 * time.Millisecond, 2 * time.Second
		begun := time.Now()
		for i := 0; i < 3 || time.Since(begun) < brief || i < often && time.Since(begun) < x.long(long); i++ {
			if x.Failed() || !yield(i) {
				return
			}
		}
	}
}

// stagger waits for a time that differs from round to round, so that one of two
// concurrent calls meets the other at different points.
func stagger(round int) {
	switch n := round % 8; n {
	case 0:
	case 1:
		runtime.Gosched()
	default:
		time.Sleep(time.Microsecond << n) // 4 to 128
	}
}

// key returns a key that was never used.
func (x *trial) key() (k store.Key) {
	rand.Read(k[:])
	return k
}

// record returns a record that lives for an hour.
func record(data string) store.Record {
	return store.Record{Expires: in(time.Hour), Data: []byte(data)}
}

// create saves r under k, which must be free.
func (x *trial) create(k store.Key, r store.Record) (version uint64) {
	x.Helper()
	r.Version = 0
	return x.save(k, r)
}

func (x *trial) save(k store.Key, r store.Record) (version uint64) {
	x.Helper()
	v, err := x.s.Save(x.ctx, k, r)
	if err != nil {
		x.fatalf("Save with version %d: %v", r.Version, err)
	}
	if v == 0 {
		x.fatalf("Save returned version 0")
	}
	return v
}

// conflict saves r under k, which must be refused.
func (x *trial) conflict(k store.Key, r store.Record) {
	x.Helper()
	v, err := x.s.Save(x.ctx, k, r)
	if !errors.Is(err, store.ErrConflict) {
		x.fatalf("Save with version %d: got (%d, %v), want ErrConflict", r.Version, v, err)
	}
}

// won reports whether a Save that raced others succeeded.
func (x *trial) won(err error) bool {
	x.Helper()
	if err != nil && !errors.Is(err, store.ErrConflict) {
		x.fatalf("got %v, want nil or ErrConflict", err)
	}
	return err == nil
}

func (x *trial) load(k store.Key) store.Record {
	x.Helper()
	r, err := x.s.Load(x.ctx, k)
	if err != nil {
		x.fatalf("Load: %v", err)
	}
	if r.Version == 0 {
		x.fatalf("Load returned version 0")
	}
	return r
}

// exists loads k, which may be missing.
func (x *trial) exists(k store.Key) (store.Record, bool) {
	x.Helper()
	r, err := x.s.Load(x.ctx, k)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		x.fatalf("Load: got %v, want a record or ErrNotFound", err)
	}
	return r, err == nil
}

// missing loads k, which must be missing.
func (x *trial) missing(k store.Key) {
	x.Helper()
	if r, ok := x.exists(k); ok {
		x.fatalf("Load: got a record (version %d, expires %v, data %.40q), want ErrNotFound",
			r.Version, r.Expires, r.Data)
	}
}

// holds loads k and expects want, apart from the version, which it returns.
func (x *trial) holds(k store.Key, want store.Record) (version uint64) {
	x.Helper()
	r := x.load(k)
	x.same(r, want)
	return r.Version
}

// contains loads k and expects a record with that data.
func (x *trial) contains(k store.Key, data string) {
	x.Helper()
	if r := x.load(k); string(r.Data) != data {
		x.fatalf("Data: got %.40q, want %q", r.Data, data)
	}
}

func (x *trial) same(got, want store.Record) {
	x.Helper()
	if !bytes.Equal(got.Data, want.Data) {
		x.fatalf("Data: got %d bytes %.40q, want %d bytes %.40q",
			len(got.Data), got.Data, len(want.Data), want.Data)
	}
	if got.Owner != want.Owner {
		x.fatalf("Owner: got %.40q, want %.40q", got.Owner, want.Owner)
	}
	x.expires(got, want.Expires)
}

// expires compares Expires to the millisecond, or less strictly if clocks differ.
func (x *trial) expires(got store.Record, want time.Time) {
	x.Helper()
	if d := got.Expires.Sub(want); d.Abs() >= time.Millisecond+x.slack {
		x.fatalf("Expires: got %v, want %v; it is off by %v", got.Expires, want, d)
	}
}

func (x *trial) touch(k store.Key, expires time.Time) {
	x.Helper()
	if err := x.s.Touch(x.ctx, k, expires); err != nil {
		x.fatalf("Touch: %v", err)
	}
}

func (x *trial) delete(k store.Key) {
	x.Helper()
	if err := x.s.Delete(x.ctx, k); err != nil {
		x.fatalf("Delete: %v", err)
	}
}

// remains expects r to be under k, with its version, in the index and in the list.
func (x *trial) remains(k store.Key, r store.Record) {
	x.Helper()
	if v := x.holds(k, r); v != r.Version {
		x.fatalf("Load returned version %d, want %d", v, r.Version)
	}
	if x.has[ownerIndex] {
		for _, owner := range []string{"ann", "bob"} {
			got, ok := x.owned(owner)[k]
			if ok != (owner == r.Owner) {
				x.fatalf("the record's owner is %q, but Owned(%q) yields it: %t; record and index disagree", r.Owner, owner, ok)
			}
			if ok {
				x.same(got, r)
			}
		}
	}
	if x.has[lister] {
		got, ok := x.all()[k]
		if !ok {
			x.fatalf("the record exists (owner %q, %d bytes of data), but All does not yield it", r.Owner, len(r.Data))
		}
		x.same(got, r)
		// With two stores in turn, this call lets the next Save go to the store that
		// saved before, so that the other may have cached the record it loads here.
		x.holds(k, r)
	}
}

// creates creates n records and returns them by their keys.
func (x *trial) creates(n int, r func(i int) store.Record) map[store.Key]store.Record {
	x.Helper()
	keys := make([]store.Key, n)
	for i := range keys {
		keys[i] = x.key()
	}
	return x.createsUnder(keys, r)
}

// createsUnder creates a record under each of the keys.
func (x *trial) createsUnder(keys []store.Key, r func(i int) store.Record) map[store.Key]store.Record {
	x.Helper()
	made := make(map[store.Key]store.Record, len(keys))
	var mu sync.Mutex
	x.each(len(keys), func(i int) {
		r := r(i)
		r.Version = x.create(keys[i], r)
		mu.Lock()
		defer mu.Unlock()
		made[keys[i]] = r
	})
	return made
}

// each calls f with 0 to n-1, several concurrently, in about this order.
func (x *trial) each(n int, f func(i int)) {
	x.Helper()
	var next atomic.Int64
	x.together(times(min(n, 16), func(int) {
		for i := int(next.Add(1)) - 1; i < n && !x.Failed(); i = int(next.Add(1)) - 1 {
			f(i)
		}
	})...)
	if x.Failed() {
		panic(stop{})
	}
}
