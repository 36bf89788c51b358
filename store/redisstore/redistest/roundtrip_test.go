package redistest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
)

// through returns a store whose every byte goes over the proxy.
func through(t testing.TB, a adapter, at site, opts ...redisstore.Option) (*redisstore.Store, *faultproxy.Proxy) {
	n := newNetwork(t)
	s := redisstore.New(a.connect(t, at, n), append([]redisstore.Option{redisstore.WithPrefix(newPrefix())}, opts...)...)
	return s, n.proxy(at.addrs[0])
}

// TestRoundTrips counts what goes over the wire, since a session store is paid
// for in round trips.
func TestRoundTrips(t *testing.T) {
	const times, size = 20, 300
	data := string(make([]byte, size))
	onEach(t, func(t *testing.T, a adapter) {
		s, p := through(t, a, own(t, "single"), redisstore.WithPrefix("sesame:")) // its scripts are not flushed
		ctx := t.Context()
		var k store.Key
		var v uint64
		save := func(r store.Record) {
			var err error
			r.Version = v
			v, err = s.Save(ctx, k, r)
			require.NoError(t, err)
		}
		fresh := func() { k, v = newKey(), 0 }
		existing := func() { fresh(); save(record(data)) }
		login := func() {
			r := owned("ann", data)
			r.Durable = true
			save(r)
		}
		ops := []struct {
			name       string
			before, do func()
			trips      int
			up, down   int // bytes at most, beside size where the record goes
		}{
			{"load", existing, func() { _, err := s.Load(ctx, k); require.NoError(t, err) }, 1, 110, size + 60},
			{"load nothing", fresh, func() { _, err := s.Load(ctx, k); require.ErrorIs(t, err, store.ErrNotFound) }, 1, 110, 10},
			{"create", fresh, func() { save(record(data)) }, 1, size + 280, 40},
			{"create owned", fresh, func() { save(owned("ann", data)) }, 2, size + 550, 80},
			{"save", existing, func() { save(record(data)) }, 1, size + 280, 40},
			{"save owned", func() { fresh(); save(owned("ann", data)) }, func() { save(owned("ann", data)) }, 1, size + 280, 40},
			{"log in", existing, login, 2, size + 550, 80},
			{"log in again", func() { existing(); login() }, login, 1, size + 280, 40},
			{"touch", existing, func() { require.NoError(t, s.Touch(ctx, k, time.Now().Add(2*time.Hour))) }, 1, 260, 40},
			{"delete", existing, func() { require.NoError(t, s.Delete(ctx, k)) }, 1, 200, 40},
			{"ping", fresh, func() { require.NoError(t, s.Ping(ctx)) }, 1, 200, 40},
		}
		for range 64 { // all connections are made, and the server knows the scripts
			for _, op := range ops {
				op.before()
				op.do()
			}
		}
		for _, op := range ops {
			var spent faultproxy.Traffic
			for range times {
				op.before()
				before := p.Traffic()
				op.do()
				diff := p.Traffic().Sub(before)
				spent.RoundTrips += diff.RoundTrips
				spent.ToServer += diff.ToServer
				spent.ToClient += diff.ToClient
				spent.Connections += diff.Connections
			}
			t.Logf("%-12s %d round trips, %d bytes to the server, %d back", op.name, spent.RoundTrips/times, spent.ToServer/times, spent.ToClient/times)
			require.Zero(t, spent.Connections, op.name)
			require.Equal(t, times*op.trips, spent.RoundTrips, op.name)
			require.LessOrEqual(t, spent.ToServer, int64(times*op.up), op.name)
			require.LessOrEqual(t, spent.ToClient, int64(times*op.down), op.name)
		}
	})
}

// TestRoundTripsOwned counts what listing and revoking a page of sessions takes.
func TestRoundTripsOwned(t *testing.T) {
	const n, times = 100, 5
	onEach(t, func(t *testing.T, a adapter) {
		s, p := through(t, a, own(t, "single"), redisstore.WithPrefix("sesame:")) // its scripts are not flushed
		for i := range 1 + times {
			owner := fmt.Sprint("ann", i)
			for range n {
				create(t, s, owned(owner, "data"))
			}
			begun := p.Traffic()
			require.Len(t, ownedKeys(t, s, owner), n)
			listed := p.Traffic()
			removed, err := s.DeleteOwned(t.Context(), owner)
			require.NoError(t, err)
			require.Equal(t, n, removed)
			list, revoke := listed.Sub(begun), p.Traffic().Sub(listed)
			if i == 0 {
				continue // all connections are made, and the server knows the scripts
			}
			t.Logf("list: %d round trips, %d bytes up, %d down; revoke: %d, %d, %d", list.RoundTrips, list.ToServer/n, list.ToClient/n,
				revoke.RoundTrips, revoke.ToServer/n, revoke.ToClient/n)
			require.Equal(t, 2, list.RoundTrips, "to list")
			require.Equal(t, 2, revoke.RoundTrips, "to revoke")
			require.LessOrEqual(t, list.ToServer+revoke.ToServer, int64(n*350))
		}
	})
}
