package storetest

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
)

// An audit checks in every case that Data is not written to after it was handed
// over, and that a version of a key never stands for two states of its record. It
// is the case's tb, so that a case that hangs cannot report after it was given up.
type audit struct {
	tb
	calls calls

	mu       sync.Mutex
	over     bool
	seed     maphash.Seed
	handed   []handed
	returned map[version]bool   // by Save
	meanings map[version]uint64 // hash of the record that was seen with that version
}

// A handed slice was passed from the caller to the store, or from the store to the
// caller.
type handed struct {
	data []byte
	sum  uint64
	by   string
}

// A version is a number and the key whose record it belongs to.
type version struct {
	key    store.Key
	number uint64
}

func newAudit(t tb) *audit {
	return &audit{
		tb:       t,
		seed:     maphash.MakeSeed(),
		returned: make(map[version]bool),
		meanings: make(map[version]uint64),
	}
}

func (a *audit) Errorf(format string, args ...any) {
	a.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.over {
		a.tb.Errorf(format, args...)
	}
}

func (a *audit) Logf(format string, args ...any) {
	a.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.over {
		a.tb.Logf(format, args...)
	}
}

// until runs the case f and returns when it is done, or has hung for too long.
func (a *audit) until(patience time.Duration, f func()) {
	a.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	if hanging := a.calls.hang(patience, done); hanging != "" {
		a.Errorf("%s", hanging)
	}
	a.unwritten()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
}

// watching returns r with all of its stores audited.
func (a *audit) watching(r rig) rig {
	r.s = &audited{r.s, a}
	if r.second != nil {
		r.second = &audited{r.second, a}
	}
	if open := r.skewed; open != nil {
		r.skewed = func(by time.Duration) store.Store { return &audited{open(by), a} }
	}
	return r
}

// hand records that data was handed over, and its hash.
func (a *audit) hand(data []byte, by string) {
	if len(data) == 0 {
		return
	}
	sum := maphash.Bytes(a.seed, data)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.handed = append(a.handed, handed{data, sum, by})
}

// unwritten expects that no slice has changed since it was handed over.
func (a *audit) unwritten() {
	a.Helper()
	a.mu.Lock()
	all := a.handed
	a.mu.Unlock()
	for _, h := range all {
		if maphash.Bytes(a.seed, h.data) != h.sum {
			a.Errorf("the store has written to Data that %s (%d bytes): Data is immutable once it was handed over, "+
				"in both directions, so a record must not share a buffer that the store reuses", h.by, len(h.data))
			return
		}
	}
}

// saw checks a record that a method has returned.
func (a *audit) saw(k store.Key, r store.Record, method string) {
	a.Helper()
	a.hand(r.Data, method+" returned")
	if r.Durable {
		a.Errorf("%s returned a record with Durable set: it is a request to one Save, and is not stored", method)
	}
	a.means(k, r, method)
}

// means checks that r, which a method returned or saved, is the same as the record
// that was seen with this version before.
func (a *audit) means(k store.Key, r store.Record, method string) {
	a.Helper()
	var h maphash.Hash
	h.SetSeed(a.seed)
	fmt.Fprintf(&h, "%d ", len(r.Owner))
	h.WriteString(r.Owner)
	h.Write(r.Data)
	v := version{k, r.Version}
	a.mu.Lock()
	before, known := a.meanings[v]
	a.meanings[v] = h.Sum64()
	a.mu.Unlock()
	if known && before != h.Sum64() {
		a.Errorf("%s returned version %d of a key whose record had other data or another owner with that version before: "+
			"a version must never be reused for a key, or Save will accept a stale one", method, r.Version)
	}
}

// saved checks the version that Save has returned.
func (a *audit) saved(k store.Key, r store.Record) {
	a.Helper()
	v := version{k, r.Version}
	a.mu.Lock()
	again := a.returned[v]
	a.returned[v] = true
	a.mu.Unlock()
	if again {
		a.Errorf("two Saves of one key returned version %d: a version must never be reused for a key, "+
			"not even after the record was deleted or has expired", r.Version)
	}
	a.means(k, r, "Save")
}

// An audited store is a store whose calls an audit checks.
type audited struct {
	store.Store
	*audit
}

// Unwrap lets [store.Capability] find the capabilities of the inner store.
func (s *audited) Unwrap() store.Store { return s.Store }

func (s *audited) Load(ctx context.Context, k store.Key) (store.Record, error) {
	s.Helper()
	end := s.calls.begin("Load")
	r, err := s.Store.Load(ctx, k)
	end()
	if err == nil {
		s.saw(k, r, "Load")
	}
	return r, err
}

func (s *audited) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	s.Helper()
	s.hand(r.Data, "Save was given")
	end := s.calls.begin("Save")
	v, err := s.Store.Save(ctx, k, r)
	end()
	if err == nil {
		r.Version = v
		s.saved(k, r)
	}
	return v, err
}

func (s *audited) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	defer s.calls.begin("Touch")()
	return s.Store.Touch(ctx, k, expires)
}

func (s *audited) Delete(ctx context.Context, k store.Key) error {
	defer s.calls.begin("Delete")()
	return s.Store.Delete(ctx, k)
}

func (s *audited) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return s.walk("All", s.Store.(store.Lister).All(ctx))
}

func (s *audited) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	return s.walk("Owned", s.Store.(store.OwnerIndex).Owned(ctx, owner))
}

// walk checks each entry that a walk yields.
func (s *audited) walk(method string, seq iter.Seq2[store.Entry, error]) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		s.Helper()
		defer s.calls.walk()()
		end := s.calls.begin(method)
		defer func() { end() }()
		for e, err := range seq {
			end()
			if err == nil {
				s.saw(e.Key, e.Record, method)
			}
			more := yield(e, err)
			end = s.calls.begin(method)
			if !more {
				return
			}
		}
	}
}

func (s *audited) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	defer s.calls.begin("DeleteOwned")()
	return s.Store.(store.OwnerIndex).DeleteOwned(ctx, owner, keep...)
}

func (s *audited) Sweep(ctx context.Context, limit int) (int, error) {
	defer s.calls.begin("Sweep")()
	return s.Store.(store.Sweeper).Sweep(ctx, limit)
}

func (s *audited) Count(ctx context.Context) (int, error) {
	defer s.calls.begin("Count")()
	return s.Store.(store.Counter).Count(ctx)
}

func (s *audited) Watch(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	defer s.calls.begin("Watch")()
	return s.Store.(store.Watcher).Watch(ctx, ended)
}
