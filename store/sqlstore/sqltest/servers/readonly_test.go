package servers

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// readOnly says how a server is told to take no writes, and who is not exempt
// from that.
var readOnly = map[string]struct {
	user                string
	prepare, begin, end []string
}{
	"postgres": {
		user:  "sesame@",
		begin: []string{"ALTER DATABASE sesame SET default_transaction_read_only = on"}, // of new connections
	},
	"mariadb": { // the tests' own user may write all the same, and may not grant
		user: "web:web@",
		prepare: []string{
			`INSERT INTO mysql.global_priv (Host, User, Priv) VALUES ('127.0.0.1', 'web',
				JSON_OBJECT('access', 15, 'plugin', 'mysql_native_password', 'authentication_string', PASSWORD('web')))`,
			"FLUSH PRIVILEGES",
		},
		begin: []string{"SET GLOBAL read_only = 1"},
		end:   []string{"SET GLOBAL read_only = 0"},
	},
}

// TestReadOnly has the server take no writes, as a replica does and a primary
// that is being replaced: what reads is answered, also to a program that starts
// then, and a change is an outage and changes nothing.
func TestReadOnly(t *testing.T) {
	for _, e := range []engine{pgx, maria} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			server, mode, ctx := e.own(t), readOnly[e.service], t.Context()
			admin := e.open(t, server.source)
			do := func(statements []string) {
				for _, statement := range statements {
					_, err := admin.Exec(statement)
					require.NoError(t, err)
				}
			}
			s := e.on(t, admin, "sesame")
			r := record("data")
			r.Owner = "ann"
			var err error
			r.Version, err = s.Save(ctx, key(1), r)
			require.NoError(t, err)
			do(mode.prepare)
			do(mode.begin)

			at := strings.Index(server.source, "@")
			from := strings.LastIndex(server.source[:at], "/") + 1
			source := server.source[:from] + mode.user + server.source[at+1:]
			web := sqlstore.New(e.open(t, source), e.dialect())
			defer web.Close()
			require.NoError(t, web.Ping(ctx))
			changed := r
			changed.Data = []byte("changed")
			_, err = web.Save(ctx, key(1), changed)
			requireOutage(t, err)
			changed.Durable, changed.Owner = true, "bob"
			_, err = web.Save(ctx, key(1), changed)
			requireOutage(t, err)
			_, err = web.Save(ctx, key(2), record("new"))
			requireOutage(t, err)
			requireOutage(t, web.Touch(ctx, key(1), time.Now().Add(2*time.Hour)))
			requireOutage(t, web.Delete(ctx, key(1)))
			n, err := web.DeleteOwned(ctx, "ann")
			requireOutage(t, err)
			require.Zero(t, n)
			n, err = web.Count(ctx)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.NoError(t, collect(web.Owned(ctx, "ann")))
			for _, s := range []store.Store{web, s} {
				got, err := s.Load(ctx, key(1))
				require.NoError(t, err)
				require.Equal(t, r.Version, got.Version)
				require.Equal(t, "data", string(got.Data))
			}

			if mode.end == nil {
				return
			}
			do(mode.end)
			require.NoError(t, web.Delete(ctx, key(1)), "the store need not be opened again")
		})
	}
}
