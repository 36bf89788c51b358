package sqlstore

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/sesame-go/sesame/store"
)

// Load implements [store.Store]. For a session that has expired and was not
// swept yet it returns [store.ErrExpired], for a row that is damaged
// [store.ErrCorrupt].
func (s *Store) Load(ctx context.Context, k store.Key) (store.Record, error) {
	rows, err := s.find(ctx, k)
	switch {
	case err != nil:
		return store.Record{}, s.failed(ctx, "load", err)
	case len(rows) == 0:
		return store.Record{}, store.ErrNotFound
	case rows[0].damaged || rows[0].Key != k:
		return store.Record{}, fmt.Errorf("sqlstore: load: %w: its checksum is wrong", store.ErrCorrupt)
	case rows[0].Expires.UnixMilli() <= s.now():
		return store.Record{}, store.ErrExpired
	}
	return rows[0].Record, nil
}

// find returns the row of k, if there is one.
func (s *Store) find(ctx context.Context, k store.Key) ([]row, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.dialect.embedded && s.db.Stats().MaxOpenConnections == 0 {
		// A pool without a bound always has a connection, and a library answers
		// at once. To watch the context would take a third of the time.
		ctx = context.WithoutCancel(ctx)
	}
	return query(ctx, s, loadOne, scanRow, k[:])
}

// Save implements [store.Store]. Versions count up from a random number of 62
// bits, so that a session that is deleted and created again has others than
// before.
func (s *Store) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	creating := r.Version == 0
	version := 1 + rand.Int64N(1<<62)
	if !creating {
		// Larger versions than the column holds were never given out.
		version = int64(min(r.Version, math.MaxInt64-1)) + 1
	}
	c, err := columnsOf(k, version, r)
	if err != nil {
		return 0, err
	}
	rows, err := s.write(ctx, "save", func(x exec) (int64, error) {
		if creating {
			return s.create(x, k, version, c)
		}
		return x(save, c.expires, c.slot, c.owner, c.data, c.crc, k[:], version-1, s.now())
	})
	if err == nil && rows == 0 {
		err = store.ErrConflict
	}
	if err != nil {
		return 0, err
	}
	return uint64(version), nil
}

// create inserts a row, in place of one that has expired if need be.
func (s *Store) create(x exec, k store.Key, version int64, c columns) (int64, error) {
	insert := func() (int64, error) {
		return x(create, k[:], version, c.expires, c.slot, c.owner, c.data, c.crc)
	}
	if rows, err := insert(); rows > 0 || err != nil {
		return rows, err
	}
	if rows, err := x(reclaim, k[:], s.now()); rows == 0 || err != nil {
		return 0, err
	}
	return insert()
}

// Touch implements [store.Store]. It leaves the version as it is.
func (s *Store) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	exp := millis(expires)
	_, err := s.write(ctx, "touch", func(x exec) (int64, error) {
		return x(touch, exp, slot(exp), k[:], exp, s.now())
	})
	return err
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, k store.Key) error {
	_, err := s.write(ctx, "delete", func(x exec) (int64, error) { return x(remove, k[:]) })
	return err
}
