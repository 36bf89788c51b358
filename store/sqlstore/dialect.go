package sqlstore

import (
	"strconv"
	"strings"
)

// A Dialect is what databases differ in: the types of the columns, the text of
// a few statements and the codes of a few errors. [SQLite], [PostgreSQL],
// [UnloggedPostgreSQL] and [MySQL] return one. Dialects are immutable.
type Dialect struct {
	schema     func(table string) []string // creates table and indexes unless they exist
	statements statements
	oneWriter  bool                // the database lets one transaction write at a time: see group
	failure    func(error) failure // what an error of the database means
}

// A statement is one of those that operations consist of. The comment is what
// its parameters are, in the order in which they are in the text.
type statement int

const (
	loadOne     statement = iota // id
	create                       // id, ver, exp, slot, owner, data; no row if the id exists
	save                         // exp, slot, owner, data, id, ver, now
	touch                        // exp, slot, id, exp, now
	remove                       // id
	reclaim                      // id, now
	rotate                       // new id, exp, slot, owner, data, id, ver, now; no row if the new id exists
	page                         // after this id, now, limit
	owned                        // owner, now
	removeOwned                  // owner, last exp, ids to keep in hexadecimal
	leftOwned                    // owner, ids to keep; only if removeOwned may overlook a row that moves
	sweep                        // slot, now, limit
	lock                         // none; makes a transaction the one that writes; only for a group
	statementCount
)

// statements are the texts, with {table} where its name belongs and a question
// mark for each parameter. One that a database does without is empty.
type statements [statementCount]string

// common are the statements that all databases, or all but one, understand.
var common = statements{
	loadOne: `SELECT ver, exp, owner, data FROM {table} WHERE id = ?`,
	create:  `INSERT INTO {table} (id, ver, exp, slot, owner, data) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
	save:    `UPDATE {table} SET ver = ver + 1, exp = ?, slot = ?, owner = ?, data = ? WHERE id = ? AND ver = ? AND exp > ?`,
	touch:   `UPDATE {table} SET exp = ?, slot = ? WHERE id = ? AND exp < ? AND exp > ?`,
	remove:  `DELETE FROM {table} WHERE id = ?`,
	reclaim: `DELETE FROM {table} WHERE id = ? AND exp <= ?`,
	rotate:  `UPDATE {table} SET id = ?, ver = ver + 1, exp = ?, slot = ?, owner = ?, data = ? WHERE id = ? AND ver = ? AND exp > ?`,
	page:    `SELECT id, ver, exp, owner, data FROM {table} WHERE id > ? AND exp > ? ORDER BY id LIMIT ?`,
	owned:   `SELECT id FROM {table} WHERE owner = ? AND exp > ?`,
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
