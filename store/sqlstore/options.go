package sqlstore

import (
	"fmt"
	"strings"
	"time"
)

// An Option changes a default of [New].
type Option interface{ apply(*config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

type config struct {
	table      string
	clock      func() time.Time
	unprepared bool
}

func newConfig(opts []Option) config {
	c := config{table: "sesame", clock: time.Now}
	for _, o := range opts {
		if o == nil {
			panic("sqlstore: New: an option is nil; leave it out")
		}
		o.apply(&c)
	}
	return c
}

// WithTable sets the name of the table. The default is "sesame". The name is
// used without quotes: letters, digits and underscores, at most 48, no digit
// first, and no reserved word of the database. A schema may precede it, as in
// "auth.sessions"; in SQLite that is the name of an attached database.
//
// WithTable panics if the name has another form.
func WithTable(name string) Option {
	if err := checkTable(name); err != nil {
		panic(err.Error())
	}
	return option(func(c *config) { c.table = name })
}

// WithClock sets the clock that decides whether a session has expired. The
// default is [time.Now]. The clock must be safe for concurrent use. It is for
// tests, such as those of processes whose clocks differ.
//
// WithClock panics if the clock is nil.
func WithClock(now func() time.Time) Option {
	if now == nil {
		panic("sqlstore: WithClock(nil): the clock is missing; leave the option out for time.Now")
	}
	return option(func(c *config) { c.clock = now })
}

// WithoutPrepare has the store prepare no statements. By default it prepares
// each statement once for each connection, so that the database parses it once.
//
// The option is for a pooler that gives each transaction another connection to
// the server, such as PgBouncer in transaction mode before 1.21 or with
// max_prepared_statements = 0. Prepared statements are not found again there, or
// mistaken for one another. The driver must not prepare statements either. With
// pgx add default_query_exec_mode=exec to the data source name, with lib/pq
// binary_parameters=yes, with go-sql-driver/mysql interpolateParams=true. The
// option has no effect with SQLite.
func WithoutPrepare() Option {
	return option(func(c *config) { c.unprepared = true })
}

// maxName leaves room for "_owner" in the 63 characters that PostgreSQL and
// MySQL allow for the name of an index.
const maxName = 48

// checkTable returns an error if a name is not safe without quotes.
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
