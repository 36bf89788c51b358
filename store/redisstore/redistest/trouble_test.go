package redistest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
)

// isOutage expects an error that says nothing about the session.
func isOutage(t testing.TB, err error) {
	t.Helper()
	require.Error(t, err)
	for _, answer := range []error{store.ErrNotFound, store.ErrConflict, store.ErrCorrupt, store.ErrFull} {
		require.NotErrorIs(t, err, answer)
	}
}

// TestReadOnly makes the server the replica of one that is away: pages that read
// are served, what has to be written is 503, and all are logged in as before when
// it is a primary again.
func TestReadOnly(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := own(t, "single")
		p := newProduct(t, a, at)
		s := redisstore.New(a.connect(t, at, nil), redisstore.WithPrefix(p.prefix))
		b := p.login("ann")
		k := create(t, s, owned("bob", "data"))
		c := admin(t, at.addrs[0])
		require.NoError(t, c.ReplicaOf(t.Context(), "127.0.0.1", "1").Err())

		r, err := s.Load(t.Context(), k)
		require.NoError(t, err)
		_, err = s.Save(t.Context(), k, r)
		isOutage(t, err)
		r.Owner, r.Durable = "carol", true
		_, err = s.Save(t.Context(), k, r)
		isOutage(t, err)
		isOutage(t, s.Touch(t.Context(), k, r.Expires.Add(time.Hour)))
		isOutage(t, s.Delete(t.Context(), k))
		n, err := s.DeleteOwned(t.Context(), "bob")
		isOutage(t, err)
		require.Zero(t, n)
		require.Equal(t, []store.Key{k}, ownedKeys(t, s, "bob"))

		ok, err := b.visit("/look")
		require.NoError(t, err)
		require.True(t, ok, "a page that reads is served")
		for _, path := range []string{"/count", "/logout", "/login?user=bob"} {
			answer, err := p.ask(path, b.token)
			require.NoError(t, err)
			require.Equal(t, http.StatusServiceUnavailable, answer.status, path)
			require.Empty(t, answer.cookies, path)
		}

		require.NoError(t, c.ReplicaOf(t.Context(), "NO", "ONE").Err())
		eventually(t, respite, func(context.Context) error {
			if ok, err := b.visit("/count"); !ok {
				return errors.Join(errors.New("503"), err)
			}
			return nil
		})
		n, err = s.DeleteOwned(t.Context(), "bob")
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

// TestFull lets the server run out of memory while it may evict nothing: what is
// new or larger is an error, and reading, logging out and revoking go on.
func TestFull(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := own(t, "single")
		s := newStore(t, a, at)
		kept, dead := create(t, s, owned("ann", "kept")), create(t, s, owned("ann", "dead"))
		other := create(t, s, owned("bob", "data"))
		c := admin(t, at.addrs[0])
		ctx := t.Context()
		require.NoError(t, c.ConfigSet(ctx, "maxmemory-policy", "noeviction").Err())
		require.NoError(t, c.ConfigSet(ctx, "maxmemory", "1").Err())

		_, err := s.Save(ctx, newKey(), record("data"))
		isOutage(t, err)
		_, err = s.Save(ctx, newKey(), owned("carol", "data"))
		isOutage(t, err)
		_, err = swap(ctx, s, kept, func(r *store.Record) { r.Data = []byte("changed") })
		isOutage(t, err)
		require.NoError(t, s.Ping(ctx))
		r, err := s.Load(ctx, kept)
		require.NoError(t, err)
		require.Equal(t, "kept", string(r.Data))
		require.NoError(t, s.Delete(ctx, dead))
		_, err = s.Load(ctx, dead)
		require.ErrorIs(t, err, store.ErrNotFound)
		require.Equal(t, []store.Key{kept}, ownedKeys(t, s, "ann"))
		n, err := s.DeleteOwned(ctx, "bob")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		_, err = s.Load(ctx, other)
		require.ErrorIs(t, err, store.ErrNotFound)

		require.NoError(t, c.ConfigSet(ctx, "maxmemory", "0").Err())
		_, err = swap(ctx, s, kept, func(r *store.Record) { r.Data = []byte("changed") })
		require.NoError(t, err)
	})
}

