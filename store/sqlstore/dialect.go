package sqlstore

import (
	"strconv"
	"strings"
)

// A Dialect is what differs between databases: the types of the columns, the text of
// a few statements and the codes of a few errors. [SQLite], [PostgreSQL],
// [UnloggedPostgreSQL] and [MySQL] return one. Dialects are immutable.
type Dialect struct {
	schema     func(table string) []string // creates table and indexes unless they exist
	statements statements
	embedded   bool                // the database is a library: no network, and one transaction writes at a time
	failure    func(error) failure // what an error of the database means
}

// A statement is one of those that operations consist of. The comment lists
// its parameters in the order of the text.
type statement int

const (
	loadOne     statement = iota // id
	create                       // id, ver, exp, slot, owner, data, crc; no row if the id exists
	save                         // exp, slot, owner, data, crc, id, ver, now
	touch                        // exp, slot, id, exp, now
	remove                       // id
	reclaim                      // id, now
	page                         // after this id, now, limit
	ownedPage                    // owner, after this id, now, limit
	removeOwned                  // owner, last exp, ids to keep: JSON of upper hexadecimals
	count                        // slot, slot, now
	sweep                        // slot, last exp, limit
	lock                         // none; makes a transaction the one that writes; only if embedded
	statementCount
)

// statements are the texts, with {table} for its name and a question mark for
// each parameter. A statement that the database does without is empty.
type statements [statementCount]string

const selectRows = `SELECT id, ver, exp, slot, owner, data, crc FROM {table} WHERE `

// common are the statements that all databases, or all but one, understand.
var common = statements{
	loadOne:   selectRows + `id = ?`,
	create:    `INSERT INTO {table} (id, ver, exp, slot, owner, data, crc) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
	save:      `UPDATE {table} SET ver = ver + 1, exp = ?, slot = ?, owner = ?, data = ?, crc = ? WHERE id = ? AND ver = ? AND exp > ?`,
	touch:     `UPDATE {table} SET exp = ?, slot = ? WHERE id = ? AND exp < ? AND exp > ?`,
	remove:    `DELETE FROM {table} WHERE id = ?`,
	reclaim:   `DELETE FROM {table} WHERE id = ? AND exp <= ?`,
	page:      selectRows + `id > ? AND exp > ? ORDER BY id LIMIT ?`,
	ownedPage: selectRows + `owner = ? AND id > ? AND exp > ? ORDER BY id LIMIT ?`,
	// Only the slot has an index. What is in a later one is live.
	count: `SELECT (SELECT count(*) FROM {table} WHERE slot > ?) + (SELECT count(*) FROM {table} WHERE slot = ? AND exp > ?)`,
}

// in returns the statements for a table.
func (s statements) in(table string) statements {
	for i, text := range s {
		s[i] = strings.ReplaceAll(text, "{table}", table)
	}
	return s
}

// numbered returns the statements with $1, $2 … for their parameters.
func (s statements) numbered() statements {
	for i, text := range s {
		parts := strings.Split(text, "?")
		for n := range parts[1:] {
			parts[n] += "$" + strconv.Itoa(n+1)
		}
		s[i] = strings.Join(parts, "")
	}
	return s
}
