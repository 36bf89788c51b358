package redistest

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
)

// TestHostileValues puts what is no record where records are.
func TestHostileValues(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := shared(t, "single")
		prefix := newPrefix()
		s := redisstore.New(a.connect(t, at, nil), redisstore.WithPrefix(prefix))
		c := admin(t, at.addrs[0])
		ctx := t.Context()
		for name, put := range map[string]func(key string) error{
			"list":      func(key string) error { return c.RPush(ctx, key, "x").Err() },
			"hash":      func(key string) error { return c.HSet(ctx, key, "x", "y").Err() },
			"empty":     func(key string) error { return c.Set(ctx, key, "", 0).Err() },
			"short":     func(key string) error { return c.Set(ctx, key, "short", 0).Err() },
			"number":    func(key string) error { return c.Set(ctx, key, 42, 0).Err() },
			"zeros":     func(key string) error { return c.Set(ctx, key, make([]byte, 100), 0).Err() },
			"cut owner": func(key string) error { return c.Set(ctx, key, cutOwner(), 0).Err() },
		} {
			t.Run(name, func(t *testing.T) {
				k := newKey()
				require.NoError(t, put(prefix+"s:"+k.String()))
				_, err := s.Load(ctx, k)
				require.ErrorIs(t, err, store.ErrCorrupt)
				require.NotErrorIs(t, err, store.ErrNotFound)
				r := record("data")
				r.Version = 7
				_, err = s.Save(ctx, k, r)
				require.Error(t, err, "it never overwrites what it does not know")
				_, err = s.Load(ctx, k)
				require.ErrorIs(t, err, store.ErrCorrupt, "it is left alone")
				for e, err := range s.All(ctx) {
					require.NoError(t, err)
					require.NotEqual(t, k, e.Key)
				}
				_ = s.Touch(ctx, k, time.Now().Add(2*time.Hour)) // an error or none, but no panic
				require.NoError(t, s.Delete(ctx, k))
				_, err = s.Load(ctx, k)
				require.ErrorIs(t, err, store.ErrNotFound)
			})
		}
		t.Run("index", func(t *testing.T) {
			require.NoError(t, c.Set(ctx, prefix+"o:eve", "x", 0).Err())
			_, err := s.Save(ctx, newKey(), owned("eve", "data"))
			require.Error(t, err)
			_, err = s.DeleteOwned(ctx, "eve")
			require.Error(t, err)
			require.NoError(t, c.ZAdd(ctx, prefix+"o:mallory", redis.Z{Score: 1e15, Member: "no key"}).Err())
			k := create(t, s, owned("mallory", "data"))
			require.Equal(t, []store.Key{k}, ownedKeys(t, s, "mallory"), "an entry that is no key is skipped")
			n, err := s.DeleteOwned(ctx, "mallory")
			require.NoError(t, err)
			require.Equal(t, 1, n)
		})
	})
}

// cutOwner is a header that promises a longer owner than there is.
func cutOwner() []byte {
	b := make([]byte, 40)
	for i := range b {
		b[i] = 0xff
	}
	return b
}

// TestPrefixes has two stores on one server that must not know of each other.
func TestPrefixes(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := shared(t, "single")
		conn := a.connect(t, at, nil)
		one := redisstore.New(conn, redisstore.WithPrefix(newPrefix()))
		two := redisstore.New(conn, redisstore.WithPrefix(newPrefix()))
		ctx := t.Context()
		k := create(t, one, owned("ann", "of one"))
		_, err := two.Load(ctx, k)
		require.ErrorIs(t, err, store.ErrNotFound)
		v, err := two.Save(ctx, k, owned("ann", "of two"))
		require.NoError(t, err)
		require.NotZero(t, v)
		n, err := two.DeleteOwned(ctx, "ann")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		for range two.All(ctx) {
			t.Fatal("All has left its prefix")
		}
		r, err := one.Load(ctx, k)
		require.NoError(t, err)
		require.Equal(t, "of one", string(r.Data))
	})
}

// TestEviction lets the server run out of memory, with a policy that drops
// what it likes: a session that was dropped is not found, and no more.
func TestEviction(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := own(t, "single")
		s := newStore(t, a, at)
		c := admin(t, at.addrs[0])
		ctx := t.Context()
		require.NoError(t, c.ConfigSet(ctx, "maxmemory-policy", "allkeys-random").Err())
		require.NoError(t, c.ConfigSet(ctx, "maxmemory", "6mb").Err())
		data := string(make([]byte, 4000))
		var keys []store.Key
		for range 2000 {
			keys = append(keys, create(t, s, owned("ann", data)))
		}
		there, gone := 0, 0
		for _, k := range keys {
			switch r, err := s.Load(ctx, k); err {
			case nil:
				there++
				require.Equal(t, data, string(r.Data))
			default:
				gone++
				require.ErrorIs(t, err, store.ErrNotFound)
				r := record("revived")
				r.Version = 7
				_, err := s.Save(ctx, k, r)
				require.ErrorIs(t, err, store.ErrConflict)
			}
		}
		require.NotZero(t, there)
		require.NotZero(t, gone)

		// With noeviction it is the new that is refused, as an outage.
		require.NoError(t, c.ConfigSet(ctx, "maxmemory-policy", "noeviction").Err())
		require.NoError(t, c.ConfigSet(ctx, "maxmemory", "1mb").Err())
		_, err := s.Save(ctx, newKey(), record(data))
		require.Error(t, err)
		require.NotErrorIs(t, err, store.ErrConflict)
	})
}
