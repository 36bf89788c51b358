package servers

import (
	"context"
	"database/sql"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// proxied returns a store with one connection to the server, through a proxy.
func (e engine) proxied(t testing.TB) (*sqlstore.Store, *sql.DB, *faultproxy.Proxy) {
	source := e.source(t)
	p, err := faultproxy.New(address(t, source))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	name := table(t, e.open(t, source))
	db := e.open(t, at(t, source, p.Addr()))
	db.SetMaxOpenConns(1)
	return e.on(t, db, name), db, p
}

// TestRoundTrips counts what goes over the wire. Each operation is tried
// several times and its best taken, because the drivers sometimes ask whether
// a connection still lives.
func TestRoundTrips(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s, _, p := e.proxied(t)
		ctx := t.Context()
		data := strings.Repeat("x", 300)
		versions := make(map[int]uint64)
		r := record(data)
		for _, op := range []struct {
			name  string
			trips int
			f     func(i int) error
		}{
			{"create", 1, func(i int) (err error) {
				versions[i], err = s.Save(ctx, key(i), r)
				return err
			}},
			{"load", 1, func(i int) error {
				_, err := s.Load(ctx, key(i))
				return err
			}},
			{"save", 1, func(i int) (err error) {
				mine := r
				mine.Version, mine.Owner = versions[i], "ann"
				versions[i], err = s.Save(ctx, key(i), mine)
				return err
			}},
			{"conflict", 1, func(i int) error {
				mine := r
				mine.Version = versions[i] - 1
				_, err := s.Save(ctx, key(i), mine)
				return expected(err)
			}},
			{"taken", 2, func(i int) error {
				_, err := s.Save(ctx, key(i), r)
				return expected(err)
			}},
			{"touch", 1, func(i int) error {
				return s.Touch(ctx, key(i), time.Now().Add(2*time.Hour))
			}},
			{"renew", 1, func(i int) (err error) {
				mine := r
				mine.Version, mine.Owner, mine.Durable = versions[i], "bob", true
				versions[i], err = s.Save(ctx, key(i), mine)
				return err
			}},
			{"owned", 1, func(int) error { return collect(s.Owned(ctx, "bob")) }},
			{"all", 1, func(int) error { return collect(s.All(ctx)) }},
			{"ping", 1, func(int) error { return s.Ping(ctx) }},
			{"sweep", 1, func(int) error {
				_, err := s.Sweep(ctx, 100)
				return err
			}},
			{"delete", 1, func(i int) error { return s.Delete(ctx, key(i)) }},
			{"count", 1, func(int) error {
				_, err := s.Count(ctx)
				return err
			}},
			{"deleteOwned", 2, func(int) error {
				_, err := s.DeleteOwned(ctx, "bob")
				return err
			}},
		} {
			best := faultproxy.Traffic{RoundTrips: 1000}
			for i := range 6 {
				before := p.Traffic()
				require.NoError(t, op.f(i), op.name)
				if got := p.Traffic().Sub(before); got.RoundTrips < best.RoundTrips {
					best = got
				}
			}
			require.Equal(t, op.trips, best.RoundTrips, op.name)
			t.Logf("%s: %d round trips, %d bytes to the server, %d back", op.name, best.RoundTrips, best.ToServer, best.ToClient)
		}
	})
}

// collect walks to the end and returns the last error.
func collect[T any](walk func(func(T, error) bool)) (last error) {
	walk(func(_ T, err error) bool {
		last = err
		return true
	})
	return last
}

// needle is what the proxy looks for in a statement with its parameters, and
// what lib/pq makes of it.
const needle = "the needle in the session"

func (e engine) needle() string {
	if e.driver == "postgres" {
		return hex.EncodeToString([]byte(needle))
	}
	return needle
}

// TestCut cuts the connection before the server hears of a statement, or after it
// has done what it was told. The caller gets an error that says neither that it
// was done nor that it was not; the next call has a new connection.
func TestCut(t *testing.T) {
	for name, cut := range map[string]struct {
		by   func(p *faultproxy.Proxy, needle string, n int) <-chan struct{}
		done bool
	}{
		"statement": {(*faultproxy.Proxy).CutRequest, false},
		"answer":    {(*faultproxy.Proxy).CutReply, true},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, e engine) {
				s, _, p := e.proxied(t)
				version, err := s.Save(t.Context(), key(1), record("before"))
				require.NoError(t, err)
				r := record(needle)
				r.Version = version
				lost := cut.by(p, e.needle(), 1)
				_, err = s.Save(t.Context(), key(1), r)
				<-lost
				requireOutage(t, err)
				r, err = s.Load(t.Context(), key(1))
				require.NoError(t, err)
				require.Equal(t, cut.done, string(r.Data) == needle)
				require.Equal(t, cut.done, r.Version != version)
				_, err = s.Save(t.Context(), key(1), r)
				require.NoError(t, err)
			})
		})
	}
}

func requireOutage(t *testing.T, err error) {
	t.Helper()
	require.ErrorContains(t, err, "sqlstore: ")
	require.NotErrorIs(t, err, store.ErrConflict)
	require.NotErrorIs(t, err, store.ErrNotFound)
}

// TestOutage has the network swallow everything, then refuse, then work again.
// Contexts bound the wait, nothing is taken for a missing session, and no
// connection is left behind.
func TestOutage(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s, db, p := e.proxied(t)
		version, err := s.Save(t.Context(), key(1), record("data"))
		require.NoError(t, err)
		brief := func() context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			t.Cleanup(cancel)
			return ctx
		}
		if e.driver != "postgres" { // lib/pq waits without end, see sqlstore.PostgreSQL
			p.BlackHole(faultproxy.Both)
		}
		for e.driver != "postgres" && p.Traffic().Connections < 4 {
			begin := time.Now()
			_, err = s.Load(brief(), key(1))
			requireOutage(t, err)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			r := record("other")
			r.Version = version
			_, err = s.Save(brief(), key(1), r)
			requireOutage(t, err)
			require.Less(t, time.Since(begin), 20*time.Second) // it hung otherwise
		}
		p.Refuse()
		p.Cut()
		requireOutage(t, s.Delete(t.Context(), key(1)))
		p.Heal()
		require.Eventually(t, func() bool {
			r, err := s.Load(t.Context(), key(1))
			return err == nil && string(r.Data) == "data"
		}, 20*time.Second, 10*time.Millisecond)
		require.Eventually(t, func() bool { return db.Stats().InUse == 0 }, 20*time.Second, 10*time.Millisecond)
	})
}
