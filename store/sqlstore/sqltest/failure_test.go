package sqltest

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// everything calls each method that uses the database, by name.
func everything(ctx context.Context, s *sqlstore.Store) map[string]error {
	errs := make(map[string]error)
	_, errs["Load"] = s.Load(ctx, key(1))
	_, errs["Save"] = s.Save(ctx, key(2), record("data"))
	_, errs["Count"] = s.Count(ctx)
	_, errs["DeleteOwned"] = s.DeleteOwned(ctx, "ann")
	_, errs["Sweep"] = s.Sweep(ctx, 1)
	errs["Touch"] = s.Touch(ctx, key(1), time.Now().Add(time.Hour))
	errs["Delete"] = s.Delete(ctx, key(1))
	errs["Ping"] = s.Ping(ctx)
	for _, err := range s.All(ctx) {
		errs["All"] = err
	}
	for _, err := range s.Owned(ctx, "ann") {
		errs["Owned"] = err
	}
	return errs
}

func requireOutage(t *testing.T, errs map[string]error, text string) {
	t.Helper()
	require.Len(t, errs, 10)
	for method, err := range errs {
		require.ErrorContains(t, err, "sqlstore: ", method)
		require.ErrorContains(t, err, text, method)
		require.NotErrorIs(t, err, store.ErrNotFound, method)
		require.NotErrorIs(t, err, store.ErrConflict, method)
	}
}

func TestNoTable(t *testing.T) {
	s := sqlstore.New(openDB(t, dsn(filepath.Join(t.TempDir(), "a.sqlite"))), sqlstore.SQLite())
	defer s.Close()
	requireOutage(t, everything(t.Context(), s), "CreateTable")
	require.NoError(t, s.CreateTable(t.Context())) // no new store is needed
	require.NoError(t, s.Ping(t.Context()))
	_, err := s.Save(t.Context(), key(1), record("data"))
	require.NoError(t, err)
}

func TestTableDropped(t *testing.T) {
	db := openDB(t, dsn(filepath.Join(t.TempDir(), "a.sqlite")))
	s := newStore(t, db)
	require.NoError(t, s.Ping(t.Context()))
	_, err := db.Exec("DROP TABLE sesame")
	require.NoError(t, err)
	requireOutage(t, everything(t.Context(), s), "CreateTable")
	require.NoError(t, s.CreateTable(t.Context()))
	require.NoError(t, s.CreateTable(t.Context()))
	require.NoError(t, s.Ping(t.Context()))
}

func TestClosed(t *testing.T) {
	s := newFile(t)
	_, err := s.Save(t.Context(), key(1), record("data"))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	requireOutage(t, everything(t.Context(), s), "the store is closed")
}

func TestClosedUnused(t *testing.T) {
	s := sqlstore.New(openDB(t, ":memory:"), sqlstore.SQLite())
	require.NoError(t, s.Close())
	requireOutage(t, everything(t.Context(), s), "the store is closed")
}

func TestClosedDatabase(t *testing.T) {
	db := openDB(t, dsn(filepath.Join(t.TempDir(), "a.sqlite")))
	s := newStore(t, db)
	_, err := s.Save(t.Context(), key(1), record("data"))
	require.NoError(t, err)
	require.NoError(t, db.Close())
	requireOutage(t, everything(t.Context(), s), "database is closed")
	require.NoError(t, s.Close())
}

// TestCloseWaits closes a store in the midst of writes: each has happened or
// is an error.
func TestCloseWaits(t *testing.T) {
	db := openDB(t, dsn(filepath.Join(t.TempDir(), "a.sqlite")))
	s := newStore(t, db)
	require.NoError(t, s.Ping(t.Context()))
	var errs [32]error
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.Save(t.Context(), key(i), record("data")) })
	}
	require.NoError(t, s.Close())
	wg.Wait()
	again := newStore(t, db)
	for i, err := range errs {
		if err != nil {
			require.ErrorContains(t, err, "the store is closed")
			continue
		}
		_, err := again.Load(t.Context(), key(i))
		require.NoError(t, err)
	}
}

// locked returns a store, with its pool, on a file that another connection
// locks for writing until unlock is called.
func locked(t *testing.T, timeout string) (s *sqlstore.Store, db *sql.DB, unlock func()) {
	file := filepath.Join(t.TempDir(), "a.sqlite")
	db = openDB(t, "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout("+timeout+")")
	s = newStore(t, db)
	_, err := s.Save(t.Context(), key(1), record("data"))
	require.NoError(t, err)
	other, err := openDB(t, dsn(file)).Conn(t.Context())
	require.NoError(t, err)
	_, err = other.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	return s, db, sync.OnceFunc(func() {
		_, err := other.ExecContext(context.Background(), "ROLLBACK")
		require.NoError(t, err)
		require.NoError(t, other.Close())
	})
}

