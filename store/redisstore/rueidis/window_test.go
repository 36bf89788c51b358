package rueidis

import (
	"context"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
)

// A slow client is one to which nothing gets through, and for which an hour
// passes while it tries.
type slow struct {
	rueidis.Client
	conn   *Conn
	cached int
}

func (s *slow) Do(ctx context.Context, cmd rueidis.Completed) rueidis.RedisResult {
	s.conn.cache.began = s.conn.cache.began.Add(-time.Hour)
	return s.Client.Do(ctx, cmd)
}

func (s *slow) DoCache(ctx context.Context, cmd rueidis.Cacheable, ttl time.Duration) rueidis.RedisResult {
	s.cached++
	return s.Client.DoCache(ctx, cmd, ttl)
}

// TestWindow sees that reads go around the cache for ttl after the end of a
// write, be it one that failed, and then no more.
func TestWindow(t *testing.T) {
	// It has no connection, but the builder of commands.
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"127.0.0.1:1"}, ForceSingleClient: true, DisableRetry: true})
	require.Error(t, err)
	defer client.Close()
	c := &slow{Client: client}
	c.conn = New(c, WithCache(time.Minute))
	s := redisstore.New(c.conn)
	load := func() { _, _ = s.Load(t.Context(), store.Key{}) }

	load()
	require.Equal(t, 1, c.cached)
	require.Error(t, s.Delete(t.Context(), store.Key{}))
	load() // an hour passes
	require.Equal(t, 1, c.cached)
	load()
	require.Equal(t, 2, c.cached)
}

// TestWindowGrows sees that of two writes at once the later one counts.
func TestWindowGrows(t *testing.T) {
	w := New(struct{ rueidis.Client }{}, WithCache(time.Minute)).cache
	require.False(t, w.written("a"))
	w.place("a").Store(int64(time.Hour))
	w.write("a")
	require.EqualValues(t, time.Hour, w.place("a").Load())
	require.True(t, w.written("a"))
}
