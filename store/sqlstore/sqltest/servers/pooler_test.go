package servers

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store/sqlstore"
	"github.com/sesame-go/sesame/store/storetest"
)

// pooled are the drivers behind PgBouncer in transaction mode.
var pooled = []engine{
	{"pgbouncer/driver=pgx", "pgbouncer", "pgx", "default_query_exec_mode=exec",
		sqlstore.PostgreSQL, []sqlstore.Option{sqlstore.WithoutPrepare()}},
	{"pgbouncer/driver=pq", "pgbouncer", "postgres", "binary_parameters=yes",
		sqlstore.PostgreSQL, []sqlstore.Option{sqlstore.WithoutPrepare()}},
}

// TestStorePooled runs the suite through PgBouncer.
func TestStorePooled(t *testing.T) {
	for _, e := range pooled {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, e, e.source(t))
			storetest.Run(t, h.newStore, storetest.SweepGrace(grace))
		})
	}
}

// TestPooledUnderLoad has more clients than PgBouncer has connections. No load
// fails. Without the option many do, which shows that the pooler is one that
// the option is for.
func TestPooledUnderLoad(t *testing.T) {
	for _, e := range pooled {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			db := e.open(t, e.source(t))
			name := table(t, db)
			failed := func(s *sqlstore.Store) int {
				var failures atomic.Int64
				var wg sync.WaitGroup
				for i := range 12 {
					wg.Go(func() {
						for range 20 {
							if _, err := s.Load(t.Context(), key(i)); expected(err) != nil {
								failures.Add(1)
							}
						}
					})
				}
				wg.Wait()
				return int(failures.Load())
			}
			require.Zero(t, failed(e.on(t, db, name)))

			e := e
			e.opts, e.params = nil, ""
			s := sqlstore.New(e.open(t, e.source(t)), e.dialect(), sqlstore.WithTable(name))
			defer s.Close()
			n := failed(s)
			t.Logf("with prepared statements %d of 240 loads fail", n)
			require.NotZero(t, n)
		})
	}
}
