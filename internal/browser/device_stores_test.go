package browser_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
	"github.com/sesame-go/sesame/store/logstore"
	"github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/natsstore"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/goredis"
	"github.com/sesame-go/sesame/store/sqlstore"
)

var stores = map[string]func(t *testing.T) store.Store{
	"memory": func(*testing.T) store.Store { return memstore.New() },
	"log": func(t *testing.T) store.Store {
		s, err := logstore.Open(filepath.Join(t.TempDir(), "sessions.log"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	},
	"directory": func(t *testing.T) store.Store {
		s, err := dirstore.Open(t.TempDir())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	},
	"SQLite": func(t *testing.T) store.Store {
		s, err := sqlstore.OpenSQLite("sqlite", filepath.Join(t.TempDir(), "sessions.sqlite"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	},
	"PostgreSQL": func(t *testing.T) store.Store {
		return table(t, "pgx", address(t, "SESAME_TEST_POSTGRES"), sqlstore.PostgreSQL())
	},
	"MariaDB": func(t *testing.T) store.Store {
		return table(t, "mysql", address(t, "SESAME_TEST_MYSQL"), sqlstore.MySQL())
	},
	"Redis": func(t *testing.T) store.Store {
		client := redis.NewClient(&redis.Options{Addr: address(t, "SESAME_TEST_REDIS"), ContextTimeoutEnabled: true, DB: 9})
		t.Cleanup(func() { require.NoError(t, client.Close()) })
		return redisstore.New(goredis.New(client), redisstore.WithPrefix("browser:"))
	},
	"NATS": func(t *testing.T) store.Store {
		srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
		require.NoError(t, err)
		srv.Start()
		t.Cleanup(func() {
			srv.Shutdown()
			srv.WaitForShutdown()
		})
		require.True(t, srv.ReadyForConnections(20*time.Second))
		conn, err := nats.Connect(srv.ClientURL())
		require.NoError(t, err)
		t.Cleanup(conn.Close)
		js, err := jetstream.New(conn)
		require.NoError(t, err)
		s, err := natsstore.Open(t.Context(), js)
		require.NoError(t, err)
		return s
	},
}

// address returns the address of a server that scripts/services has started.
func address(t *testing.T, name string) string {
	at := os.Getenv(name)
	if at == "" {
		t.Fatal(name + " is not set: run the tests by scripts/services run redis postgres mariadb chromium -- go test")
	}
	return at
}

// table returns a store on a new table.
func table(t *testing.T, driver, source string, dialect sqlstore.Dialect) store.Store {
	db, err := sql.Open(driver, source)
	require.NoError(t, err)
	name := fmt.Sprintf("browser_%d", time.Now().UnixNano())
	t.Cleanup(func() {
		_, err := db.Exec("DROP TABLE IF EXISTS " + name)
		require.NoError(t, err)
		require.NoError(t, db.Close())
	})
	s := sqlstore.New(db, dialect, sqlstore.WithTable(name))
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.CreateTable(t.Context()))
	return s
}

// Every store keeps a registration, and a refresh writes nothing to the store.
func TestDeviceOnEachStore(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			engine := open(t)
			s := serve(t, members(sesame.New[member](sesame.WithStore(engine), sesame.WithDeviceBinding())))
			b := s.window()
			id, err := store.ParseKey(b.cookie(sessionCookie).Value[:22])
			require.NoError(t, err)
			before, err := engine.Load(t.Context(), id)
			require.NoError(t, err)
			b.expire(s.url)
			s.forget()
			require.Equal(t, "ann bound", b.visit(s.url))
			require.Equal(t, []string{refresh + " 403", refresh + " 200", "GET / 200"}, s.asked())
			after, err := engine.Load(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, before, after)
		})
	}
}
