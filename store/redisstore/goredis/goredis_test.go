package goredis_test

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/goredis"
)

// env returns what scripts/services has set.
func env(t testing.TB, name string) []string {
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run scripts/services run redis redis-cluster -- go test ./...", name)
	}
	return strings.Split(value, ",")
}

// single returns a client for the one server.
func single(t testing.TB) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: env(t, "SESAME_TEST_REDIS")[0]})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// cluster returns a client for the three.
func cluster(t testing.TB) *redis.ClusterClient {
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: env(t, "SESAME_TEST_REDIS_CLUSTER")})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// prefix returns a prefix of the test's own.
func prefix() redisstore.Option { return redisstore.WithPrefix("test-" + rand.Text() + ":") }

// The suite of package storetest runs in redistest, on one server and more.

func TestPanics(t *testing.T) {
	require.Panics(t, func() { goredis.New(nil) })
	require.Panics(t, func() { goredis.New(redis.NewRing(&redis.RingOptions{})) })
	for _, o := range []redis.ClusterOptions{{ReadOnly: true}, {RouteByLatency: true}, {RouteRandomly: true}} {
		require.Panics(t, func() { goredis.New(redis.NewClusterClient(&o)) })
	}
}

// TestOutage sees that a client which is closed, or has no server, is no
// missing session.
func TestOutage(t *testing.T) {
	closed := redis.NewClient(&redis.Options{Addr: env(t, "SESAME_TEST_REDIS")[0]})
	require.NoError(t, closed.Close())
	absent := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	defer absent.Close()
	for _, client := range []*redis.Client{closed, absent} {
		s := redisstore.New(goredis.New(client))
		_, err := s.Load(t.Context(), store.Key{})
		require.Error(t, err)
		require.NotErrorIs(t, err, store.ErrNotFound)
		require.NotErrorIs(t, err, store.ErrCorrupt)
		_, err = s.Save(t.Context(), store.Key{}, store.Record{})
		require.Error(t, err)
		require.NotErrorIs(t, err, store.ErrConflict)
		require.Error(t, s.Ping(t.Context()))
	}
}

// TestWrongType sees that what is no session is unreadable, and left alone.
func TestWrongType(t *testing.T) {
	client, k := single(t), store.Key{1}
	own := "test-" + rand.Text() + ":"
	s := redisstore.New(goredis.New(client), redisstore.WithPrefix(own))
	require.NoError(t, client.LPush(t.Context(), own+"s:"+k.String(), "x").Err())
	_, err := s.Load(t.Context(), k)
	require.ErrorIs(t, err, store.ErrCorrupt)
	_, err = s.Save(t.Context(), k, store.Record{})
	require.ErrorIs(t, err, store.ErrCorrupt)
	for range s.All(t.Context()) {
		t.Fatal("All yields what is no session")
	}
}

// TestRefused has a wrong password, which the server says before any command
// is sent: an outage, not a session that is missing or damaged.
func TestRefused(t *testing.T) {
	client := redis.NewClient(&redis.Options{
		Addr: env(t, "SESAME_TEST_REDIS")[0], Username: "stranger", Password: "secret", MaxRetries: -1,
	})
	t.Cleanup(func() { _ = client.Close() })
	s := redisstore.New(goredis.New(client), prefix())
	_, load := s.Load(t.Context(), store.Key{1})
	_, save := s.Save(t.Context(), store.Key{1}, store.Record{Expires: time.Now().Add(time.Hour)})
	for _, err := range []error{load, save, s.Delete(t.Context(), store.Key{1}), s.Ping(t.Context())} {
		require.ErrorContains(t, err, "WRONGPASS")
		require.NotErrorIs(t, err, store.ErrCorrupt)
		require.NotErrorIs(t, err, store.ErrNotFound)
		require.NotErrorIs(t, err, store.ErrConflict)
		require.NotContains(t, err.Error(), "secret")
	}
}
