// Package sqlstore keeps sessions in a table of an SQL database. It goes
// through database/sql and the driver that the program brings:
//
//	import _ "github.com/jackc/pgx/v5/stdlib"
//
//	db, err := sql.Open("pgx", "postgres://user:password@host/database")
//	…
//	s := sqlstore.New(db, sqlstore.PostgreSQL())
//	err = s.CreateTable(ctx)
//	…
//	sessions := sesame.New[Session](sesame.WithStore(s))
//
// There is a [Dialect] for [PostgreSQL], one for [MySQL] and MariaDB, and one
// for [SQLite]. Each says what it promises and what belongs in the data source
// name. The table may be in a database that the program already has, next to
// its other tables, and several processes may share it.
//
// # Time
//
// The clock of the program decides whether a session has expired, never the
// clock of the database. Processes that share a table should keep their clocks
// in step: if two clocks differ by a minute, one process finds a session
// expired a minute before the other does. No process deletes what may still be
// live for another: [Store.Sweep] leaves a session for an hour after its end.
//
// # Power loss
//
// Every write is a committed transaction before the call returns, saves like
// deletions. So a save survives whatever a deletion survives, and
// [store.Record.Durable] changes nothing. How much that is depends on the
// database and its settings: see the dialects.
//
// # Damage
//
// Each row has a checksum, because not every database has one. A row that was
// damaged, or changed by hand, is [store.ErrCorrupt] to Load, and All and
// Owned skip it. Sweep removes it after its end, like any other.
//
// # Errors
//
// If a write fails because the connection did, or its context ends while the
// database is at work, the write may have had its effect or not, and may even
// have it a little later. A call whose context ends before the database has
// begun has no effect. If a read fails because the connection did, the store
// repeats it once on a connection that works. After an outage of the database the
// store works again without being reopened.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/sesame-go/sesame/store"
)

// A Store keeps sessions in a table. It implements [store.Store] and these
// optional interfaces: [store.Lister], [store.OwnerIndex], [store.Sweeper],
// [store.Counter], [store.Pinger] and [io.Closer]. All methods are safe for
// concurrent use.
//
// Make one with [New] or [OpenSQLite]. Several stores, in one process or in many, may
// work on one table.
type Store struct {
	config
	db      *sql.DB
	dialect Dialect
	texts   statements
	group   *group // nil if the database lets several transactions write at a time

	closeDB func() error // unless the database is the program's

	mu       sync.RWMutex
	prepared *prepared // nil until the first operation
	closed   bool
}

// New returns a store in db, whose dialect is the given one. New does not use the
// database. The table must exist by the first operation, see
// [Store.CreateTable]. The program remains the owner of db and closes it after
// the store.
//
// New panics if db is nil, if an option is, or if the dialect is the zero
// Dialect.
func New(db *sql.DB, dialect Dialect, opts ...Option) *Store {
	if db == nil {
		panic("sqlstore: New(nil, …): the database is missing; open one with sql.Open")
	}
	if dialect.schema == nil {
		panic("sqlstore: New with an empty Dialect; use the one of the database, such as sqlstore.SQLite()")
	}
	s := &Store{config: newConfig(opts), db: db, dialect: dialect}
	s.texts = dialect.statements.in(s.table)
	if dialect.embedded {
		s.group = &group{transact: s.transact}
	}
	return s
}

// Schema returns the statements that create the table and its indexes, for
// programs that keep their migrations themselves. Each ends with a semicolon.
// They do nothing if the table exists.
func (s *Store) Schema() string {
	return strings.Join(s.dialect.schema(s.table), ";\n") + ";\n"
}

// CreateTable creates the table and its indexes if they do not exist. Programs
// may call it whenever they start, also at the same time. If the table exists
// CreateTable needs no right to create one, and takes no lock.
func (s *Store) CreateTable(ctx context.Context) error {
	if err := s.ensureTable(ctx); err != nil {
		return s.failed(ctx, "create table", err)
	}
	return nil
}

func (s *Store) ensureTable(ctx context.Context) error {
	_, err := s.find(ctx, store.Key{})
	if err == nil {
		return nil
	}
	// Another process may create the same at this moment.
	err = s.repeat(ctx, func() error { return s.createTable(ctx) }, taken)
	if err == nil {
		_, err = s.find(ctx, store.Key{}) // there may be another table of this name
	}
	return err
}

// createTable creates the table with its indexes or, where the database has
// transactions for that, nothing at all.
func (s *Store) createTable(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, text := range s.dialect.schema(s.table) {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			_ = tx.Rollback()
			return err
		}
	}
	return tx.Commit()
}

// Ping implements [store.Pinger]. It looks for a session, and so fails if the
// table is missing too.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := s.find(ctx, store.Key{}); err != nil {
		return s.failed(ctx, "ping", err)
	}
	return nil
}

// Close implements [io.Closer]. It waits for the writes that have begun and
// closes the prepared statements. It leaves the database open that was given to
// [New]. Operations that come later fail. Close may be called more than once.
func (s *Store) Close() error {
	if s.group != nil {
		s.group.close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.prepared != nil {
		errs = append(errs, s.prepared.close())
		s.prepared = nil
	}
	if s.closeDB != nil {
		errs = append(errs, s.closeDB())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("sqlstore: close: %w", err)
	}
	return nil
}

var errClosed = errors.New("the store is closed")

// failed returns the error of an operation: err, or the context's if that has
// ended. It never is one of package store.
func (s *Store) failed(ctx context.Context, what string, err error) error {
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("sqlstore: %s: %w", what, cause)
	}
	if s.dialect.failure(err) == noTable {
		return fmt.Errorf("sqlstore: %s: %w; create the table with Store.CreateTable, "+
			"or with the statements that Store.Schema returns", what, err)
	}
	return fmt.Errorf("sqlstore: %s: %w", what, err)
}

// now returns the time by the store's clock.
func (s *Store) now() int64 { return s.clock().UnixMilli() }
