package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
)

// OpenSQLite opens the SQLite file at path, which it creates if need be, with
// the table. The driver is one that the program imports: "sqlite" of
// modernc.org/sqlite, or "sqlite3" of github.com/ncruces/go-sqlite3 or
// github.com/mattn/go-sqlite3:
//
//	s, err := sqlstore.OpenSQLite("sqlite", "sessions.sqlite")
//
// Only the user of the process may read a file that OpenSQLite creates. The
// settings are those that [SQLite] recommends, with synchronous(FULL) and a
// busy timeout of five seconds. [Store.Close] also closes the file. Errors name
// the file with its full path. For other settings, or a database that the
// program has anyway, use [New].
func OpenSQLite(driver, path string, opts ...Option) (*Store, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: open %s: %w", path, err)
	}
	db, err := sql.Open(driver, sqliteSource(full))
	if err == nil {
		err = createFile(full)
	}
	if err != nil {
		return nil, fmt.Errorf("sqlstore: open %s: %w", full, err)
	}
	s := New(db, SQLite(), opts...)
	s.closeDB = db.Close
	if err := s.ensureTable(context.Background()); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("sqlstore: open %s: %w; it has to be a file of SQLite, and the program's user must be "+
			"allowed to read and write it and its directory", full, err)
	}
	return s, nil
}

// creating keeps OpenSQLite from opening a file that another call is creating:
// closing a file gives up all locks that the process has on it, SQLite's too.
var creating sync.Mutex

// createFile creates an empty file that only the program's user may read, unless
// there is a file. SQLite would let all users read it. It gives its other files
// the mode of this one.
func createFile(path string) error {
	creating.Lock()
	defer creating.Unlock()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return errors.New("it is a directory; name a file in it")
		}
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the directory %s does not exist; make it: %w", filepath.Dir(path), err)
	case err != nil:
		return fmt.Errorf("%w; the program's user must be allowed to write to the directory", err)
	}
	return f.Close()
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
