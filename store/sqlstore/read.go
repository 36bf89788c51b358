package sqlstore

import (
	"context"
	"database/sql"
	"errors"
)

// query returns what a statement selects. It repeats the statement once, on a
// connection that works, if the connection has failed.
func query[T any](ctx context.Context, s *Store, st statement, scan func(*sql.Rows) (T, error), args ...any) (all []T, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = s.repeat(ctx, func() error {
		rows, err := s.query(ctx, st, args...)
		if err == nil {
			all, err = collect(rows, scan)
		}
		return err
	})
	if err == nil || errors.Is(err, errClosed) || s.dialect.failure(err) != broken || ctx.Err() != nil {
		return all, err
	}
	conn, err := s.working(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // it only goes back to the pool
	rows, err := conn.QueryContext(ctx, s.texts[st], args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, scan)
}

func collect[T any](rows *sql.Rows, scan func(*sql.Rows) (T, error)) (all []T, err error) {
	defer func() { _ = rows.Close() }() // Err has what there is to say
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// working returns a connection that answers. When the server has restarted all
// idle connections of the pool are dead; it closes those that it meets.
func (s *Store) working(ctx context.Context) (conn *sql.Conn, err error) {
	for range s.db.Stats().Idle + 1 {
		if conn, err = s.db.Conn(ctx); err != nil {
			return nil, err
		}
		if err = conn.PingContext(ctx); err == nil {
			return conn, nil
		}
		discard(conn)
	}
	return nil, err
}