// TestBusy requires that a database which another process keeps locked is an
// error for all calls that wait, after one timeout and not one for each.
func TestBusy(t *testing.T) {
	s, _, unlock := locked(t, "300")
	defer unlock()
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, err := s.Save(t.Context(), key(100+i), record("data"))
			assert.ErrorContains(t, err, "locked")
			assert.NotErrorIs(t, err, store.ErrConflict)
		})
	}
	wg.Wait()
	assert.Less(t, time.Since(begin), 5*time.Second, "one for each would be six")
	_, err := s.Load(t.Context(), key(1))
	require.NoError(t, err, "others can read")

	unlock()
	_, err = s.Save(t.Context(), key(100), record("data"))
	require.NoError(t, err)
}

// TestCancelOne cancels one of many that wait for the database. It stops
// waiting and has no effect; the others do not notice.
func TestCancelOne(t *testing.T) {
	s, db, unlock := locked(t, "20000")
	defer unlock()
	first := make(chan error, 1)
	go func() { _, err := s.Save(t.Context(), key(100), record("first")); first <- err }()
	// It has a connection once it is in a transaction, alone.
	require.Eventually(t, func() bool { return db.Stats().InUse == 1 }, 10*time.Second, time.Millisecond)

	cancelled, cancel := context.WithCancel(t.Context())
	var errs [20]error
	var wg sync.WaitGroup
	var left atomic.Int32
	for i := range errs {
		ctx := t.Context()
		if i%2 == 0 {
			ctx = cancelled
		}
		wg.Go(func() {
			_, errs[i] = s.Save(ctx, key(200+i), record("data"))
			left.Add(1)
		})
	}
	time.Sleep(50 * time.Millisecond)
	cancel()
	require.Eventually(t, func() bool { return left.Load() == 10 }, 5*time.Second, time.Millisecond)
	unlock()
	wg.Wait()
	require.NoError(t, <-first)
	for i, err := range errs {
		_, missing := s.Load(t.Context(), key(200+i))
		if i%2 == 0 {
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, missing, store.ErrNotFound)
		} else {
			require.NoError(t, err)
			require.NoError(t, missing)
		}
	}
}

// TestCancelUnderWay cancels at random moments. A call that was cancelled has
// had its effect or not; one that was not has.
func TestCancelUnderWay(t *testing.T) {
	s := newFile(t)
	require.NoError(t, s.Ping(t.Context()))
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := range 40 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n*i*10)*time.Microsecond)
				k := key(i<<8 | n)
				_, err := s.Save(ctx, k, record(strconv.Itoa(n)))
				cancel()
				if err != nil {
					assert.ErrorIs(t, err, context.DeadlineExceeded)
				}
				r, missing := s.Load(t.Context(), k)
				if err == nil || missing == nil {
					assert.NoError(t, missing)
					assert.Equal(t, strconv.Itoa(n), string(r.Data))
				} else {
					assert.ErrorIs(t, missing, store.ErrNotFound)
				}
			}
		})
	}
	wg.Wait()
}

// TestRefusedByTheTable has the database refuse one record of a batch. The
// others are saved.
func TestRefusedByTheTable(t *testing.T) {
	db := openDB(t, dsn(filepath.Join(t.TempDir(), "a.sqlite")))
	s := newStore(t, db)
	_, err := db.Exec(`CREATE TRIGGER refuse BEFORE INSERT ON sesame WHEN new.owner = CAST('bob' AS BLOB)
		BEGIN SELECT RAISE(ROLLBACK, 'bob is refused'); END`)
	require.NoError(t, err)
	var wg sync.WaitGroup
	var errs [64]error
	for i := range errs {
		wg.Go(func() {
			r := record("data")
			r.Owner = []string{"ann", "bob"}[i%8/7]
			_, errs[i] = s.Save(t.Context(), key(i), r)
		})
	}
	wg.Wait()
	for i, err := range errs {
		_, missing := s.Load(t.Context(), key(i))
		if i%8 == 7 {
			assert.ErrorContains(t, err, "bob is refused")
			assert.True(t, errors.Is(missing, store.ErrNotFound))
		} else {
			assert.NoError(t, err)
			assert.NoError(t, missing)
		}
	}
}
