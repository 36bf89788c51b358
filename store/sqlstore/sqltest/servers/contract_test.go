package servers

import (
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/testtools/lincheck"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
	"github.com/sesame-go/sesame/store/storetest"
)

// A house is the stores of a test, on tables of their own in one server, and
// two pools for them, as two processes have. It uses its tables again, because
// they take longer to create than most cases take to run.
type house struct {
	engine
	first, other *sql.DB
	t            *testing.T // the test that has the tables
	schema       string     // creates a table; empty to leave it to the store

	mu     sync.Mutex
	tables map[store.Store]string
	empty  []string
}

func newHouse(t *testing.T, e engine, source string) *house {
	return &house{
		engine: e, first: e.open(t, source), other: e.open(t, source), t: t,
		tables: make(map[store.Store]string),
	}
}

func (h *house) newStore(t *testing.T) store.Store {
	name := h.emptyTable()
	t.Cleanup(func() {
		_, err := h.first.Exec("DELETE FROM " + name)
		require.NoError(t, err)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.empty = append(h.empty, name)
	})
	s := h.on(t, h.first, name)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tables[s] = name
	return s
}

func (h *house) emptyTable() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.empty); n > 0 {
		name := h.empty[n-1]
		h.empty = h.empty[:n-1]
		return name
	}
	name := table(h.t, h.first)
	if h.schema != "" {
		_, err := h.first.Exec(strings.ReplaceAll(h.schema, "sesame", name))
		require.NoError(h.t, err)
	}
	return name
}

func (h *house) table(s store.Store) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tables[s]
}

func (h *house) second(t *testing.T, first store.Store) store.Store {
	return h.on(t, h.other, h.table(first))
}

func (h *house) skewed(t *testing.T, first store.Store, by time.Duration) store.Store {
	return h.on(t, h.other, h.table(first),
		sqlstore.WithClock(func() time.Time { return time.Now().Add(by) }))
}

// grace is how long Sweep leaves what has expired.
const grace = time.Hour

// TestStore runs the suite on a server of the test's own, which is killed and
// started again.
func TestStore(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		server := e.own(t)
		h := newHouse(t, e, server.source)
		storetest.Run(t, h.newStore, storetest.SweepGrace(grace), storetest.Second(h.second), storetest.Skewed(h.skewed),
			storetest.Restart(func(t *testing.T, _ store.Store) {
				server.kill(t)
				server.start(t)
			}))
	})
}

// TestStoreIsolated runs the suite with the isolation that is farthest from the
// database's default.
func TestStoreIsolated(t *testing.T) {
	for _, e := range []engine{pgx.isolated("serializable"), maria.isolated("read committed")} {
		t.Run(e.name+"/"+e.params, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, newHouse(t, e, e.source(t)).newStore, storetest.SweepGrace(grace))
		})
	}
}

// TestStorePartitioned runs the suite on a table that the program has created
// itself, in four partitions.
func TestStorePartitioned(t *testing.T) {
	db := pgx.open(t, pgx.source(t))
	schema := sqlstore.New(db, sqlstore.PostgreSQL()).Schema()
	schema = strings.Replace(schema, "WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)", "PARTITION BY HASH (id)", 1)
	require.Contains(t, schema, "PARTITION")
	for i := range 4 {
		schema += fmt.Sprintf("CREATE TABLE sesame_%d PARTITION OF sesame FOR VALUES WITH (MODULUS 4, REMAINDER %[1]d);\n", i)
	}
	h := newHouse(t, pgx, pgx.source(t))
	h.schema = schema
	storetest.Run(t, h.newStore, storetest.SweepGrace(grace))
}

// TestLinearizable takes one store with one half of the engines, and two that
// are called in turn with the other.
func TestLinearizable(t *testing.T) {
	for i, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, e, e.source(t))
			lincheck.Run(t, func(t *testing.T) store.Store {
				s := h.newStore(t)
				if i%2 == 0 {
					return s
				}
				return storetest.InTurn(s, h.second(t, s))
			})
		})
	}
}
