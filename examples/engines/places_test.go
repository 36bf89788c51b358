package main

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/nats-io/nats-server/v2/server"
)

// engines are all that open knows, each with a place that no other test uses.
var engines = map[string]func(*testing.T) string{ // for -store
	"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "counter.sqlite") },
	"postgres": postgresPlace,
	"mysql":    mysqlPlace,
	"redis":    redisPlace,
	"nats":     natsPlace,
}

func environment(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set; run: scripts/services run -- go test ./...", name)
	}
	return value
}

func postgresPlace(t *testing.T) string {
	server := environment(t, "SESAME_TEST_POSTGRES")
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + newDatabase(t, "pgx", server, " WITH (FORCE)")
	return u.String()
}

func mysqlPlace(t *testing.T) string {
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
func newDatabase(t *testing.T, driver, server, drop string) string {
	t.Helper()
	db, err := sql.Open(driver, server)
	if err != nil {
		t.Fatal(err)
	}
	name := "counter_" + strings.ToLower(rand.Text())
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP DATABASE " + name + drop); err != nil {
			t.Error(err)
		}
		db.Close()
	})
	return name
}

// redisPlace is not the test's own, but no other test uses this database, and
// counters share it as they may: each browser has a key of its own.
func redisPlace(t *testing.T) string { return "redis://" + environment(t, "SESAME_TEST_REDIS") + "/9" }

// natsPlace starts a server, since Debian has none that is new enough.
func natsPlace(t *testing.T) string {
	const user, password = "sesame", "p@ss/word"
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT,
		Username: user, Password: password,
		JetStream: true, StoreDir: t.TempDir(),
		NoLog: true, NoSigs: true,
	})
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
	return u.String()
}
