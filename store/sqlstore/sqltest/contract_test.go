package sqltest

import (
	"io"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sesame-go/sesame/internal/lincheck"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
	"github.com/sesame-go/sesame/store/storetest"
)

// A full store has all that deals in records.
type full interface {
	store.Store
	store.Rotator
	store.Lister
	store.OwnerIndex
	store.Sweeper
}

var _ interface {
	full
	store.Pinger
	io.Closer
} = (*sqlstore.Store)(nil)

// TestStore runs the suite on files, also with two stores on each, with a pool
// of its own for either, as two processes have them.
func TestStore(t *testing.T) {
	var files sync.Map // of the stores, by themselves
	open := func(t *testing.T, file string) store.Store {
		s := newStore(t, openDB(t, dsn(file)))
		files.Store(s, file)
		return s
	}
	storetest.Run(t,
		func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "sessions.sqlite")) },
		storetest.Second(func(t *testing.T, first store.Store) store.Store {
			file, _ := files.Load(first)
			return open(t, file.(string))
		}),
	)
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

func TestLinearizable(t *testing.T) {
	lincheck.Run(t, func(t *testing.T) store.Store { return newFile(t) })
}

func TestLinearizableTwo(t *testing.T) {
	lincheck.Run(t, func(t *testing.T) store.Store { return newTwo(t) })
}

// newTwo returns two stores with one file, each with a pool of its own, that
// are called in turn.
func newTwo(t *testing.T) full {
	file := filepath.Join(t.TempDir(), "sessions.sqlite")
	return storetest.InTurn(newStore(t, openDB(t, dsn(file))), newStore(t, openDB(t, dsn(file)))).(full)
}
