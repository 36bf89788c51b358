package sqltest

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// TestMain is the main function of the processes that tests start, too.
func TestMain(m *testing.M) {
	if role := os.Getenv("SQLTEST_ROLE"); role != "" {
		if err := roles[role](os.Getenv("SQLTEST_FILE")); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// dsn returns the recommended data source name for a file, with a longer
// timeout: the disk may be slow.
func dsn(file string) string {
	return "file:" + file + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(60000)&_pragma=synchronous(FULL)"
}

func openDB(t testing.TB, dsn string) *sql.DB {
	db, err := sql.Open("sqlite", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// newStore returns a store with its table in db.
func newStore(t testing.TB, db *sql.DB, opts ...sqlstore.Option) *sqlstore.Store {
	s := sqlstore.New(db, sqlstore.SQLite(), opts...)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.CreateTable(context.Background()))
	return s
}

// newFile returns a store in a file of its own.
func newFile(t testing.TB) *sqlstore.Store {
	return newStore(t, openDB(t, dsn(filepath.Join(t.TempDir(), "sessions.sqlite"))))
}

func key(n int) store.Key { return store.Key{15: byte(n), 14: byte(n >> 8), 13: byte(n >> 16)} }

func record(data string) store.Record {
	return store.Record{Expires: time.Now().Add(time.Hour).Truncate(time.Millisecond), Data: []byte(data)}
}
