package sqlstore

import "strings"

// SQLite returns the dialect of SQLite, 3.38 or later, for any driver.
//
// SQLite lets one transaction write at a time. The store commits the writes
// that wait at the same time in one transaction: the more there are, the less
// each costs. Loads are not part of that; they use the connections of the pool.
//
// Settings of a connection belong in the data source name, because a pool opens
// more than one. For modernc.org/sqlite:
//
//	file:sessions.sqlite?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)
//
// With journal_mode(WAL) loads go on while a transaction writes. busy_timeout
// is how many milliseconds to wait while another process writes; after that,
// and at once without it, calls fail with the driver's error.
//
// With synchronous(FULL) every save and every deletion survives a power loss.
// With synchronous(NORMAL) they survive the end of the process, however it
// ends, but a power loss may undo the last ones: a log-out, whose session then
// lives on, or a renewal, whose old token is good again.
//
// The store works with a pool of one connection, [sql.DB.SetMaxOpenConns](1),
// which a database in memory needs, but loads then wait for writes. In a pool
// without a bound, which is the default, [Store.Load] does not watch its context
// while it reads, since with WAL a read waits for nothing; without WAL
// busy_timeout bounds the wait.
func SQLite() Dialect {
	texts := common
	texts[removeOwned] = `DELETE FROM {table} WHERE owner = ? AND exp <= ? AND hex(id) NOT IN (SELECT value FROM json_each(?))`
	texts[sweep] = `DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE slot <= ? AND exp <= ? LIMIT ?)`
	texts[lock] = `DELETE FROM {table} WHERE id IS NULL`
	return Dialect{
		schema:     sqliteSchema,
		statements: texts,
		embedded:   true,
		failure:    sqliteFailure,
	}
}

func sqliteFailure(err error) failure {
	if strings.Contains(err.Error(), "no such table") {
		return noTable
	}
	return other
}

func sqliteSchema(table string) []string {
	schema, name, found := strings.Cut(table, ".")
	if found {
		schema += "."
	} else {
		schema, name = "", table
	}
	// An index has its table's schema, named before the index.
	return []string{
		"CREATE TABLE IF NOT EXISTS " + schema + name + ` (
  id    BLOB PRIMARY KEY NOT NULL, -- the session's ID, 16 bytes
  ver   INTEGER NOT NULL,          -- version, for compare-and-swap
  exp   INTEGER NOT NULL,          -- expiry, in milliseconds since 1970
  slot  INTEGER NOT NULL,          -- exp / 600000
  owner BLOB,                      -- NULL without an owner
  data  BLOB NOT NULL,             -- sesame's header, then what the codec wrote
  crc   INTEGER NOT NULL           -- CRC-32C of id, ver, length of owner, owner and data
)`,
		"CREATE INDEX IF NOT EXISTS " + schema + name + "_slot ON " + name + " (slot)",
		"CREATE INDEX IF NOT EXISTS " + schema + name + "_owner ON " + name + " (owner, id) WHERE owner IS NOT NULL",
	}
}
