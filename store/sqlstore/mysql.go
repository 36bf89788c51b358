package sqlstore

// MySQL returns the dialect of MySQL, 8.0 or later, and of MariaDB, 10.5 or
// later (tested with 10.11), for github.com/go-sql-driver/mysql. The settings
// of clientFoundRows, interpolateParams and sql_mode do not matter, nor whether
// the isolation is READ-COMMITTED or REPEATABLE-READ.
//
// Each operation is one statement, a transaction by itself, and so one round
// trip; only DeleteOwned takes two, and a Save that creates a session under a
// key in use one or two more. If the database gives a statement up to end a
// deadlock, the store repeats it up to 20 times, which takes about half a
// second.
//
// If a context ends while the statement waits for a lock the call returns at
// once, but the server goes on, and may carry the statement out later.
//
// By default database/sql keeps two idle connections, so that many concurrent
// requests open new ones all the time. Set [sql.DB.SetMaxOpenConns] to what the
// server can spare, 16 or so, and [sql.DB.SetMaxIdleConns] to the same.
//
// Saves and deletions that were answered survive a crash of the server, and a
// power loss if innodb_flush_log_at_trx_commit is 1, which is the default. The
// store must talk to the primary: a replica lags behind and would show a
// session that has logged out. With rejectReadOnly=true in the data source name
// the pool drops its connections to a server that has become a replica.
func MySQL() Dialect {
	texts := common
	texts[create] = `INSERT INTO {table} (id, ver, exp, slot, owner, data, crc) VALUES (?, ?, ?, ?, ?, ?, ?)`
	texts[removeOwned] = `DELETE FROM {table} WHERE owner = ? AND exp <= ? AND INSTR(?, HEX(id)) = 0`
	texts[sweep] = `DELETE FROM {table} WHERE slot <= ? AND exp <= ? ORDER BY slot, id LIMIT ?`
	return Dialect{
		schema:     mysqlSchema,
		statements: texts,
		failure: coded(map[string]failure{
			"1146": noTable, // ER_NO_SUCH_TABLE
			"1062": taken,   // ER_DUP_ENTRY
			"1213": undone,  // ER_LOCK_DEADLOCK
			"1020": undone,  // ER_CHECKREAD, of MariaDB
			"1053": broken,  // ER_SERVER_SHUTDOWN
			"1927": broken,  // ER_CONNECTION_KILLED, of MariaDB
		}),
	}
}

func mysqlSchema(table string) []string {
	return []string{"CREATE TABLE IF NOT EXISTS " + table + ` (
  id    BINARY(16) NOT NULL PRIMARY KEY, -- the session's ID
  ver   BIGINT NOT NULL,                 -- version, for compare-and-swap
  exp   BIGINT NOT NULL,                 -- expiry, in milliseconds since 1970
  slot  INT NOT NULL,                    -- exp / 600000
  owner VARBINARY(255),                  -- NULL without an owner
  data  LONGBLOB NOT NULL,               -- sesame's header, then what the codec wrote
  crc   INT NOT NULL,                    -- CRC-32C of id, ver, length of owner, owner and data
  KEY slot (slot),
  KEY owner (owner, id)
) ENGINE = InnoDB`}
}
