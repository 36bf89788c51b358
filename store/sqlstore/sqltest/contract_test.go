package sqltest

import (
	"context"
	"io"
	"iter"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/testtools/lincheck"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
	"github.com/sesame-go/sesame/store/storetest"
)

// A full store has all that deals in records.
type full interface {
	store.Store
	store.Lister
	store.OwnerIndex
	store.Sweeper
	store.Counter
}

var _ interface {
	full
	store.Pinger
	io.Closer
} = (*sqlstore.Store)(nil)

// grace is how long Sweep leaves what has expired.
const grace = time.Hour

// TestStore runs the suite on files, also with two stores on each, with a pool
// of its own for either, as two processes have them.
func TestStore(t *testing.T) {
	var files sync.Map // of the stores, by themselves
	open := func(t *testing.T, file string, opts ...sqlstore.Option) store.Store {
		s := newStore(t, openDB(t, dsn(file)), opts...)
		files.Store(s, file)
		return s
	}
	another := func(t *testing.T, first store.Store, opts ...sqlstore.Option) store.Store {
		file, _ := files.Load(first)
		return open(t, file.(string), opts...)
	}
	storetest.Run(t,
		func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "sessions.sqlite")) },
		storetest.SweepGrace(grace),
		storetest.Second(func(t *testing.T, first store.Store) store.Store { return another(t, first) }),
		storetest.Skewed(func(t *testing.T, first store.Store, by time.Duration) store.Store {
			return another(t, first, sqlstore.WithClock(func() time.Time { return time.Now().Add(by) }))
		}),
	)
}

// TestOneConnection has a database in memory, which is one for each connection
// and so has to be in a pool of one: no walk keeps the connection from its caller.
func TestOneConnection(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	db := openDB(t, ":memory:")
	db.SetMaxOpenConns(1)
	s := newStore(t, db, sqlstore.WithTable("main.sessions"))
	for name, walk := range map[string]iter.Seq2[store.Entry, error]{"All": s.All(ctx), "Owned": s.Owned(ctx, "ann")} {
		r := record("data")
		r.Owner = "ann"
		for i := range 500 { // more than a page
			_, err := s.Save(ctx, key(i), r)
			require.NoError(t, err)
		}
		n := 0
		for e, err := range walk {
			require.NoError(t, err, name)
			r, err := s.Load(ctx, e.Key)
			require.NoError(t, err, name)
			_, err = s.Save(ctx, e.Key, r)
			require.NoError(t, err, name)
			require.NoError(t, s.Touch(ctx, e.Key, r.Expires.Add(time.Hour)), name)
			require.NoError(t, s.Delete(ctx, e.Key), name)
			n++
		}
		require.Equal(t, 500, n, name)
	}
}

func TestLinearizableOneConnection(t *testing.T) {
	lincheck.Run(t, func(t *testing.T) store.Store {
		db := openDB(t, ":memory:")
		db.SetMaxOpenConns(1)
		return newStore(t, db)
	})
}

func TestLinearizable(t *testing.T) {
	lincheck.Run(t, func(t *testing.T) store.Store { return newFile(t) })
}

func TestLinearizableTwo(t *testing.T) {
	lincheck.Run(t, func(t *testing.T) store.Store {
		return newTwo(t, filepath.Join(t.TempDir(), "sessions.sqlite"))
	})
}

// newTwo returns two stores on one file, each with a pool of its own, that are
// called in turn.
func newTwo(t *testing.T, file string, opts ...sqlstore.Option) full {
	return storetest.InTurn(newStore(t, openDB(t, dsn(file)), opts...), newStore(t, openDB(t, dsn(file)), opts...)).(full)
}
