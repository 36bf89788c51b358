package bench

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"

	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"
	scsmemory "github.com/alexedwards/scs/v2/memstore"
	_ "modernc.org/sqlite" // the driver

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/dirstore"
	"github.com/sesame-go/sesame/store/logstore"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// Place is where the stores are.
type Place struct {
	Dir      string // for files, which go to directories of their own in it
	Redis    string // HOST:PORT
	Postgres string // a URL
}

// PlaceFromEnv returns a place whose servers are those of scripts/services.
func PlaceFromEnv(dir string) Place {
	return Place{dir, os.Getenv("SESAME_TEST_REDIS"), os.Getenv("SESAME_TEST_POSTGRES")}
}

// tempDir is removed when it is closed.
type tempDir string

func (p Place) dir() (tempDir, error) {
	dir, err := os.MkdirTemp(p.Dir, "sesame-bench-*")
	return tempDir(dir), err
}

func (d tempDir) Close() error { return os.RemoveAll(string(d)) }

func openSesameMemory(s Session, _ Place) (Site, error) { return openSesame(s, nil) }

func openSesameLog(s Session, p Place) (Site, error) {
	dir, err := p.dir()
	if err != nil {
		return nil, err
	}
	store, err := logstore.Open(filepath.Join(string(dir), "sessions.log"))
	if err != nil {
		return nil, err
	}
	return openSesame(s, ioClosers{store, dir}, sesame.WithStore(store))
}

func openSesameDir(s Session, p Place) (Site, error) {
	dir, err := p.dir()
	if err != nil {
		return nil, err
	}
	store, err := dirstore.Open(string(dir))
	if err != nil {
		return nil, err
	}
	return openSesame(s, ioClosers{store, dir}, sesame.WithStore(store))
}

// sqlite opens a new database: a write-ahead log, on the disk before a commit
// is answered.
func (p Place) sqlite() (*sql.DB, ioClosers, error) {
	dir, err := p.dir()
	if err != nil {
		return nil, nil, err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(string(dir), "sessions.sqlite")+
		"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)")
	return db, ioClosers{db, dir}, err
}

func openSesameSQLite(s Session, p Place) (Site, error) {
	db, closers, err := p.sqlite()
	if err != nil {
		return nil, err
	}
	store := sqlstore.New(db, sqlstore.SQLite())
	if err := store.CreateTable(context.Background()); err != nil {
		return nil, err
	}
	return openSesame(s, append(ioClosers{store}, closers...), sesame.WithStore(store))
}

// scsSQLite opens a new database for scs.
func (p Place) scsSQLite() (*sqlite3store.SQLite3Store, ioClosers, error) {
	db, closers, err := p.sqlite()
	if err != nil {
		return nil, nil, err
	}
	for _, statement := range []string{ // of its README
		`CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL)`,
		`CREATE INDEX sessions_expiry_idx ON sessions(expiry)`,
	} {
		if _, err := db.Exec(statement); err != nil {
			return nil, nil, err
		}
	}
	db.SetMaxOpenConns(4) // more only wait for SQLite's one writer, and some give up
	return sqlite3store.NewWithCleanupInterval(db, 0), closers, nil
}

func openSCSSQLite(s Session, p Place) (Site, error) {
	store, closers, err := p.scsSQLite()
	if err != nil {
		return nil, err
	}
	return scsSite(s.values(), store, scs.GobCodec{}, idle, closers), nil
}

func openSCSMemory(s Session, _ Place) (Site, error) {
	return scsSite(s.values(), scsmemory.NewWithCleanupInterval(0), scs.GobCodec{}, idle, nil), nil
}

func openSCSMemoryNoIdle(s Session, _ Place) (Site, error) {
	return scsSite(s.values(), scsmemory.NewWithCleanupInterval(0), scs.GobCodec{}, 0, nil), nil
}

func openSCSPacked(s Session, _ Place) (Site, error) {
	v, codec := s.packed()
	return scsSite(v, scsmemory.NewWithCleanupInterval(0), codec, idle, nil), nil
}
