package sqltest

import (
	"database/sql"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/processtest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
)

func isOutage(t *testing.T, err error) {
	t.Helper()
	require.ErrorContains(t, err, "sqlstore: ")
	for _, answer := range []error{store.ErrNotFound, store.ErrConflict, store.ErrCorrupt, store.ErrFull} {
		require.NotErrorIs(t, err, answer)
	}
}

// TestFullDisk fills the disk. What is there stays as it is and can be read, and
// there is room again when some of it goes.
func TestFullDisk(t *testing.T) {
	dir, ok := processtest.Disk(t, "512k")
	if !ok {
		return
	}
	s, err := sqlstore.OpenSQLite("sqlite", filepath.Join(dir, "sessions.sqlite"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	saved := make(map[int]store.Record)
	for i := 0; err == nil; i++ {
		require.Less(t, i, 1000, "it is never full")
		r := record(strings.Repeat("x", 3000))
		r.Owner = "ann"
		if r.Version, err = s.Save(t.Context(), key(i), r); err == nil {
			saved[i] = r
		}
	}
	isOutage(t, err)
	intact := func() {
		t.Helper()
		for i, r := range saved {
			got, err := s.Load(t.Context(), key(i))
			require.NoError(t, err)
			require.Equal(t, r, got)
		}
	}
	require.NotEmpty(t, saved)
	intact()
	n, err := s.DeleteOwned(t.Context(), "ann")
	isOutage(t, err) // SQLite writes a deletion too
	require.Zero(t, n)
	intact()

	require.NoError(t, syscall.Mount("tmpfs", dir, "", syscall.MS_REMOUNT, "size=2m"))
	n, err = s.DeleteOwned(t.Context(), "ann")
	require.NoError(t, err)
	require.Equal(t, len(saved), n)
	_, err = s.Save(t.Context(), key(1), record("data"))
	require.NoError(t, err)
}

// TestReadOnlyDisk has a disk that takes no writes. SQLite cannot open a file
// there whose journal is a WAL: all calls are outages, until it can be written
// again.
func TestReadOnlyDisk(t *testing.T) {
	dir, ok := processtest.Disk(t, "512k")
	if !ok {
		return
	}
	file := filepath.Join(dir, "sessions.sqlite")
	s, err := sqlstore.OpenSQLite("sqlite", file)
	require.NoError(t, err)
	_, err = s.Save(t.Context(), key(1), record("data"))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	remount := func(flags uintptr) { require.NoError(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT|flags, "")) }
	remount(syscall.MS_RDONLY)
	_, err = sqlstore.OpenSQLite("sqlite", file)
	require.ErrorContains(t, err, file)

	s = sqlstore.New(openDB(t, dsn(file)), sqlstore.SQLite())
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	for what, err := range everything(t.Context(), s) {
		require.Error(t, err, what)
		isOutage(t, err)
	}
	remount(0)
	r, err := s.Load(t.Context(), key(1))
	require.NoError(t, err)
	require.Equal(t, "data", string(r.Data))
	require.NoError(t, s.Delete(t.Context(), key(1)))
}

// TestNoDescriptors lets the process open no more files, so that the pool gets no
// new connection. A call that needs one fails as an outage, and goes on when there
// are files again.
func TestNoDescriptors(t *testing.T) {
	if !processtest.Own(t, nil) {
		return
	}
	db := openDB(t, dsn(filepath.Join(t.TempDir(), "sessions.sqlite")))
	s := newStore(t, db)
	_, err := s.Save(t.Context(), key(1), record("data"))
	require.NoError(t, err)
	var idle []*sql.Conn
	for range db.Stats().Idle {
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		idle = append(idle, conn)
	}
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	few := limit
	few.Cur = 0
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few))
	errs := everything(t.Context(), s)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	for what, err := range errs {
		require.Error(t, err, what)
		isOutage(t, err)
	}
	for what, err := range everything(t.Context(), s) {
		require.NoError(t, err, what)
	}
	for _, conn := range idle {
		require.NoError(t, conn.Close())
	}
}
