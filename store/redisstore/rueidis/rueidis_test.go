package rueidis_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
	sesamerueidis "github.com/sesame-go/sesame/store/redisstore/rueidis"
	"github.com/sesame-go/sesame/store/storetest"
)

// env returns what scripts/services has set.
func env(t testing.TB, name string) []string {
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run scripts/services run redis redis-cluster -- go test ./...", name)
	}
	return strings.Split(value, ",")
}

// dial returns a client for the servers that a variable names.
func dial(t testing.TB, name string) rueidis.Client {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: env(t, name)})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// prefix returns a prefix of the test's own.
func prefix() redisstore.Option { return redisstore.WithPrefix("test-" + rand.Text() + ":") }

// TestStoreCached runs the suite with the cache, on a cluster. The rest runs in
// redistest.
func TestStoreCached(t *testing.T) {
	conn := sesamerueidis.New(dial(t, "SESAME_TEST_REDIS_CLUSTER"), sesamerueidis.WithCache(time.Second))
	storetest.Run(t, func(t *testing.T) store.Store { return redisstore.New(conn, prefix()) })
}

func TestPanics(t *testing.T) {
	require.Panics(t, func() { sesamerueidis.New(nil) })
	require.PanicsWithValue(t, "sesame/rueidis: New: an option is nil; leave it out",
		func() { sesamerueidis.New(struct{ rueidis.Client }{}, nil) })
	for _, ttl := range []time.Duration{-1, 0, time.Microsecond, 2 * time.Hour} {
		require.Panics(t, func() { sesamerueidis.WithCache(ttl) }, ttl)
	}
}

// TestOutage sees that a client which is closed is no missing session.
func TestOutage(t *testing.T) {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: env(t, "SESAME_TEST_REDIS")})
	require.NoError(t, err)
	client.Close()
	for _, conn := range []*sesamerueidis.Conn{
		sesamerueidis.New(client), sesamerueidis.New(client, sesamerueidis.WithCache(time.Second)),
	} {
		s := redisstore.New(conn)
		_, err = s.Load(t.Context(), store.Key{})
		require.Error(t, err)
		require.NotErrorIs(t, err, store.ErrNotFound)
		_, err = s.Save(t.Context(), store.Key{}, store.Record{})
		require.Error(t, err)
		require.NotErrorIs(t, err, store.ErrConflict)
		require.Error(t, s.Ping(t.Context()))
	}
}

// TestWatchRESP2 watches with the older protocol, in which subscriptions need a
// connection of their own.
func TestWatchRESP2(t *testing.T) {
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: env(t, "SESAME_TEST_REDIS"), AlwaysRESP2: true, DisableCache: true,
	})
	require.NoError(t, err)
	defer client.Close()
	s := redisstore.New(sesamerueidis.New(client), prefix())
	heard := make(chan store.Key, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done, err := s.Watch(ctx, func(k store.Key) { heard <- k })
	require.NoError(t, err)
	k := store.Key{1}
	_, err = s.Save(t.Context(), k, store.Record{Expires: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), k))
	require.Equal(t, k, <-heard)
	select {
	case <-done:
		t.Fatal("done is closed")
	default:
	}
	cancel()
	<-done
}
