package servers

import (
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// TestCreateAtOnce has many processes create one table at the same moment.
func TestCreateAtOnce(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		var pools [8]*sql.DB
		for i := range pools {
			pools[i] = e.open(t, e.source(t))
			require.NoError(t, pools[i].Ping())
		}
		for range 3 {
			name := table(t, pools[0])
			barrier := make(chan struct{})
			var wg sync.WaitGroup
			for i, db := range pools {
				s := sqlstore.New(db, e.dialect(), sqlstore.WithTable(name))
				wg.Go(func() {
					defer s.Close()
					<-barrier
					assert.NoError(t, s.CreateTable(t.Context()))
					_, err := s.Save(t.Context(), key(i), record("data"))
					assert.NoError(t, err)
				})
			}
			close(barrier)
			wg.Wait()
		}
	})
}

// TestSchemas keeps a table in a schema, or database, that is not the default.
func TestSchemas(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		db := e.open(t, e.source(t))
		schema := table(t, db)
		s := sqlstore.New(db, e.dialect(), sqlstore.WithTable(schema+".sessions"))
		defer s.Close()
		require.Error(t, s.CreateTable(t.Context()), "there is no such schema")
		_, err := db.Exec("CREATE SCHEMA " + schema)
		require.NoError(t, err)
		t.Cleanup(func() {
			drop := "DROP SCHEMA " + schema
			if e.service == "postgres" {
				drop += " CASCADE"
			}
			_, err := db.Exec(drop)
			require.NoError(t, err)
		})
		require.NoError(t, s.CreateTable(t.Context()))
		require.NoError(t, s.CreateTable(t.Context()))
		_, err = s.Save(t.Context(), key(1), record("data"))
		require.NoError(t, err)
		var n int
		require.NoError(t, db.QueryRow("SELECT count(*) FROM "+schema+".sessions").Scan(&n))
		require.Equal(t, 1, n)
	})
}

// TestRights uses a table with a role that may not create any.
func TestRights(t *testing.T) {
	e := pgx
	s, db, name := e.store(t)
	_, err := db.Exec(fmt.Sprintf(`CREATE ROLE %[1]s_user LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;
		GRANT SELECT, INSERT, UPDATE, DELETE ON %[1]s TO %[1]s_user`, name))
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.Exec(fmt.Sprintf("DROP OWNED BY %[1]s_user; DROP ROLE %[1]s_user", name))
		require.NoError(t, err)
	})
	other := e.open(t, strings.Replace(e.source(t), "sesame@", name+"_user@", 1))
	mine := e.on(t, other, name)
	_, err = mine.Save(t.Context(), key(1), record("data"))
	require.NoError(t, err)
	_, err = s.Load(t.Context(), key(1))
	require.NoError(t, err)
	require.ErrorContains(t, sqlstore.New(other, e.dialect(), sqlstore.WithTable(name+"x")).CreateTable(t.Context()), "permission denied")
}

