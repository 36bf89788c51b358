// Package servers tests sqlstore on real servers, PostgreSQL, also behind
// PgBouncer, and MySQL or MariaDB, with all drivers. It needs their addresses:
//
//	scripts/services run postgres pgbouncer mariadb -- go test ./...
package servers

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// TestMain lets many tests run at once: most of the time they wait. It is also
// the main function of the process that a test starts.
func TestMain(m *testing.M) {
	if os.Getenv("SQLTEST_ROLE") == "save" {
		if err := saver(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	_ = mysql.SetLogger(&mysql.NopLogger{}) // connections that break are what some tests are about
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// An engine is a kind of server, spoken to by a driver.
type engine struct {
	name    string // as benchmarks have it
	service string // as scripts/services has it
	driver  string
	params  string // of the data source name
	dialect func() sqlstore.Dialect
	opts    []sqlstore.Option
}

var engines = []engine{
	{"engine=postgres/driver=pgx", "postgres", "pgx", "", sqlstore.PostgreSQL, nil},
	{"engine=postgres/driver=pq", "postgres", "postgres", "", sqlstore.PostgreSQL, nil},
	{"engine=mysql/foundRows=no", "mariadb", "mysql", "clientFoundRows=false", sqlstore.MySQL, nil},
	{"engine=mysql/foundRows=yes", "mariadb", "mysql", "clientFoundRows=true&interpolateParams=true", sqlstore.MySQL, nil},
}

// The engines for tests that need not see all drivers.
var (
	pgx   = engines[0]
	maria = engines[2]
)

// each runs f for all engines at once.
func each(t *testing.T, f func(t *testing.T, e engine)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			f(t, e)
		})
	}
}

// isolated returns the engine with another default isolation, such as
// "read committed".
func (e engine) isolated(level string) engine {
	param, value := "tx_isolation", "'"+strings.ToUpper(strings.ReplaceAll(level, " ", "-"))+"'"
	if e.service == "postgres" {
		param, value = "default_transaction_isolation", level
	}
	if e.params != "" {
		e.params += "&"
	}
	e.params += param + "=" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
	return e
}

// variables are where scripts/services says how a service is reached.
var variables = map[string]string{
	"postgres":  "SESAME_TEST_POSTGRES",
	"pgbouncer": "SESAME_TEST_PGBOUNCER",
	"mariadb":   "SESAME_TEST_MYSQL",
}

// source returns the data source name of the server that all tests share.
func (e engine) source(t testing.TB) string {
	t.Helper()
	source := os.Getenv(variables[e.service])
	if source == "" {
		t.Fatalf("%s is not set: run scripts/services run %s -- go test ./...", variables[e.service], e.service)
	}
	return source
}

// at returns source with another address.
func at(t testing.TB, source, addr string) string {
	t.Helper()
	old := address(t, source)
	return strings.Replace(source, old, addr, 1)
}

// address returns the host and the port in source.
func address(t testing.TB, source string) string {
	t.Helper()
	if u, err := url.Parse(source); err == nil && u.Host != "" {
		return u.Host
	}
	config, err := mysql.ParseDSN(source)
	require.NoError(t, err)
	return config.Addr
}

// open opens a pool on the server at source.
func (e engine) open(t testing.TB, source string) *sql.DB {
	t.Helper()
	db, err := e.connect(source)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func (e engine) connect(source string) (*sql.DB, error) {
	if e.params != "" {
		mark := "?"
		if strings.Contains(source, "?") {
			mark = "&"
		}
		source += mark + e.params
	}
	db, err := sql.Open(e.driver, source)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(12)
	db.SetMaxIdleConns(12)
	return db, nil
}

var (
	tables  atomic.Int64
	process = time.Now().UnixNano() % 1e9
)

// table returns a name that no other test uses, and drops it in the end.
func table(t testing.TB, db *sql.DB) string {
	name := fmt.Sprintf("t%d_%d", process, tables.Add(1))
	t.Cleanup(func() {
		_, err := db.Exec("DROP TABLE IF EXISTS " + name)
		require.NoError(t, err)
	})
	return name
}

// on returns a store on a table.
func (e engine) on(t testing.TB, db *sql.DB, table string, opts ...sqlstore.Option) *sqlstore.Store {
	t.Helper()
	s := sqlstore.New(db, e.dialect(), slices.Concat(e.opts, opts, []sqlstore.Option{sqlstore.WithTable(table)})...)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.CreateTable(context.Background()))
	return s
}

// store returns a store on a table of its own, with that table's name.
func (e engine) store(t testing.TB) (*sqlstore.Store, *sql.DB, string) {
	t.Helper()
	db := e.open(t, e.source(t))
	name := table(t, db)
	return e.on(t, db, name), db, name
}

func key(n int) store.Key { return store.Key{15: byte(n), 14: byte(n >> 8), 13: byte(n >> 16)} }

func record(data string) store.Record {
	return store.Record{Expires: time.Now().Add(time.Hour).Truncate(time.Millisecond), Data: []byte(data)}
}
