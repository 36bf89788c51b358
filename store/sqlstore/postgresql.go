package sqlstore

import "strings"

// PostgreSQL returns the dialect of PostgreSQL, 12 or later (tested with 15),
// for any driver: github.com/jackc/pgx/v5/stdlib, which is recommended, or
// github.com/lib/pq.
//
// Each operation is one statement, a transaction by itself, and so one round
// trip; only DeleteOwned takes two, and a Save that creates a session under a
// key in use one or two more. The statements are correct at every isolation
// level that the database may have as its default. If the database gives a
// statement up, to end a deadlock or because transactions cannot be serialized,
// the store repeats it up to 20 times, which takes about half a second.
//
// By default database/sql keeps two idle connections, so that many concurrent
// requests open new ones all the time. Set [sql.DB.SetMaxOpenConns] to what the
// server can spare, 16 or so, and [sql.DB.SetMaxIdleConns] to the same.
//
// Saves and deletions that were answered survive a crash of the server and a
// power loss, unless synchronous_commit or fsync is off or a failover goes to
// an asynchronous replica. The store must talk to the primary: a replica lags
// behind and would show a session that has logged out. With several hosts in
// the connection string add target_session_attrs=read-write.
//
// The statements are prepared. Some poolers do not allow for that, see
// [WithoutPrepare].
//
// If the connection breaks before the answer to a write has come, pgx returns
// an error, and whether the write had its effect is unknown. lib/pq mistakes a
// connection that the other side has closed in good order, as proxies do, for
// one that never worked, whereupon database/sql repeats the write: a Save that
// had its effect the first time then returns [store.ErrConflict]. And on a
// network that swallows packets lib/pq may wait without end, whatever the
// context says. Prefer pgx.
func PostgreSQL() Dialect { return postgresql("") }

// UnloggedPostgreSQL is [PostgreSQL] with a table that PostgreSQL does not
// write to its log, which is about twice as fast for 64 writers and three times
// for one. The price: a crash of the server or a power loss empties the table,
// which logs out all users, and a replica never has it. An orderly restart
// keeps it. So no log-out and no renewal is undone, but no session survives.
//
// The difference is in [Store.CreateTable] alone. A table that exists is
// changed by ALTER TABLE … SET UNLOGGED.
func UnloggedPostgreSQL() Dialect { return postgresql("UNLOGGED ") }

func postgresql(kind string) Dialect {
	texts := common
	texts[removeOwned] = `DELETE FROM {table} WHERE owner = ? AND exp <= ? AND strpos(?, upper(encode(id, 'hex'))) = 0`
	// The order makes the planner use the index even if it expects many rows.
	// The statement waits for no other, because it passes over locked rows.
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
			"57P01": broken,  // admin_shutdown
			"57P02": broken,  // crash_shutdown
			"57P05": broken,  // idle_session_timeout
			"08P01": broken,  // protocol_violation: what PgBouncer says of a server that it has lost
			"08006": broken,  // connection_failure
			"08003": broken,  // connection_does_not_exist
		}),
	}
}

func postgresqlSchema(kind, table string) []string {
	name := table[strings.Index(table, ".")+1:] // an index has its table's schema
	return []string{
		"CREATE " + kind + "TABLE IF NOT EXISTS " + table + ` (
  id    bytea PRIMARY KEY, -- the session's ID, 16 bytes
  ver   bigint NOT NULL,   -- version, for compare-and-swap
  exp   bigint NOT NULL,   -- expiry, in milliseconds since 1970
  slot  integer NOT NULL,  -- exp / 600000
  crc   integer NOT NULL,  -- CRC-32C of id, ver, length of owner, owner and data
  owner bytea,             -- NULL without an owner
  data  bytea NOT NULL     -- sesame's header, then what the codec wrote
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)`,
		"CREATE INDEX IF NOT EXISTS " + name + "_slot ON " + table + " (slot)",
		"CREATE INDEX IF NOT EXISTS " + name + "_owner ON " + table + " (owner, id) WHERE owner IS NOT NULL",
	}
}
