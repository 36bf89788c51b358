package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
)

// OpenSQLite opens the SQLite file at path, which it creates if need be, with
// the table. The driver is one that the program imports: "sqlite" of
// modernc.org/sqlite, or "sqlite3" of github.com/ncruces/go-sqlite3 or
// github.com/mattn/go-sqlite3:
//
//	s, err := sqlstore.OpenSQLite("sqlite", "sessions.sqlite")
//
// The settings are those that [SQLite] recommends, with synchronous(FULL) and a
// busy timeout of five seconds. [Store.Close] also closes the file. Errors name
// the file with its full path. For other settings, or a database that the
// program has anyway, use [New].
func OpenSQLite(driver, path string, opts ...Option) (*Store, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: open %s: %w", path, err)
	}
	db, err := sql.Open(driver, sqliteSource(full))
	if err != nil {
		return nil, fmt.Errorf("sqlstore: open %s: %w", full, err)
	}
	s := New(db, SQLite(), opts...)
	s.closeDB = db.Close
	if err := s.ensureTable(context.Background()); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("sqlstore: open %s: %w", full, err)
	}
	return s, nil
}

// sqliteSource returns the data source name of a file for all drivers. Each
// takes the settings that it knows.
func sqliteSource(path string) string {
	path = filepath.ToSlash(path)
	if path[0] != '/' { // C:/sessions.sqlite
		path = "/" + path
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: "_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)" +
		"&_journal_mode=WAL&_busy_timeout=5000&_synchronous=FULL"}
	return u.String()
}
