package sqlstore

import "strings"

// PostgreSQL returns the dialect of PostgreSQL, 12 or later (tested with 15),
// for any driver: github.com/jackc/pgx/v5/stdlib, which is recommended, or
// github.com/lib/pq.
//
// Each operation is one statement, a transaction by itself, and so one round
// trip; only DeleteOwned takes two, and a Save or Rotate that finds its key in
// use one or two more. The statements are correct at every isolation level
// that the database may have as its default. One that the database gives up in
// favour of another, to end a dead-lock or for want of serialization, is
// repeated up to 20 times, which takes about half a second.
//
// By default database/sql keeps two idle connections, so that many goroutines
// at once open new ones all the time. Set [sql.DB.SetMaxOpenConns] to what the
// server has to spare, 16 or so, and [sql.DB.SetMaxIdleConns] to the same.
//
// What was acknowledged stays so through a crash of the server and a power
// failure, unless synchronous_commit is off, fsync is off or a failover goes
// to an asynchronous replica. The store must talk to the primary: a replica
// lags behind and would show a session that has logged out. With several hosts
// in the connection string add target_session_attrs=read-write.
//
// The statements are prepared. PgBouncer in transaction mode needs version
// 1.21 or later and max_prepared_statements greater than zero for that.
//
// If the connection breaks before the answer to a statement has come, pgx
// returns an error, and nobody knows whether the statement had its effect.
// lib/pq takes a connection that the other side has closed in good order, as
// proxies do, for one that never worked, whereupon database/sql repeats the
// statement: a Save that had its effect the first time then returns
// [store.ErrConflict]. And lib/pq may wait for ever, whatever the context says,
// on a network that swallows everything. Prefer pgx.
func PostgreSQL() Dialect { return postgresql("") }

// UnloggedPostgreSQL is [PostgreSQL] with a table that PostgreSQL does not
// write to its log, which is about twice as fast for 64 writers and three
// times for one. The price: when the server crashes or loses power the table
// is empty afterwards, all users are logged out, and a replica never has it.
// An orderly restart keeps it. It only matters to [Store.CreateTable]; a table
// that exists is changed by ALTER TABLE … SET UNLOGGED.
func UnloggedPostgreSQL() Dialect { return postgresql("UNLOGGED ") }

func postgresql(kind string) Dialect {
	texts := common
	texts[removeOwned] = `DELETE FROM {table} WHERE owner = ? AND exp <= ? AND strpos(?, upper(encode(id, 'hex'))) = 0`
	// The order makes it use the index even if it expects to find plenty. It
	// waits for nobody, since it passes over what somebody else has locked.
	texts[sweep] = `DELETE FROM {table} WHERE id = ANY (ARRAY(SELECT id FROM {table} ` +
		`WHERE slot <= ? AND exp <= ? ORDER BY slot LIMIT ? FOR UPDATE SKIP LOCKED))`
	return Dialect{
		schema:     func(table string) []string { return postgresqlSchema(kind, table) },
		statements: texts.numbered(),
		failure: coded(map[string]failure{
			"42P01": noTable, // undefined_table
			"23505": taken,   // unique_violation
			"42P07": taken,   // duplicate_table
			"42710": taken,   // duplicate_object: the type that a table has
			"40001": undone,  // serialization_failure
			"40P01": undone,  // deadlock_detected
		}),
	}
}

func postgresqlSchema(kind, table string) []string {
	name := table[strings.Index(table, ".")+1:] // an index has its table's schema
	return []string{
		"CREATE " + kind + "TABLE IF NOT EXISTS " + table + ` (
  id    bytea PRIMARY KEY, -- SHA-256 of the token
  ver   bigint NOT NULL,   -- version, for compare-and-swap
  exp   bigint NOT NULL,   -- expiry, in milliseconds since 1970
  slot  integer NOT NULL,  -- exp / 600000
  owner bytea,             -- NULL for nobody
  data  bytea NOT NULL     -- header of 43 bytes, then what the codec wrote
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)`,
		"CREATE INDEX IF NOT EXISTS " + name + "_slot ON " + table + " (slot)",
		"CREATE INDEX IF NOT EXISTS " + name + "_owner ON " + table + " (owner) WHERE owner IS NOT NULL",
	}
}
