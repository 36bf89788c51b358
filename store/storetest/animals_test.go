package storetest

import (
	"bytes"
	"context"
	"iter"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// The animals wrap a store that is right and get one method wrong, each in a
// way that has been seen in a real library.

// pause lets others run where a careless store is in the middle of something.
func pause() { time.Sleep(50 * time.Microsecond) }

type upsert struct{ *memstore.Store }

func (s *upsert) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	for {
		old, _ := s.Store.Load(ctx, k)
		r.Version = old.Version
		if v, err := s.Store.Save(ctx, k, r); err != store.ErrConflict {
			return v, err
		}
	}
}

type checkThenWrite struct{ *memstore.Store }

func (s *checkThenWrite) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if old, _ := s.Load(ctx, k); old.Version != r.Version {
		return 0, store.ErrConflict
	}
	pause()
	return (&upsert{s.Store}).Save(ctx, k, r)
}

type createOverwrites struct{ *memstore.Store }

func (s *createOverwrites) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if r.Version == 0 {
		return (&upsert{s.Store}).Save(ctx, k, r)
	}
	return s.Store.Save(ctx, k, r)
}

type touchCreates struct{ *memstore.Store }

func (s *touchCreates) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	if _, err := s.Load(ctx, k); err != nil {
		_, err = s.Save(ctx, k, store.Record{Expires: expires})
		return err
	}
	return s.Store.Touch(ctx, k, expires)
}

type touchShortens struct{ *memstore.Store }

func (s *touchShortens) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	r, err := s.Load(ctx, k)
	if err != nil {
		return nil
	}
	r.Expires = expires
	_, err = s.Save(ctx, k, r)
	return err
}

type touchWritesBack struct{ *memstore.Store }

func (s *touchWritesBack) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	r, err := s.Load(ctx, k)
	if err != nil || !expires.After(r.Expires) {
		return nil
	}
	pause()
	r.Expires = expires
	_, err = (&upsert{s.Store}).Save(ctx, k, r)
	return err
}

// softDelete hides records, and Touch brings them back.
type softDelete struct {
	*memstore.Store
	hidden sync.Map
}

func (s *softDelete) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if _, ok := s.hidden.Load(k); ok {
		return store.Record{}, store.ErrNotFound
	}
	return s.Store.Load(ctx, k)
}

func (s *softDelete) Delete(ctx context.Context, k store.Key) error {
	s.hidden.Store(k, true)
	return nil
}

func (s *softDelete) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	s.hidden.Delete(k)
	return s.Store.Touch(ctx, k, expires)
}

type lateDelete struct{ *memstore.Store }

func (s *lateDelete) Delete(ctx context.Context, k store.Key) error {
	time.AfterFunc(time.Millisecond, func() { s.Store.Delete(context.Background(), k) })
	return nil
}

type pastIsForever struct{ *memstore.Store }

func (s *pastIsForever) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if time.Until(r.Expires) <= 0 {
		r.Expires = time.Now().AddDate(100, 0, 0)
	}
	return s.Store.Save(ctx, k, r)
}

type secondsOnly struct{ *memstore.Store }

func (s *secondsOnly) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	r.Expires = r.Expires.Truncate(time.Second)
	return s.Store.Save(ctx, k, r)
}

// lowerKeys writes keys into a column whose collation does not tell cases
// apart.
type lowerKeys struct{ *memstore.Store }

func lower(k store.Key) store.Key { return store.Key(bytes.ToLower(k[:])) }

func (s *lowerKeys) Load(ctx context.Context, k store.Key) (store.Record, error) {
	return s.Store.Load(ctx, lower(k))
}

func (s *lowerKeys) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	return s.Store.Save(ctx, lower(k), r)
}

func (s *lowerKeys) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	return s.Store.Touch(ctx, lower(k), expires)
}

func (s *lowerKeys) Delete(ctx context.Context, k store.Key) error {
	return s.Store.Delete(ctx, lower(k))
}

type noContext struct{ *memstore.Store }

func (s *noContext) Save(_ context.Context, k store.Key, r store.Record) (uint64, error) {
	return s.Store.Save(context.Background(), k, r)
}

// staleSweep goes by the expiry that records were created with.
type staleSweep struct {
	*memstore.Store
	mu      sync.Mutex
	expires map[store.Key]time.Time
}

func (s *staleSweep) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	v, err := s.Store.Save(ctx, k, r)
	if err == nil && r.Version == 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.expires == nil {
			s.expires = make(map[store.Key]time.Time)
		}
		s.expires[k] = r.Expires
	}
	return v, err
}

func (s *staleSweep) Sweep(ctx context.Context, limit int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for k, expires := range s.expires {
		if n < limit && time.Until(expires) < 0 {
			s.Delete(ctx, k)
			delete(s.expires, k)
			n++
		}
	}
	return n, ctx.Err()
}

type lazySweep struct{ *memstore.Store }

func (s *lazySweep) Sweep(ctx context.Context, limit int) (int, error) { return 0, ctx.Err() }

type greedySweep struct{ *memstore.Store }

func (s *greedySweep) Sweep(ctx context.Context, limit int) (int, error) {
	return s.Store.Sweep(ctx, 1_000_000)
}

// staleIndex is never told when a record changes hands.
type staleIndex struct {
	*memstore.Store
	mu     sync.Mutex
	owners map[store.Key]string
}

func newStaleIndex() *staleIndex {
	return &staleIndex{Store: memstore.New(), owners: make(map[store.Key]string)}
}

func (s *staleIndex) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	v, err := s.Store.Save(ctx, k, r)
	if err == nil && r.Version == 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.owners[k] = r.Owner
	}
	return v, err
}

func (s *staleIndex) Owned(ctx context.Context, owner string) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for k, o := range s.owners {
			if o == owner && owner != "" && !yield(k, ctx.Err()) {
				return
			}
		}
	}
}

// snapshotDelete collects keys and deletes them one by one.
type snapshotDelete struct{ *memstore.Store }

func (s *snapshotDelete) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	var keys []store.Key
	for k, err := range s.Owned(ctx, owner) {
		if err != nil {
			return 0, err
		}
		keys = append(keys, k)
	}
	pause()
	for _, k := range keys {
		s.Delete(ctx, k)
	}
	return len(keys), nil
}

type twoSteps struct{ *memstore.Store }

func (s *twoSteps) Rotate(ctx context.Context, from, to store.Key, r store.Record) (uint64, error) {
	if old, err := s.Load(ctx, from); err != nil || old.Version != r.Version {
		return 0, store.ErrConflict
	}
	r.Version = 0
	v, err := s.Save(ctx, to, r)
	if err != nil {
		return 0, err
	}
	pause()
	return v, s.Delete(ctx, from)
}

type shortWalk struct{ *memstore.Store }

func (s *shortWalk) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		n := 0
		for e, err := range s.Store.All(ctx) {
			if n++; n > 256 || !yield(e, err) {
				return
			}
		}
	}
}

// quietWalk ends without a word when its context is cancelled.
type quietWalk struct{ *memstore.Store }

func (s *quietWalk) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		for e, err := range s.Store.All(ctx) {
			if err != nil || !yield(e, nil) {
				return
			}
		}
	}
}
