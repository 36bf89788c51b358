package sqlstore

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// TestWatchedLoads requires that Load hands on a context that can end wherever
// it may have to wait, and only there.
func TestWatchedLoads(t *testing.T) {
	for _, test := range []struct {
		name    string
		dialect Dialect
		bound   int
		watched bool
	}{
		{"a library, a connection for each", SQLite(), 0, false},
		{"a library, one connection", SQLite(), 1, true},
		{"a server", PostgreSQL(), 0, true},
	} {
		f := &fake{}
		db := openFake(t, f)
		db.SetMaxOpenConns(test.bound)
		s := New(db, test.dialect)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := s.Load(ctx, store.Key{})
		require.ErrorIs(t, err, store.ErrNotFound)
		assert.Equal(t, test.watched, f.watched, test.name)
		cancel()
		_, err = s.Load(ctx, store.Key{})
		require.ErrorIs(t, err, context.Canceled, test.name)
		require.NoError(t, s.Close())
	}
}

// TestWaitForConnection requires that a load which waits for the only
// connection of the pool does so no longer than its context allows.
func TestWaitForConnection(t *testing.T) {
	db := openFake(t, &fake{})
	db.SetMaxOpenConns(1)
	s := New(db, SQLite())
	defer s.Close()
	require.NoError(t, s.Ping(t.Context()))
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = s.Load(ctx, store.Key{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
