// Package enginetest gives tests places for sessions on all engines, by their
// addresses. The servers are those of scripts/services; it starts NATS itself,
// since Debian has none that is new enough.
package enginetest

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver of newDatabase
	"github.com/nats-io/nats-server/v2/server"
)

// Shared are the engines that several processes may use at a time. Each returns an
// address that no other test uses.
var Shared = map[string]func(testing.TB) string{
	"sqlite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "sessions.sqlite") },
	"postgres": PostgreSQL,
	"mysql":    MySQL,
	"redis":    Redis,
	"nats":     func(t testing.TB) string { return NATS(t, nil) },
}

func environment(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set; run: scripts/services run -- go test ./...", name)
	}
	return value
}

// PostgreSQL returns the address of a database that is there for as long as the
// test runs.
func PostgreSQL(t testing.TB) string {
	server := environment(t, "SESAME_TEST_POSTGRES")
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + newDatabase(t, "pgx", server, " WITH (FORCE)")
	return u.String()
}

// MySQL is [PostgreSQL] on MariaDB.
func MySQL(t testing.TB) string {
	server := environment(t, "SESAME_TEST_MYSQL")
	config, err := mysql.ParseDSN(server)
	if err != nil {
		t.Fatal(err)
	}
	u := url.URL{
		Scheme: "mysql", User: url.UserPassword(config.User, config.Passwd),
		Host: config.Addr, Path: "/" + newDatabase(t, "mysql", server, ""),
	}
	return u.String()
}

// newDatabase makes a database on a server, for as long as the test runs.
func newDatabase(t testing.TB, driver, server, drop string) string {
	t.Helper()
	db, err := sql.Open(driver, server)
	if err != nil {
		t.Fatal(err)
	}
	name := "engine_" + strings.ToLower(rand.Text())
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := db.Exec("DROP DATABASE " + name + drop)
		if err = errors.Join(err, db.Close()); err != nil {
			t.Error(err)
		}
	})
	return name
}

// Redis returns the address of a server that other tests use too, with a prefix
// of its own. What is there stays until the server ends.
func Redis(t testing.TB) string {
	return fmt.Sprintf("redis://%s/9?prefix=%s:", environment(t, "SESAME_TEST_REDIS"), rand.Text())
}

// RedisCluster is [Redis] on a node of a cluster.
func RedisCluster(t testing.TB) string {
	node, _, _ := strings.Cut(environment(t, "SESAME_TEST_REDIS_CLUSTER"), ",")
	return fmt.Sprintf("redis://%s?prefix=%s:", node, rand.Text())
}

// NATS starts a server for as long as the test runs, with other options if change
// is not nil.
func NATS(t testing.TB, change func(*server.Options)) string {
	const user, password = "sesame", "p@ss/word"
	options := &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT,
		Username: user, Password: password,
		JetStream: true, StoreDir: t.TempDir(),
		NoLog: true, NoSigs: true,
	}
	if change != nil {
		change(options)
	}
	srv, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	if !srv.ReadyForConnections(20 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	u := url.URL{Scheme: "nats", User: url.UserPassword(user, password), Host: srv.Addr().String()}
	if m := srv.MonitorAddr(); m != nil {
		u.RawQuery = "monitor=http://" + m.String()
	}
	return u.String()
}
