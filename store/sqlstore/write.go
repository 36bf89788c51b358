package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// An operation changes rows and returns how many. It may run more than once,
// until it takes effect. In an embedded database it is part of a transaction; in
// others each of its statements is one.
type operation func(exec) (rows int64, err error)

// exec runs a statement of an operation and returns how many rows it changed:
// none if the id is taken that it was to use.
type exec func(st statement, args ...any) (rows int64, err error)

// write carries out an operation.
func (s *Store) write(ctx context.Context, what string, op operation) (int64, error) {
	rows, err := s.change(ctx, op)
	if err != nil {
		return 0, s.failed(ctx, what, err)
	}
	return rows, nil
}

func (s *Store) change(ctx context.Context, op operation) (rows int64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if s.group != nil {
		return s.group.do(ctx, op)
	}
	err = s.repeat(ctx, func() (err error) {
		rows, err = op(func(st statement, args ...any) (int64, error) {
			rows, err := affected(s.exec(ctx, st, args...))
			if err != nil && s.dialect.failure(err) == taken {
				return 0, nil
			}
			return rows, err
		})
		return err
	})
	return rows, err
}

// transact carries out a batch in one transaction. It returns the position of
// the call whose operation failed, or -1 if the transaction itself did. Nothing has
// changed then, unless the commit failed after the database had carried it out.
//
// It takes the database's lock for writing before the first operation, as BEGIN
// IMMEDIATE does, which database/sql cannot say. If another process keeps the
// lock, the whole batch fails after the busy timeout; otherwise each operation
// would wait that long.
func (s *Store) transact(batch []*call) (failed int, err error) {
	ctx := context.Background() // the calls have contexts of their own
	p, err := s.statements(ctx)
	if err != nil {
		return -1, err
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return -1, err
	}
	defer func() { _ = conn.Close() }() // it only goes back to the pool
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return -1, err
	}
	var mine prepared
	x := func(st statement, args ...any) (int64, error) {
		if mine[st] == nil {
			mine[st] = tx.StmtContext(ctx, p[st])
		}
		return affected(mine[st].ExecContext(ctx, args...))
	}
	failed = -1
	if _, err = x(lock); err == nil {
		for i, c := range batch {
			if err = c.run(x); err != nil {
				failed = i
				break
			}
		}
	}
	if err != nil {
		if tx.Rollback() != nil {
			discard(conn)
		}
		return failed, err
	}
	if err := tx.Commit(); err != nil {
		// The transaction may still be open. The next user of the connection
		// must not find it.
		discard(conn)
		return -1, err
	}
	return -1, nil
}

// discard makes the pool close a connection, so that the database rolls back what is
// not committed.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}

func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
