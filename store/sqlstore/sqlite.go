package sqlstore

import "strings"

// SQLite returns the dialect of SQLite, 3.24 or later, for any driver.
//
// SQLite lets one transaction write at a time, so the store commits operations
// that wait together in one transaction: the more there are, the less each
// costs. Loads are not part of that; they use the connections of the pool.
//
// What a connection has to be told belongs in the data source name, because
// a pool opens more than one. For modernc.org/sqlite:
//
//	file:sessions.sqlite?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)
//
// journal_mode(WAL) lets others read while one writes. busy_timeout is how
// many milliseconds to wait while another process writes; without it, or after
// it, calls fail with the driver's error. With synchronous(FULL) what was
// saved, and what was deleted, stays so through a power failure. With
// synchronous(NORMAL) it does through the end of the process, however that
// comes about, but a power failure may take back what was committed last, and
// so revive a session that had logged out.
//
// The store does with a pool of one connection, [sql.DB.SetMaxOpenConns](1),
// which a database in memory needs, but loads then wait for writes.
func SQLite() Dialect {
	texts := common
	texts[rotate] = `UPDATE OR IGNORE {table} SET id = ?, ver = ver + 1, exp = ?, slot = ?, owner = ?, data = ? WHERE id = ? AND ver = ? AND exp > ?`
	texts[removeOwned] = `DELETE FROM {table} WHERE owner = ? AND exp <= ? AND instr(?, hex(id)) = 0`
	texts[sweep] = `DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE slot <= ? AND exp <= ? LIMIT ?)`
	texts[lock] = `DELETE FROM {table} WHERE id IS NULL`
	return Dialect{
		schema:     sqliteSchema,
		statements: texts,
		oneWriter:  true,
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
  id    BLOB PRIMARY KEY NOT NULL, -- SHA-256 of the token
  ver   INTEGER NOT NULL,          -- version, for compare-and-swap
  exp   INTEGER NOT NULL,          -- expiry, in milliseconds since 1970
  slot  INTEGER NOT NULL,          -- exp / 600000
  owner BLOB,                      -- NULL for nobody
  data  BLOB NOT NULL              -- header of 43 bytes, then what the codec wrote
)`,
		"CREATE INDEX IF NOT EXISTS " + schema + name + "_slot ON " + name + " (slot)",
		"CREATE INDEX IF NOT EXISTS " + schema + name + "_owner ON " + name + " (owner) WHERE owner IS NOT NULL",
	}
}
