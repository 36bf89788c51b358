package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/sesame-go/sesame/store"
)

// Load implements [store.Store]. For a session that has expired and was not
// swept yet it returns [store.ErrExpired].
func (s *Store) Load(ctx context.Context, k store.Key) (store.Record, error) {
	r, err := s.load(ctx, k)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Record{}, s.failed(ctx, "load", err)
	}
	return r, err
}

func (s *Store) load(ctx context.Context, k store.Key) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	p, err := s.statements(ctx)
	if err != nil {
		return store.Record{}, err
	}
	var r store.Record
	err = s.repeat(ctx, func() (err error) {
		r, err = scan(p[loadOne].QueryRowContext(ctx, k[:]))
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return store.Record{}, store.ErrNotFound
	case err != nil:
		return store.Record{}, err
	case r.Expires.UnixMilli() <= s.now():
		return store.Record{}, store.ErrExpired
	}
	return r, nil
}

// scan reads the columns ver, exp, owner and data, after those that dest is
// for.
func scan(row interface{ Scan(...any) error }, dest ...any) (store.Record, error) {
	var version, expires int64
	var owner, data []byte
	if err := row.Scan(append(dest, &version, &expires, &owner, &data)...); err != nil {
		return store.Record{}, err
	}
	return store.Record{
		Version: uint64(version),
		Expires: time.UnixMilli(expires),
		Owner:   string(owner),
		Data:    data,
	}, nil
}

// Save implements [store.Store]. Versions count up from a random number of 62
// bits, so that a session that is deleted and created again has others than
// before.
func (s *Store) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	c, err := columnsOf(r)
	if err != nil {
		return 0, err
	}
	if r.Version == 0 {
		version := 1 + rand.Int64N(1<<62)
		return s.swap(ctx, "save", version, func(x exec) (int64, error) {
			return s.claim(x, k, func() (int64, error) {
				return x(create, k[:], version, c.expires, slot(c.expires), c.owner, c.data)
			})
		})
	}
	if r.Version >= math.MaxInt64 { // more than the column holds, and more than a store ever gave out
		r.Version = 0
	}
	return s.swap(ctx, "save", int64(r.Version)+1, func(x exec) (int64, error) {
		return x(save, c.expires, slot(c.expires), c.owner, c.data, k[:], int64(r.Version), s.now())
	})
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

// Rotate implements [store.Rotator]. The row gets another id, in one
// statement.
func (s *Store) Rotate(ctx context.Context, from, to store.Key, r store.Record) (uint64, error) {
	c, err := columnsOf(r)
	if err != nil {
		return 0, err
	}
	if r.Version >= math.MaxInt64 {
		r.Version = 0
	}
	return s.swap(ctx, "rotate", int64(r.Version)+1, func(x exec) (int64, error) {
		if from == to { // it exists, or does not: both are a conflict
			return 0, nil
		}
		return s.claim(x, to, func() (int64, error) {
			return x(rotate, to[:], c.expires, slot(c.expires), c.owner, c.data, from[:], int64(r.Version), s.now())
		})
	})
}

// claim tries what needs k to be free, and tries once more if all that is under
// k is a record that has expired.
func (s *Store) claim(x exec, k store.Key, try func() (int64, error)) (int64, error) {
	if rows, err := try(); rows > 0 || err != nil {
		return rows, err
	}
	if rows, err := x(reclaim, k[:], s.now()); rows == 0 || err != nil {
		return 0, err
	}
	return try()
}

// swap writes what changes one row if it is a compare-and-swap that succeeds,
// and none otherwise.
func (s *Store) swap(ctx context.Context, what string, version int64, op operation) (uint64, error) {
	rows, err := s.write(ctx, what, op)
	if err != nil {
		return 0, err
	}
	if rows == 0 {
		return 0, store.ErrConflict
	}
	return uint64(version), nil
}

// columns are what a record is in the table.
type columns struct {
	expires int64
	owner   any    // nil, which is NULL, for nobody; a nil []byte is not NULL to all drivers
	data    []byte // never nil
}

// columnsOf copies the record: if the caller's context ends, it may use the
// data for something else while the store still writes them.
func columnsOf(r store.Record) (columns, error) {
	if len(r.Owner) > store.MaxOwner {
		return columns{}, fmt.Errorf("sqlstore: the owner has %d bytes, more than %d", len(r.Owner), store.MaxOwner)
	}
	c := columns{expires: millis(r.Expires), data: append(make([]byte, 0, len(r.Data)), r.Data...)}
	if r.Owner != "" {
		c.owner = []byte(r.Owner)
	}
	return c, nil
}
