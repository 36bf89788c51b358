// Package sqlstore keeps sessions in a table of an SQL database, through
// database/sql and the driver that the program brings:
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
// for [SQLite]; what each promises, and how the data source name should be, is
// said there. The table may be in the database that the program has anyway,
// next to its other tables, and several processes may share it.
//
// # Time
//
// Whether a session has expired is judged by the clock of the program, never
// by that of the database. Processes that share a table should have their
// clocks in step: by as much as they differ, one finds a session expired
// earlier than the other does. An operation reads the clock when its statement
// runs, not when it began to wait.
//
// # Errors
//
// A call that fails because the database did, or whose context ends while the
// database is at work, may have had its effect or not, as always with
// databases, and may even have it a little later. One whose context ends before
// that has none. When the database is back so is the store: nothing has to be
// opened again.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sesame-go/sesame/internal/expiry"
	"github.com/sesame-go/sesame/store"
)

// A Store keeps sessions in a table. It implements [store.Store] and all of
// the optional interfaces: [store.Rotator], [store.Lister],
// [store.OwnerIndex], [store.Sweeper], [store.Pinger] and [io.Closer]. All
// methods are safe for concurrent use.
//
// Make one with [New]. Several stores, in one process or in many, may work on
// one table.
type Store struct {
	db      *sql.DB
	dialect Dialect
	table   string
	clock   func() time.Time
	texts   statements
	group   *group // nil if the database lets many write at a time

	mu       sync.RWMutex
	prepared *prepared // nil until the first operation
	closed   bool
}

// An Option changes a default of [New].
type Option func(*Store)

// WithTable names the table, "sesame" by default. The name is used as it is,
// without quotes: letters, digits and underscores, at most 48 and no digit
// first, and not a reserved word of the database. A schema may come before it,
// as in "auth.sessions"; in SQLite that is the name of an attached database.
//
// WithTable panics if the name is another.
func WithTable(name string) Option {
	if err := checkTable(name); err != nil {
		panic(err.Error())
	}
	return func(s *Store) { s.table = name }
}

// WithClock sets the clock by which sessions expire, [time.Now] by default. It
// must be safe for concurrent use. It is for tests, also of what happens when
// the clocks of several processes differ.
//
// WithClock panics if the clock is nil.
func WithClock(now func() time.Time) Option {
	if now == nil {
		panic("sqlstore: WithClock(nil): the clock is missing; leave the option out for time.Now")
	}
	return func(s *Store) { s.clock = now }
}

// New returns a store in db, which speaks the given dialect. It does not use
// the database yet: the statements are prepared by the first operation, and
// the table must exist by then, see [Store.CreateTable]. The program remains
// the owner of db and closes it after the store.
//
// New panics if db is nil or the dialect is not one that a function of this
// package has returned.
func New(db *sql.DB, dialect Dialect, opts ...Option) *Store {
	if db == nil {
		panic("sqlstore: New(nil, …): the database is missing; open one with sql.Open")
	}
	if dialect.schema == nil {
		panic("sqlstore: New with an empty Dialect; take the one of the database, such as sqlstore.SQLite()")
	}
	s := &Store{db: db, dialect: dialect, table: "sesame", clock: time.Now}
	for _, opt := range opts {
		opt(s)
	}
	s.texts = dialect.statements.in(s.table)
	if dialect.oneWriter {
		s.group = &group{transact: s.transact}
	}
	return s
}

// Schema returns the statements that make the table and its indexes, for those
// who create their tables themselves. Each ends with a semicolon. They do
// nothing if the table is there.
func (s *Store) Schema() string {
	return strings.Join(s.dialect.schema(s.table), ";\n") + ";\n"
}

// CreateTable creates the table and its indexes if they do not exist. It may
// be called at every start of the program, by several processes at once. If
// the table is there it needs no right to create one, and locks nothing.
func (s *Store) CreateTable(ctx context.Context) error {
	if s.Ping(ctx) == nil {
		return nil
	}
	// To another process that creates the same it may lose in the middle.
	err := s.repeat(ctx, func() error { return s.createTable(ctx) }, taken)
	if err != nil {
		return s.failed(ctx, "create table", err)
	}
	return nil
}

// createTable creates the table with its indexes or, where the database has
// transactions for that, not at all.
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

// Ping implements [store.Pinger]. It asks the table for a session and so also
// finds out that the table is missing.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.load(ctx, store.Key{})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return s.failed(ctx, "ping", err)
	}
	return nil
}

// Close implements [io.Closer]. It waits for the operations that have begun to
// be written, closes the prepared statements and leaves the database open.
// Operations that come later fail. It may be called more than once.
func (s *Store) Close() error {
	if s.group != nil {
		s.group.close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	p := s.prepared
	s.prepared = nil
	if p == nil {
		return nil
	}
	if err := p.close(); err != nil {
		return fmt.Errorf("sqlstore: close: %w", err)
	}
	return nil
}

var errClosed = errors.New("the store is closed")

// failed returns the error of an operation, err unless the context is the
// cause. It never is one of package store.
func (s *Store) failed(ctx context.Context, what string, err error) error {
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("sqlstore: %s: %w", what, cause)
	}
	if s.dialect.failure(err) == noTable {
		return fmt.Errorf("sqlstore: %s: %w; create the table with Store.CreateTable, "+
			"or by yourself with the statements that Store.Schema returns", what, err)
	}
	return fmt.Errorf("sqlstore: %s: %w", what, err)
}

// checkTable returns an error if the name of a table is not one that is safe
// without quotes.
func checkTable(name string) error {
	parts := strings.Split(name, ".")
	if len(parts) > 2 {
		return fmt.Errorf("sqlstore: table name %.100q: it has more than one dot", name)
	}
	for _, part := range parts {
		if len(part) == 0 || len(part) > maxName {
			return fmt.Errorf("sqlstore: table name %.100q: a name has 1 to %d characters", name, maxName)
		}
		for i, c := range []byte(part) {
			letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
			digit := c >= '0' && c <= '9'
			if !letter && (!digit || i == 0) {
				return fmt.Errorf("sqlstore: table name %.100q: a name has letters, digits and underscores, "+
					"and does not begin with a digit", name)
			}
		}
	}
	return nil
}

// maxName leaves room for "_owner" in the 63 characters that PostgreSQL and
// MySQL allow for the name of an index.
const maxName = 48

// millis returns t in milliseconds since 1970, as the table has it, of a year
// until 9999, so that slots fit in 32 bits.
func millis(t time.Time) int64 { return expiry.Clamp(t).UnixMilli() }

const lastMillis int64 = 253_402_300_799_999 // the end of the year 9999

// now returns the time by the store's clock.
func (s *Store) now() int64 { return s.clock().UnixMilli() }

// slot returns the ten minutes that a time is in. It is what the table has an
// index on: an index on the exact time would have to be changed by every save
// and every touch.
func slot(millis int64) int64 { return millis / 600_000 }
