package lincheck

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
	"github.com/sesame-go/sesame/store/logstore"
	"github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/sealed"
	"github.com/sesame-go/sesame/store/storetest"
)

func TestMemstore(t *testing.T) {
	Run(t, func(t *testing.T) store.Store { return memstore.New() })
}

func TestLogstore(t *testing.T) {
	Run(t, func(t *testing.T) store.Store {
		s, err := logstore.Open(filepath.Join(t.TempDir(), "sessions.log"))
		return closing(t, s, err)
	})
}

func TestDirstore(t *testing.T) {
	Run(t, func(t *testing.T) store.Store {
		s, err := dirstore.Open(t.TempDir(), dirstore.WithSync(dirstore.Never))
		return closing(t, s, err)
	})
}

// TestDirstoreTwo checks two stores on one directory, which are called in turn.
func TestDirstoreTwo(t *testing.T) {
	Run(t, func(t *testing.T) store.Store {
		dir := t.TempDir()
		open := func() store.Store {
			s, err := dirstore.Open(dir, dirstore.WithSync(dirstore.Never))
			return closing(t, s, err)
		}
		return storetest.InTurn(open(), open())
	})
}

func TestSealed(t *testing.T) {
	Run(t, func(t *testing.T) store.Store {
		s, err := sealed.New(memstore.New(), []byte("0123456789abcdef0123456789abcdef"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

// closing closes s at the end of the test, and returns it.
func closing[S interface {
	store.Store
	io.Closer
}](t *testing.T, s S, err error) S {
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestTouchChangesVersion checks a correct store whose Touch changes the version, as
// the contract allows.
func TestTouchChangesVersion(t *testing.T) {
	Run(t, func(t *testing.T) store.Store { return &newVersionOnTouch{Store: memstore.New()} })
}

// TestRejects checks that stores which are not linearizable fail.
func TestRejects(t *testing.T) {
	for _, broken := range []struct {
		name     string
		newStore func() store.Store
		says     string
	}{
		{"check then write", func() store.Store { return &checkThenWrite{Store: memstore.New()} }, "not linearizable"},
		{"delete lies", func() store.Store { return &deleteLies{Store: memstore.New()} }, "not linearizable"},
		{"versions begin again", func() store.Store { return newCounting() }, "returned version"},
	} {
		t.Run(strings.ReplaceAll(broken.name, " ", "-"), func(t *testing.T) {
			err := check(t.Context(), broken.newStore)
			if err == nil || !strings.Contains(err.Error(), broken.says) {
				t.Fatalf("the store passes: %v", err)
			}
			t.Logf("%.600s", err)
		})
	}
}

func pause() { time.Sleep(10 * time.Microsecond) }

// checkThenWrite compares the version and writes in two separate steps.
type checkThenWrite struct{ *memstore.Store }

func (s *checkThenWrite) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if old, _ := s.Load(ctx, k); old.Version != r.Version {
		return 0, store.ErrConflict
	}
	pause()
	for {
		old, _ := s.Load(ctx, k)
		r.Version = old.Version
		if v, err := s.Store.Save(ctx, k, r); err != store.ErrConflict {
			return v, err
		}
	}
}

// deleteLies returns before the record is gone.
type deleteLies struct{ *memstore.Store }

func (s *deleteLies) Delete(ctx context.Context, k store.Key) error {
	time.AfterFunc(100*time.Microsecond, func() { s.Store.Delete(context.Background(), k) })
	return nil
}

// counting counts the versions of each record from 1.
type counting struct {
	mu      sync.Mutex
	records map[store.Key]store.Record
}

func newCounting() *counting { return &counting{records: make(map[store.Key]store.Record)} }

func (s *counting) Load(_ context.Context, k store.Key) (store.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[k]
	if !ok {
		return r, store.ErrNotFound
	}
	return r, nil
}

func (s *counting) Save(_ context.Context, k store.Key, r store.Record) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records[k].Version != r.Version {
		return 0, store.ErrConflict
	}
	r.Version++
	s.records[k] = r
	return r.Version, nil
}

func (s *counting) Touch(_ context.Context, k store.Key, expires time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.records[k]; ok && expires.After(r.Expires) {
		r.Expires = expires
		s.records[k] = r
	}
	return nil
}

func (s *counting) Delete(_ context.Context, k store.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, k)
	return nil
}

// newVersionOnTouch extends a record by saving it again. It does not inherit
// the rest of memstore, which would pass by its lock.
type newVersionOnTouch struct {
	store.Store
	mu sync.Mutex
}

func (s *newVersionOnTouch) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Store.Save(ctx, k, r)
}

func (s *newVersionOnTouch) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.Store.Load(ctx, k)
	if err != nil || !expires.After(r.Expires) {
		return nil
	}
	r.Expires = expires
	_, err = s.Store.Save(ctx, k, r)
	return err
}

func (s *newVersionOnTouch) Delete(ctx context.Context, k store.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Store.Delete(ctx, k)
}
