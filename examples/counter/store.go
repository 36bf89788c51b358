package main

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
	"github.com/sesame-go/sesame/store/logstore"
	"github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/sqlstore"

	_ "modernc.org/sqlite"
)

const storeUsage = "`where` sessions are kept, one of" + storeForms

// storeForms has an example of each form that open takes.
const storeForms = `
  memory:                                            gone when the program ends
  log:counter.db                                     a file, for one process
  dir:sessions                                       a directory; from here on several processes may share it
  sqlite:counter.sqlite
  postgres://user:password@localhost:5432/database
  mysql://user:password@localhost:3306/database      MariaDB too
  redis://user:password@localhost:6379/0             Valkey too
  nats://user:password@localhost:4222                with JetStream
`

var errForm = errors.New("-store: the value is none of these:" + storeForms)

// patience is how long the program waits for its store when it starts.
const patience = 5 * time.Second

// open opens the store that a value such as log:counter.db names. The returned
// function closes it. Errors leave out the value, which may have a password.
func open(where string) (store.Store, func() error, error) {
	engine, at, ok := strings.Cut(where, ":")
	if !ok || (at == "") != (engine == "memory") {
		return nil, nil, errForm
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	switch engine {
	case "memory":
		return memstore.New(), func() error { return nil }, nil
	case "log":
		return opened(logstore.Open(at))
	case "dir":
		return opened(dirstore.Open(at))
	case "sqlite":
		return openSQLite(ctx, at)
	case "postgres", "mysql", "redis", "nats":
		return openServer(ctx, engine, where)
	}
	return nil, nil, errForm
}

// opened is what open returns for a store that has to be closed.
func opened[S interface {
	store.Store
	io.Closer
}](s S, err error) (store.Store, func() error, error) {
	if err != nil {
		return nil, nil, err
	}
	return s, s.Close, nil
}

func openSQLite(ctx context.Context, path string) (store.Store, func() error, error) {
	pragmas := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(5000)"}}
	db, err := sql.Open("sqlite", "file:"+url.PathEscape(path)+"?"+pragmas.Encode())
	if err != nil {
		return nil, nil, err
	}
	return openTable(ctx, db, sqlstore.SQLite())
}

// openTable opens a store in a database, which it closes together with the
// store.
func openTable(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect) (store.Store, func() error, error) {
	s := sqlstore.New(db, dialect)
	if err := s.CreateTable(ctx); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return s, func() error { return errors.Join(s.Close(), db.Close()) }, nil
}
