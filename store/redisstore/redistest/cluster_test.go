package redistest

import (
	"context"
	"errors"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
)

// nodeOf returns which node of a cluster has a key, by the first one's word.
func nodeOf(t testing.TB, at site, key string) string {
	c := admin(t, at.addrs[0])
	slot, err := c.ClusterKeySlot(t.Context(), key).Result()
	require.NoError(t, err)
	shards, err := c.ClusterShards(t.Context()).Result()
	require.NoError(t, err)
	for _, s := range shards {
		for _, r := range s.Slots {
			if slot >= r.Start && slot <= r.End {
				return net.JoinHostPort(s.Nodes[0].IP, strconv.FormatInt(s.Nodes[0].Port, 10))
			}
		}
	}
	t.Fatalf("slot %d has no node", slot)
	return ""
}

// TestClusterNodeKilled kills one of three nodes. The sessions of the others
// go on, and its own are there when it is started again.
func TestClusterNodeKilled(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := own(t, "cluster")
		prefix := newPrefix()
		s := redisstore.New(a.connect(t, at, nil), redisstore.WithPrefix(prefix))
		o := newOffice(t, 24, s, redisstore.New(a.connect(t, at, nil), redisstore.WithPrefix(prefix)))
		victim := at.addr(t, "redis-cluster/2")
		// The indexes that a clerk's saves need are written at log-in only, so
		// what counts is where its session is, and the deleted one that it
		// looks for.
		var hit, spared []*clerk
		for _, c := range o.clerks {
			mine, dead := nodeOf(t, at, prefix+"s:"+c.k.String()), nodeOf(t, at, prefix+"s:"+c.dead.String())
			switch {
			case mine == victim:
				hit = append(hit, c)
			case dead != victim:
				spared = append(spared, c)
			}
		}
		require.NotEmpty(t, hit)
		require.NotEmpty(t, spared)
		o.progress(o.clerks, 30*time.Second)
		o.flawless(spared)

		at.kill(t, "redis-cluster/2")
		o.progress(spared, 30*time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		_, err := s.Load(ctx, hit[0].k)
		cancel()
		require.Error(t, err)
		require.False(t, errors.Is(err, store.ErrNotFound), "%v", err)
		o.progress(spared, 30*time.Second)

		o.noticed(hit)
		at.start(t, "redis-cluster/2")
		o.progress(o.clerks, 30*time.Second)
		o.stop()
		o.flawless(spared)
	})
}

// TestClusterSlotsMoved moves slots from node to node under traffic. No call
// fails.
func TestClusterSlotsMoved(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := own(t, "cluster")
		prefix := newPrefix()
		s := redisstore.New(a.connect(t, at, nil), redisstore.WithPrefix(prefix))
		o := newOffice(t, 16, s, redisstore.New(a.connect(t, at, nil), redisstore.WithPrefix(prefix)))
		want := make(map[store.Key]bool)
		for range 200 {
			want[create(t, s, owned("ann", "resident"))] = true
		}
		nodes := make(map[string]*redis.Client)
		ids := make(map[string]string)
		for _, addr := range at.addrs {
			nodes[addr] = admin(t, addr)
			id, err := nodes[addr].ClusterMyID(t.Context()).Result()
			require.NoError(t, err)
			ids[addr] = id
		}
		move := func(key string) {
			slot, err := nodes[at.addrs[0]].ClusterKeySlot(t.Context(), key).Result()
			require.NoError(t, err)
			from := nodeOf(t, at, key)
			to := at.addrs[0]
			if from == to {
				to = at.addrs[1]
			}
			do := func(addr string, args ...any) any {
				got, err := nodes[addr].Do(t.Context(), args...).Result()
				require.NoError(t, err, "%v", args)
				return got
			}
			do(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[from])
			do(from, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to])
			o.progress(o.clerks[:2], 30*time.Second) // some meet the slot half-moved
			host, port := to[:len("127.0.0.1")], to[len("127.0.0.1:"):]
			for {
				keys := do(from, "CLUSTER", "GETKEYSINSLOT", slot, 10).([]any)
				if len(keys) == 0 {
					break
				}
				do(from, append([]any{"MIGRATE", host, port, "", 0, 5000, "KEYS"}, keys...)...)
			}
			o.progress(o.clerks[:2], 30*time.Second)
			for _, addr := range []string{to, from, at.addrs[2]} {
				do(addr, "CLUSTER", "SETSLOT", slot, "NODE", ids[to])
			}
		}
		for _, c := range o.clerks {
			move(prefix + "s:" + c.k.String())
		}
		move(prefix + "o:clerk")
		move(prefix + "o:ann")
		o.progress(o.clerks, 30*time.Second)
		o.stop()
		o.flawless(o.clerks)

		// The lists are complete, wherever the slots are.
		listed := make(map[store.Key]bool)
		for e, err := range s.All(t.Context()) {
			require.NoError(t, err)
			listed[e.Key] = true
		}
		for k := range want {
			require.True(t, listed[k], "All has missed one")
		}
		for i, c := range o.clerks {
			require.True(t, listed[c.k], "All has missed the session of clerk "+strconv.Itoa(i))
		}
		n, err := s.DeleteOwned(t.Context(), "ann")
		require.NoError(t, err)
		require.Equal(t, len(want), n)
	})
}

