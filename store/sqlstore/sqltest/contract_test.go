package sqltest

import (
	"context"
	"io"
	"iter"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sesame-go/sesame/internal/lincheck"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
	"github.com/sesame-go/sesame/store/storetest"
)

var _ interface {
	store.Store
	store.Rotator
	store.Lister
	store.OwnerIndex
	store.Sweeper
	store.Pinger
	io.Closer
} = (*sqlstore.Store)(nil)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return newFile(t) })
}

// TestStoreOneConnection runs the suite on a database in memory, which is one
// for each connection and so has to be in a pool of one.
func TestStoreOneConnection(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		db := openDB(t, ":memory:")
		db.SetMaxOpenConns(1)
		return newStore(t, db, sqlstore.WithTable("main.sessions"))
	})
}

// TestStoreTwo runs the suite on two stores with one file, each with a pool of
// its own, as two processes have them, that are called in turn.
func TestStoreTwo(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return newTwo(t) })
}

func TestLinearizable(t *testing.T) {
	lincheck.Run(t, func(t *testing.T) store.Store { return newFile(t) })
}

func TestLinearizableTwo(t *testing.T) {
	lincheck.Run(t, func(t *testing.T) store.Store { return newTwo(t) })
}

// two is two stores on one file, called in turn.
type two struct {
	stores [2]*sqlstore.Store
	calls  atomic.Uint32
}

func newTwo(t *testing.T) *two {
	file := filepath.Join(t.TempDir(), "sessions.sqlite")
	return &two{stores: [2]*sqlstore.Store{
		newStore(t, openDB(t, dsn(file))),
		newStore(t, openDB(t, dsn(file))),
	}}
}

func (s *two) next() *sqlstore.Store { return s.stores[s.calls.Add(1)%2] }

func (s *two) Load(ctx context.Context, k store.Key) (store.Record, error) {
	return s.next().Load(ctx, k)
}

func (s *two) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	return s.next().Save(ctx, k, r)
}

func (s *two) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	return s.next().Touch(ctx, k, expires)
}

func (s *two) Delete(ctx context.Context, k store.Key) error { return s.next().Delete(ctx, k) }

func (s *two) Rotate(ctx context.Context, from, to store.Key, r store.Record) (uint64, error) {
	return s.next().Rotate(ctx, from, to, r)
}

func (s *two) All(ctx context.Context) iter.Seq2[store.Entry, error] { return s.next().All(ctx) }

func (s *two) Owned(ctx context.Context, owner string) iter.Seq2[store.Key, error] {
	return s.next().Owned(ctx, owner)
}

func (s *two) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	return s.next().DeleteOwned(ctx, owner, keep...)
}

func (s *two) Sweep(ctx context.Context, limit int) (int, error) { return s.next().Sweep(ctx, limit) }
