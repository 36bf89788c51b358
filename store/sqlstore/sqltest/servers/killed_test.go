package servers

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store/sqlstore"
)

// TestConnectionsKilled has the server end all idle connections, as it does when
// it restarts, less than a second after their last use, so that the driver does
// not look whether they live. No read fails, although each meets a pool that has
// none but dead connections.
func TestConnectionsKilled(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s, _, name := e.store(t)
		r := record("data")
		r.Owner = "ann"
		_, err := s.Save(t.Context(), key(1), r)
		require.NoError(t, err)
		for what, read := range map[string]func(s *sqlstore.Store) error{
			"load": func(s *sqlstore.Store) error {
				_, err := s.Load(t.Context(), key(1))
				return err
			},
			"all":   func(s *sqlstore.Store) error { return collect(s.All(t.Context())) },
			"owned": func(s *sqlstore.Store) error { return collect(s.Owned(t.Context(), "ann")) },
			"count": func(s *sqlstore.Store) error {
				_, err := s.Count(t.Context())
				return err
			},
			"ping": func(s *sqlstore.Store) error { return s.Ping(t.Context()) },
		} {
			db, err := e.connect(e.source(t))
			require.NoError(t, err)
			defer db.Close() // which may report what is dead
			s := sqlstore.New(db, e.dialect(), sqlstore.WithTable(name))
			require.NoError(t, s.Ping(t.Context()))
			e.killIdle(t, db)
			require.NoError(t, read(s), what)
		}
	})
}

// killIdle fills a pool with idle connections and has the server end them.
func (e engine) killIdle(t *testing.T, db *sql.DB) {
	t.Helper()
	id, kill := "SELECT pg_backend_pid()", "SELECT pg_terminate_backend(%d)"
	if e.service == "mariadb" {
		id, kill = "SELECT connection_id()", "KILL %d"
	}
	ids := make(map[int]bool)
	for range 2 { // pgx looks whether a connection lives when it is first used again
		var conns []*sql.Conn
		for range 8 {
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			var n int
			require.NoError(t, conn.QueryRowContext(t.Context(), id).Scan(&n))
			conns, ids[n] = append(conns, conn), true
		}
		for _, conn := range conns {
			require.NoError(t, conn.Close())
		}
	}
	other := e.open(t, e.source(t))
	for n := range ids {
		_, err := other.Exec(fmt.Sprintf(kill, n))
		require.NoError(t, err)
	}
}