// TestIdleConnectionsEnded has the server end all connections, as it does at a
// restart and with the setting timeout, or a firewall: no call notices.
func TestIdleConnectionsEnded(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := own(t, "single")
		s := newStore(t, a, at)
		c := admin(t, at.addrs[0])
		ctx := t.Context()
		for name, op := range map[string]func(k store.Key) error{
			"load":   func(k store.Key) error { _, err := s.Load(ctx, k); return err },
			"save":   func(k store.Key) error { _, err := swap(ctx, s, k, func(*store.Record) {}); return err },
			"touch":  func(k store.Key) error { return s.Touch(ctx, k, time.Now().Add(2*time.Hour)) },
			"delete": func(k store.Key) error { return s.Delete(ctx, k) },
			"create": func(store.Key) error { _, err := s.Save(ctx, newKey(), owned("ann", "data")); return err },
			"revoke": func(store.Key) error { _, err := s.DeleteOwned(ctx, "ann"); return err },
			"list": func(store.Key) (last error) {
				for _, err := range s.All(ctx) {
					last = err
				}
				return last
			},
		} {
			for range 5 {
				k := create(t, s, owned("ann", "data"))
				warm(t, s, []store.Key{k}) // several connections
				require.NoError(t, c.ClientKillByFilter(ctx, "TYPE", "normal", "SKIPME", "yes").Err())
				time.Sleep(50 * time.Millisecond) // idle
				require.NoError(t, op(k), name)
			}
		}
	})
}

// TestFailoverLagging kills a primary whose replica has not heard of the last
// changes. They are undone, log-outs too. But what was undone is a conflict for
// those that rely on it, and never mixed with what is there; and each session
// that is there is in its owner's index, so that it can be revoked.
func TestFailoverLagging(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := own(t, "sentinel")
		s := newStore(t, a, at)
		ctx := t.Context()
		var kept, changed, dead, moved []store.Key
		versions := make(map[store.Key]uint64)
		for range 20 {
			kept = append(kept, create(t, s, owned("ann", "before")))
			changed = append(changed, create(t, s, owned("ann", "before")))
			dead = append(dead, create(t, s, owned("ann", "before")))
			moved = append(moved, create(t, s, record("before")))
		}
		primary, replica := admin(t, at.addr(t, "redis-sentinel/primary")), admin(t, at.addr(t, "redis-sentinel/replica"))

		// From now on the replica listens through a proxy, which falls silent once
		// the replica has caught up.
		n := newNetwork(t)
		proxy := n.proxy(at.addr(t, "redis-sentinel/primary"))
		host, port, _ := strings.Cut(proxy.Addr(), ":")
		require.NoError(t, replica.ReplicaOf(ctx, host, port).Err())
		eventually(t, respite, func(ctx context.Context) error {
			info, err := replica.Info(ctx, "replication").Result()
			if err == nil && (!strings.Contains(info, "master_link_status:up") || !strings.Contains(info, "master_port:"+port)) {
				err = errors.New("not connected")
			}
			return errors.Join(err, caughtUp(ctx, primary, replica))
		})
		proxy.BlackHole(faultproxy.ToClient)
		for i := range kept {
			v, err := swap(ctx, s, changed[i], func(r *store.Record) { r.Data = []byte("after") })
			require.NoError(t, err)
			versions[changed[i]] = v
			v, err = swap(ctx, s, moved[i], func(r *store.Record) { r.Owner, r.Durable, r.Data = "ann", true, []byte("after") })
			require.NoError(t, err)
			versions[moved[i]] = v
			require.NoError(t, s.Delete(ctx, dead[i]))
		}
		fresh := create(t, s, owned("ann", "after"))
		at.kill(t, "redis-sentinel/primary")

		eventually(t, 60*time.Second, func(ctx context.Context) error {
			k := newKey()
			_, err := s.Save(ctx, k, record("new primary"))
			return err
		})
		_, err := s.Load(ctx, fresh)
		require.ErrorIs(t, err, store.ErrNotFound, "the replica has not lagged: the test shows nothing")
		for _, k := range slices.Concat(kept, changed, dead) {
			r, err := s.Load(ctx, k)
			require.NoError(t, err)
			require.Equal(t, "before ann", fmt.Sprint(string(r.Data), " ", r.Owner))
		}
		for _, k := range moved {
			r, err := s.Load(ctx, k)
			require.NoError(t, err)
			require.Equal(t, "before ", fmt.Sprint(string(r.Data), " ", r.Owner))
		}
		for k, v := range versions {
			r := owned("ann", "on the ground of what was undone")
			r.Version = v
			_, err := s.Save(ctx, k, r)
			require.ErrorIs(t, err, store.ErrConflict)
		}
		for _, k := range moved { // the log-in is tried again
			_, err := swap(ctx, s, k, func(r *store.Record) { r.Owner, r.Durable = "ann", true })
			require.NoError(t, err)
		}
		all := slices.Concat(kept, changed, dead, moved)
		require.ElementsMatch(t, all, ownedKeys(t, s, "ann"))
		removed, err := s.DeleteOwned(ctx, "ann")
		require.NoError(t, err)
		require.Equal(t, len(all), removed)
	})
}