// TestSentinelFailover kills the primary. What was replicated by then survives
// on the replica, which takes over.
func TestSentinelFailover(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := own(t, "sentinel")
		prefix := newPrefix()
		s := redisstore.New(a.connect(t, at, nil), redisstore.WithPrefix(prefix))
		var alive, dead []store.Key
		for range 50 {
			alive = append(alive, create(t, s, owned("ann", "alive")))
			dead = append(dead, create(t, s, owned("ann", "dead")))
			require.NoError(t, s.Delete(t.Context(), dead[len(dead)-1]))
		}
		primary, replica := admin(t, at.addr(t, "redis-sentinel/primary")), admin(t, at.addr(t, "redis-sentinel/replica"))
		eventually(t, 10*time.Second, func(ctx context.Context) error { return caughtUp(ctx, primary, replica) })
		at.kill(t, "redis-sentinel/primary")

		eventually(t, 60*time.Second, func(ctx context.Context) error {
			r, err := s.Load(ctx, alive[0])
			if errors.Is(err, store.ErrNotFound) {
				t.Fatal("an outage reads as a log-out")
			}
			if err != nil {
				return err
			}
			r.Data = []byte("saved")
			_, err = s.Save(ctx, alive[0], r)
			return err
		})
		n, err := replica.Exists(t.Context(), prefix+"s:"+alive[0].String()).Result()
		require.NoError(t, err)
		require.EqualValues(t, 1, n, "it is the new primary that is written to")
		for _, k := range alive {
			_, err := s.Load(t.Context(), k)
			require.NoError(t, err)
		}
		for _, k := range dead {
			_, err := s.Load(t.Context(), k)
			require.ErrorIs(t, err, store.ErrNotFound)
		}
		fresh := create(t, s, owned("ann", "fresh"))
		at.start(t, "redis-sentinel/primary") // as a replica, before long
		n2, err := s.DeleteOwned(t.Context(), "ann", fresh)
		require.NoError(t, err)
		require.Equal(t, len(alive), n2)
	})
}

// caughtUp returns nil if the replica has all that the primary has.
func caughtUp(ctx context.Context, primary, replica *redis.Client) error {
	n, err := primary.Do(ctx, "WAIT", 1, 1000).Int()
	if err != nil {
		return err
	}
	a, err := primary.DBSize(ctx).Result()
	if err != nil {
		return err
	}
	b, err := replica.DBSize(ctx).Result()
	if err == nil && (n != 1 || a != b) {
		err = errors.New("the replica is behind")
	}
	return err
}
