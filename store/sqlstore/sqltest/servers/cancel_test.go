package servers

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// TestCancelled cancels calls while they wait for a row that another transaction
// has locked. They return at once, and their connections go back to the pool.
func TestCancelled(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s, db, name := e.store(t)
		r := record("data")
		r.Owner = "ann"
		version, err := s.Save(t.Context(), key(1), r)
		require.NoError(t, err)
		r.Version = version

		tx, err := e.open(t, e.source(t)).Begin()
		require.NoError(t, err)
		defer tx.Rollback()
		var n int
		require.NoError(t, tx.QueryRow("SELECT 1 FROM "+name+" FOR UPDATE").Scan(&n))

		for what, call := range map[string]func(context.Context) error{
			"touch": func(ctx context.Context) error { return s.Touch(ctx, key(1), time.Now().Add(3*time.Hour)) },
			"save": func(ctx context.Context) error {
				_, err := s.Save(ctx, key(1), r)
				return err
			},
			"delete owned": func(ctx context.Context) error {
				_, err := s.DeleteOwned(ctx, "ann")
				return err
			},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			begin := time.Now()
			err := call(ctx)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded, what)
			requireOutage(t, err)
			require.Less(t, time.Since(begin), 10*time.Second, what) // a lock wait is longer
		}

		_, err = s.Load(t.Context(), key(1))
		require.NoError(t, err, "others can read")
		require.Eventually(t, func() bool { return db.Stats().InUse == 0 }, 10*time.Second, time.Millisecond)
		require.NoError(t, tx.Rollback())
		_, err = s.Save(t.Context(), key(3), record("after"))
		require.NoError(t, err)
	})
}

// TestClosed requires that every call of a closed store fails as an outage does.
func TestClosed(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s, db, _ := e.store(t)
		_, err := s.Save(t.Context(), key(1), record("data"))
		require.NoError(t, err)
		require.NoError(t, s.Close())
		_, err = s.Load(t.Context(), key(1))
		requireOutage(t, err)
		requireOutage(t, s.Touch(t.Context(), key(1), time.Now()))
		require.NoError(t, db.Ping(), "the database is the program's")
	})
}

// TestTableDropped drops the table in operation and creates it again.
func TestTableDropped(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s, db, name := e.store(t)
		_, err := s.Save(t.Context(), key(1), record("data"))
		require.NoError(t, err)
		_, err = db.Exec("DROP TABLE " + name)
		require.NoError(t, err)
		for range 2 {
			_, err = s.Load(t.Context(), key(1))
			requireOutage(t, err)
			require.ErrorContains(t, err, "CreateTable")
			_, err = s.Save(t.Context(), key(1), record("data"))
			requireOutage(t, err)
			require.ErrorContains(t, err, "CreateTable")
		}
		require.NoError(t, s.CreateTable(t.Context()))
		_, err = s.Load(t.Context(), key(1))
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = s.Save(t.Context(), key(1), record("data"))
		require.NoError(t, err)
	})
}
