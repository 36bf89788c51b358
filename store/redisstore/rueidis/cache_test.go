package rueidis_test

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
	sesamerueidis "github.com/sesame-go/sesame/store/redisstore/rueidis"
)

// A counter is a client that counts what it reads, through the cache or not.
type counter struct {
	rueidis.Client
	hits, misses, plain atomic.Int32
}

func (c *counter) DoCache(ctx context.Context, cmd rueidis.Cacheable, ttl time.Duration) rueidis.RedisResult {
	reply := c.Client.DoCache(ctx, cmd, ttl)
	if reply.IsCacheHit() {
		c.hits.Add(1)
	} else {
		c.misses.Add(1)
	}
	return reply
}

func (c *counter) Do(ctx context.Context, cmd rueidis.Completed) rueidis.RedisResult {
	if cmd.Commands()[0] == "GET" {
		c.plain.Add(1)
	}
	return c.Client.Do(ctx, cmd)
}

// two returns stores of two processes on one server; the first has a cache.
func two(t *testing.T, ttl time.Duration) (cached, other *redisstore.Store, c *counter) {
	own := prefix()
	c = &counter{Client: dial(t, "SESAME_TEST_REDIS")}
	cached = redisstore.New(sesamerueidis.New(c, sesamerueidis.WithCache(ttl)), own)
	return cached, redisstore.New(sesamerueidis.New(dial(t, "SESAME_TEST_REDIS")), own), c
}

var record = store.Record{Expires: time.Now().Add(time.Hour), Data: []byte("data")}

func create(t *testing.T, s *redisstore.Store, k store.Key) {
	_, err := s.Save(t.Context(), k, record)
	require.NoError(t, err)
}

// TestCacheHits sees that the cache is used, and that it is not used without the
// option.
func TestCacheHits(t *testing.T) {
	cached, other, c := two(t, time.Hour)
	k := store.Key{1}
	create(t, other, k)
	for range 10 {
		r, err := cached.Load(t.Context(), k)
		require.NoError(t, err)
		require.Equal(t, "data", string(r.Data))
	}
	assert.EqualValues(t, 9, c.hits.Load())
	assert.EqualValues(t, 1, c.misses.Load())
	assert.Zero(t, c.plain.Load())

	plain := redisstore.New(sesamerueidis.New(c))
	_, err := plain.Load(t.Context(), k)
	require.ErrorIs(t, err, store.ErrNotFound)
	assert.EqualValues(t, 1, c.plain.Load())
}

// TestLogOutElsewhere sees that the server's word ends what is cached, long
// before its time: by a deletion, a change or a touch.
func TestLogOutElsewhere(t *testing.T) {
	cached, other, c := two(t, time.Hour)
	k := store.Key{1}
	create(t, other, k)
	load := func() (store.Record, error) { return cached.Load(t.Context(), k) }
	_, err := load()
	require.NoError(t, err)
	r, err := load()
	require.NoError(t, err)
	require.EqualValues(t, 1, c.hits.Load())

	later := r.Expires.Add(time.Hour)
	require.NoError(t, other.Touch(t.Context(), k, later))
	require.Eventually(t, func() bool { r, err = load(); return err == nil && r.Expires.Equal(later) }, 10*time.Second, time.Millisecond)

	r.Data = []byte("changed")
	_, err = other.Save(t.Context(), k, r)
	require.NoError(t, err)
	require.Eventually(t, func() bool { r, err = load(); return err == nil && string(r.Data) == "changed" }, 10*time.Second, time.Millisecond)

	require.NoError(t, other.Delete(t.Context(), k))
	require.Eventually(t, func() bool { _, err = load(); return err != nil }, 10*time.Second, time.Millisecond)
	require.ErrorIs(t, err, store.ErrNotFound)
}

// TestConflictIsFresh sees that a program which was refused loads what the other wrote.
func TestConflictIsFresh(t *testing.T) {
	cached, other, _ := two(t, time.Hour)
	for i := range 200 {
		k := store.Key{byte(i)}
		create(t, other, k)
		r, err := cached.Load(t.Context(), k)
		require.NoError(t, err)
		mine := r
		r.Data = []byte("theirs")
		_, err = other.Save(t.Context(), k, r)
		require.NoError(t, err)
		_, err = cached.Save(t.Context(), k, mine)
		require.ErrorIs(t, err, store.ErrConflict)
		r, err = cached.Load(t.Context(), k)
		require.NoError(t, err)
		require.Equal(t, "theirs", string(r.Data))
	}
}

// TestReadYourWrites sees that a process reads what it has written, at once
// and always, whatever its other goroutines read at the same time.
func TestReadYourWrites(t *testing.T) {
	cached, _, c := two(t, time.Hour)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 150 {
				k := store.Key{byte(g), byte(i)}
				done, reading := make(chan struct{}), sync.WaitGroup{}
				reading.Go(func() {
					for {
						select {
						case <-done:
							return
						default:
							_, _ = cached.Load(t.Context(), k)
						}
					}
				})
				r := record
				for n := range 4 {
					r.Data = []byte{byte(n)}
					v, err := cached.Save(t.Context(), k, r)
					assert.NoError(t, err)
					got, err := cached.Load(t.Context(), k)
					assert.NoError(t, err)
					assert.Equal(t, v, got.Version)
					r.Version = v
				}
				assert.NoError(t, cached.Delete(t.Context(), k))
				for range 3 {
					_, err := cached.Load(t.Context(), k)
					assert.ErrorIs(t, err, store.ErrNotFound)
				}
				close(done)
				reading.Wait()
			}
		})
	}
	wg.Wait()
	assert.NotZero(t, c.plain.Load())
}

// A gate is a connection from which nothing is read while it is shut.
type gate struct {
	net.Conn
	open *sync.RWMutex
}

func (g *gate) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	g.open.RLock()
	defer g.open.RUnlock()
	return n, err
}

// TestStaleNoLonger sees that a session which was logged out elsewhere is not
// read for longer than ttl by a process that the server's word does not reach.
func TestStaleNoLonger(t *testing.T) {
	const ttl = 3 * time.Second
	var open sync.RWMutex
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: env(t, "SESAME_TEST_REDIS"),
		DialCtxFn: func(ctx context.Context, address string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			conn, err := d.DialContext(ctx, "tcp", address)
			return &gate{conn, &open}, err
		},
	})
	require.NoError(t, err)
	defer client.Close()
	own := prefix()
	hung := redisstore.New(sesamerueidis.New(client, sesamerueidis.WithCache(ttl)), own)
	other := redisstore.New(sesamerueidis.New(dial(t, "SESAME_TEST_REDIS")), own)
	k := store.Key{1}
	create(t, other, k)
	_, err = hung.Load(t.Context(), k)
	require.NoError(t, err)

	open.Lock()
	require.NoError(t, other.Delete(t.Context(), k))
	deleted := time.Now()
	stale := 0
	for {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := hung.Load(ctx, k)
		cancel()
		if err == nil {
			stale++
			require.Less(t, began.Sub(deleted), ttl)
		} else {
			require.NotErrorIs(t, err, store.ErrNotFound)
		}
		if began.Sub(deleted) > ttl+time.Second {
			break
		}
		time.Sleep(time.Millisecond)
	}
	require.NotZero(t, stale, "nothing was read from the cache: the test shows nothing")
	open.Unlock()
	require.Eventually(t, func() bool {
		_, err = hung.Load(t.Context(), k)
		return err != nil
	}, 10*time.Second, time.Millisecond)
	require.ErrorIs(t, err, store.ErrNotFound)
}