// TestHOT requires that saves and touches with an expiry that moves on, within ten
// minutes, change no index, more than eight times out of ten. The server is its
// own, because the transactions of others keep PostgreSQL from tidying up.
func TestHOT(t *testing.T) {
	t.Parallel()
	server := pgx.own(t)
	db := pgx.open(t, server.source)
	name := table(t, db)
	pool := pgx.open(t, server.source)
	s := pgx.on(t, pool, name)
	const n = 400
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < n; i += 8 {
				r := record(strings.Repeat("x", 300))
				r.Owner = "ann"
				// Ten-minute slots are indexed: this is far from the next.
				r.Expires = time.Now().Truncate(10 * time.Minute).Add(61 * time.Minute)
				for range 10 {
					var err error
					r.Version, err = s.Save(t.Context(), key(i), r)
					assert.NoError(t, err)
					r.Expires = r.Expires.Add(2 * time.Second)
					assert.NoError(t, s.Touch(t.Context(), key(i), r.Expires.Add(time.Second)))
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, s.Close())
	require.NoError(t, pool.Close()) // whereupon the connections tell what they have done
	var updates, hot float64
	require.Eventually(t, func() bool {
		require.NoError(t, db.QueryRow(`SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = $1`,
			name).Scan(&updates, &hot))
		return updates == n*19
	}, 20*time.Second, 20*time.Millisecond)
	t.Logf("%.1f %% HOT", 100*hot/updates)
	require.GreaterOrEqual(t, hot/updates, 0.8)
}

// TestIndexes requires that no operation reads the whole table, also when the
// database plans for parameters that it does not know.
func TestIndexes(t *testing.T) {
	t.Parallel()
	db := pgx.open(t, pgx.source(t))
	name := table(t, db)
	blind := pgx
	blind.params = "plan_cache_mode=force_generic_plan"
	pool := blind.open(t, pgx.source(t))
	s := pgx.on(t, pool, name)
	_, err := db.Exec(fmt.Sprintf(`INSERT INTO %s (id, ver, exp, slot, crc, owner, data)
		SELECT decode(md5(i::text), 'hex'), 1, 4000000000000 + i * 60000::bigint, (4000000000000 + i * 60000::bigint) / 600000, 0,
			CASE WHEN i %% 2 = 0 THEN i::text::bytea END, '\x00'
		FROM generate_series(1, 50000) i ORDER BY md5(i::text)`, name))
	require.NoError(t, err)
	_, err = s.Save(t.Context(), key(100), record("the first of all, undamaged"))
	require.NoError(t, err)
	_, err = db.Exec("VACUUM ANALYZE " + name)
	require.NoError(t, err)
	pool.SetMaxOpenConns(1)
	for i := range 12 {
		_, err := s.Load(t.Context(), key(i))
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = s.Sweep(t.Context(), 100)
		require.NoError(t, err)
		require.NoError(t, collect(s.Owned(t.Context(), "40")))
		_, err = s.DeleteOwned(t.Context(), "42")
		require.NoError(t, err)
		for _, err := range s.All(t.Context()) {
			require.NoError(t, err)
			break
		}
		require.NoError(t, s.Touch(t.Context(), key(i), time.Now()))
		require.NoError(t, s.Delete(t.Context(), key(i)))
		live, err := s.Count(t.Context())
		require.NoError(t, err)
		require.NotZero(t, live)
	}
	require.NoError(t, s.Close())
	require.NoError(t, pool.Close())
	var indexed, sequential int
	require.Eventually(t, func() bool {
		require.NoError(t, db.QueryRow(`SELECT idx_scan, seq_scan FROM pg_stat_user_tables WHERE relname = $1`, name).
			Scan(&indexed, &sequential))
		return indexed >= 12*8
	}, 20*time.Second, 20*time.Millisecond)
	require.LessOrEqual(t, sequential, 3, "one for each index that was created")
}

// TestIndexesMySQL is the same for MySQL, which counts the rows that it reads one
// after the other from the whole table.
func TestIndexesMySQL(t *testing.T) {
	t.Parallel()
	s, db, _ := maria.store(t)
	db.SetMaxOpenConns(1) // it counts for a connection
	const n = 1000
	for i := range n {
		r := record("data")
		r.Expires = r.Expires.Add(time.Duration(i) * time.Hour)
		r.Owner = fmt.Sprint(i / 2)
		_, err := s.Save(t.Context(), key(i), r)
		require.NoError(t, err)
	}
	read := func() (rows int) {
		var name string
		require.NoError(t, db.QueryRow("SHOW SESSION STATUS LIKE 'Handler_read_rnd_next'").Scan(&name, &rows))
		return rows
	}
	before := read()
	for i := range 10 {
		_, err := s.Load(t.Context(), key(i))
		require.NoError(t, err)
		_, err = s.Sweep(t.Context(), 100)
		require.NoError(t, err)
		require.NoError(t, collect(s.Owned(t.Context(), "40")))
		_, err = s.DeleteOwned(t.Context(), fmt.Sprint(40+i))
		require.NoError(t, err)
		for _, err := range s.All(t.Context()) {
			require.NoError(t, err)
			break
		}
		require.NoError(t, s.Touch(t.Context(), key(i), time.Now()))
		require.NoError(t, s.Delete(t.Context(), key(i)))
	}
	require.Less(t, read()-before, n) // it reads some of its own to answer
}

// TestUnlogged checks that the table is what the dialect says, and what becomes
// of its sessions when the server crashes.
func TestUnlogged(t *testing.T) {
	t.Parallel()
	server := pgx.own(t)
	db := pgx.open(t, server.source)
	for persistence, e := range map[string]engine{"p": pgx, "u": unlogged} {
		name := "sessions_" + persistence
		s := e.on(t, db, name)
		_, err := s.Save(t.Context(), key(1), record("data"))
		require.NoError(t, err)
		var got string
		require.NoError(t, db.QueryRow("SELECT relpersistence FROM pg_class WHERE oid = $1::regclass", name).Scan(&got))
		require.Equal(t, persistence, got)
		if persistence == "u" {
			server.kill(t)
			server.start(t)
			require.Eventually(t, func() bool {
				_, err = s.Load(t.Context(), key(1))
				return err == nil || assert.ObjectsAreEqual(store.ErrNotFound, err)
			}, 30*time.Second, 10*time.Millisecond)
			require.ErrorIs(t, err, store.ErrNotFound)
			_, err = s.Save(t.Context(), key(1), record("data"))
			require.NoError(t, err)
		}
	}
}

var unlogged = engine{"engine=postgres/driver=pgx/table=unlogged", "postgres", "pgx", "", sqlstore.UnloggedPostgreSQL, nil}
