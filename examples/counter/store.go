package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
	"github.com/sesame-go/sesame/store/logstore"
	"github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/sqlstore"

	_ "modernc.org/sqlite"
)

const storeUsage = "where sessions are kept: memory:, log:`FILE`, dir:DIRECTORY or sqlite:FILE"

// open opens the store that a value such as log:counter.db names. The returned
// function closes it.
func open(where string) (store.Store, func() error, error) {
	engine, path, ok := strings.Cut(where, ":")
	if !ok || (path == "") != (engine == "memory") {
		return nil, nil, fmt.Errorf("-store %s: say %s", where, strings.ReplaceAll(storeUsage, "`", ""))
	}
	switch engine {
	case "memory":
		return memstore.New(), func() error { return nil }, nil
	case "log":
		s, err := logstore.Open(path)
		if err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	case "dir":
		s, err := dirstore.Open(path)
		if err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	case "sqlite":
		return openSQLite(path)
	}
	return nil, nil, fmt.Errorf("-store %s: there is no such engine; say %s", where, strings.ReplaceAll(storeUsage, "`", ""))
}

func openSQLite(path string) (store.Store, func() error, error) {
	pragmas := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(5000)"}}
	db, err := sql.Open("sqlite", "file:"+url.PathEscape(path)+"?"+pragmas.Encode())
	if err != nil {
		return nil, nil, err
	}
	s := sqlstore.New(db, sqlstore.SQLite())
	if err := s.CreateTable(context.Background()); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return s, func() error { return errors.Join(s.Close(), db.Close()) }, nil
}
