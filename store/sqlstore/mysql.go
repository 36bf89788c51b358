package sqlstore

// MySQL returns the dialect of MySQL, 8.0 or later, and of MariaDB, 10.5 or
// later (tested with 10.11), for github.com/go-sql-driver/mysql. It does not matter how
// clientFoundRows, interpolateParams and sql_mode are set, nor whether the
// isolation is READ-COMMITTED or REPEATABLE-READ.
//
// Each operation is one statement, a transaction by itself, and so one round
// trip; only DeleteOwned takes three, and a Save or Rotate that finds its key
// in use one or two more. A statement that the database gives up in order to
// end a dead-lock is repeated up to 20 times, which takes about half a second.
//
// A call whose context ends while its statement waits for a lock returns at
// once, but the server goes on, and may carry the statement out later.
//
// By default database/sql keeps two idle connections, so that many goroutines
// at once open new ones all the time. Set [sql.DB.SetMaxOpenConns] to what the
// server has to spare, 16 or so, and [sql.DB.SetMaxIdleConns] to the same.
//
// What was acknowledged stays so through a crash of the server, and through a
// power failure if innodb_flush_log_at_trx_commit is 1, as by default. The
// store must talk to the primary: a replica lags behind and would show a
// session that has logged out. With rejectReadOnly=true in the data source
// name the pool lets go of a server that has become a replica.
func MySQL() Dialect {
	texts := common
	texts[create] = `INSERT INTO {table} (id, ver, exp, slot, owner, data) VALUES (?, ?, ?, ?, ?, ?)`
	texts[removeOwned] = `DELETE FROM {table} WHERE owner = ? AND exp <= ? AND INSTR(?, HEX(id)) = 0`
	// In READ-COMMITTED a row that gets another id moves in the index on
	// owners, and perhaps to where the DELETE has been. A SELECT has a snapshot
	// and overlooks nothing.
	texts[leftOwned] = `SELECT id FROM {table} WHERE owner = ? AND INSTR(?, HEX(id)) = 0 LIMIT 1`
	texts[sweep] = `DELETE FROM {table} WHERE slot <= ? AND exp <= ? ORDER BY slot, id LIMIT ?`
	return Dialect{
		schema:     mysqlSchema,
		statements: texts,
		failure: coded(map[string]failure{
			"1146": noTable, // ER_NO_SUCH_TABLE
			"1062": taken,   // ER_DUP_ENTRY
			"1213": undone,  // ER_LOCK_DEADLOCK
			"1020": undone,  // ER_CHECKREAD, of MariaDB
		}),
	}
}

func mysqlSchema(table string) []string {
	return []string{"CREATE TABLE IF NOT EXISTS " + table + ` (
  id    BINARY(32) NOT NULL PRIMARY KEY, -- SHA-256 of the token
  ver   BIGINT NOT NULL,                 -- version, for compare-and-swap
  exp   BIGINT NOT NULL,                 -- expiry, in milliseconds since 1970
  slot  INT NOT NULL,                    -- exp / 600000
  owner VARBINARY(255),                  -- NULL for nobody
  data  LONGBLOB NOT NULL,               -- header of 43 bytes, then what the codec wrote
  KEY slot (slot),
  KEY owner (owner)
) ENGINE = InnoDB`}
}
