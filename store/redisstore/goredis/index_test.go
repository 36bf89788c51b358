package goredis_test

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/goredis"
)

// fresh returns a store with a prefix of its own, and the prefix.
func fresh(t *testing.T, client redis.UniversalClient, opts ...redisstore.Option) (*redisstore.Store, string) {
	own := "test-" + rand.Text() + ":"
	return redisstore.New(goredis.New(client), append(opts, redisstore.WithPrefix(own))...), own
}

// in returns the time after d, to the millisecond.
func in(d time.Duration) time.Time { return time.Now().Add(d).Truncate(time.Millisecond) }

// TestIndexKeepsUp sees that the index of the owner keeps an entry for longer
// than the session lives, however that comes to live longer.
func TestIndexKeepsUp(t *testing.T) {
	client := single(t)
	s, own := fresh(t, client)
	k, r := store.Key{1}, store.Record{Owner: "ann", Expires: in(time.Minute)}
	listed := func(owner string) {
		t.Helper()
		score, err := client.ZScore(t.Context(), own+"o:"+owner, string(k[:])).Result()
		require.NoError(t, err)
		got, err := s.Load(t.Context(), k)
		require.NoError(t, err)
		require.WithinDuration(t, r.Expires, got.Expires, 0)
		require.GreaterOrEqual(t, int64(score), r.Expires.UnixMilli())
		ttl, err := client.PTTL(t.Context(), own+"o:"+owner).Result()
		require.NoError(t, err)
		require.Greater(t, ttl, time.Until(r.Expires))
		ttl, err = client.PTTL(t.Context(), own+"s:"+k.String()).Result()
		require.NoError(t, err)
		require.Greater(t, ttl, time.Until(r.Expires))
		value, err := client.Get(t.Context(), own+"s:"+k.String()).Bytes()
		require.NoError(t, err)
		require.InDelta(t, score, binary.BigEndian.Uint64(value[16:]), 0) // what the record knows of it
	}
	save := func(expires time.Duration, owner string) {
		t.Helper()
		var err error
		r.Expires, r.Owner = in(expires), owner
		r.Version, err = s.Save(t.Context(), k, r)
		require.NoError(t, err)
	}
	touch := func(expires time.Duration) {
		t.Helper()
		r.Expires = in(expires)
		require.NoError(t, s.Touch(t.Context(), k, r.Expires))
	}
	save(time.Minute, "ann")
	listed("ann")
	touch(30 * time.Minute)
	listed("ann")
	touch(5 * time.Hour)
	listed("ann")
	save(5*time.Hour+time.Minute, "ann")
	listed("ann")
	save(20*time.Hour, "ann")
	listed("ann")
	save(time.Minute, "bob")
	listed("bob")
	save(time.Minute, "")
	touch(50 * time.Hour)
	save(60*time.Hour, "ann")
	listed("ann")

	// Others may rely on what the index was once told.
	save(time.Minute, "bob")
	save(time.Minute, "ann")
	score, err := client.ZScore(t.Context(), own+"o:ann", string(k[:])).Result()
	require.NoError(t, err)
	require.Greater(t, int64(score), in(60*time.Hour).UnixMilli())
}

// TestIndexHeals sees that entries go when their time is over, and not before.
func TestIndexHeals(t *testing.T) {
	client := single(t)
	var ahead atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	s, own := fresh(t, client, redisstore.WithClock(clock))
	create := func(i int) {
		t.Helper()
		_, err := s.Save(t.Context(), store.Key{byte(i), byte(i >> 8), 1}, store.Record{Owner: "ann", Expires: clock().Add(time.Minute)})
		require.NoError(t, err)
	}
	size := func() int64 {
		n, err := client.ZCard(t.Context(), own+"o:ann").Result()
		require.NoError(t, err)
		return n
	}
	for i := range 150 {
		create(i)
	}
	ahead.Store(int64(62*time.Minute + 30*time.Second)) // an hour after the sessions expired, but clocks may differ by a minute
	create(200)
	require.EqualValues(t, 151, size())
	ahead.Store(int64(63*time.Minute + 10*time.Second))
	n := 0
	for range s.Owned(t.Context(), "ann") {
		n++
	}
	require.Equal(t, 1, n)
	create(201)
	require.EqualValues(t, 52, size())
	create(202)
	require.EqualValues(t, 3, size())
}

// TestRevokeExpired sees that DeleteOwned removes what has expired and is still
// there, without counting it: for a clock that is behind it lives.
func TestRevokeExpired(t *testing.T) {
	client := single(t)
	s, own := fresh(t, client)
	behind := redisstore.New(goredis.New(client), redisstore.WithPrefix(own),
		redisstore.WithClock(func() time.Time { return time.Now().Add(-50 * time.Second) }))
	k := store.Key{1}
	_, err := s.Save(t.Context(), k, store.Record{Owner: "ann", Expires: in(-time.Second)})
	require.NoError(t, err)
	_, err = behind.Load(t.Context(), k)
	require.NoError(t, err)
	n, err := s.DeleteOwned(t.Context(), "ann")
	require.NoError(t, err)
	require.Zero(t, n)
	_, err = behind.Load(t.Context(), k)
	require.ErrorIs(t, err, store.ErrNotFound)
}

// TestOwnedMany walks through more than a page, all of one score and of many.
func TestOwnedMany(t *testing.T) {
	s, _ := fresh(t, single(t))
	const n = 1300
	same := in(time.Hour)
	var wg sync.WaitGroup
	for _, owner := range []string{"same", "many"} {
		for i := range n {
			wg.Go(func() {
				r := store.Record{Owner: owner, Expires: same}
				if owner == "many" {
					r.Expires = same.Add(time.Duration(i/3) * time.Millisecond)
				}
				_, err := s.Save(t.Context(), store.Key{owner[0], byte(i), byte(i >> 8)}, r)
				assert.NoError(t, err)
			})
		}
	}
	wg.Wait()
	for _, owner := range []string{"same", "many"} {
		seen := make(map[store.Key]int)
		for e, err := range s.Owned(t.Context(), owner) {
			require.NoError(t, err)
			seen[e.Key]++
			require.Equal(t, 1, seen[e.Key])
		}
		require.Len(t, seen, n)
		removed, err := s.DeleteOwned(t.Context(), owner)
		require.NoError(t, err)
		require.Equal(t, n, removed)
	}
}

// TestClocksDiffer sees that a session lives as long as its time says by the
// clock of the program that asks, and that the server's clock has no say.
func TestClocksDiffer(t *testing.T) {
	for _, skew := range []time.Duration{-50 * time.Second, 50 * time.Second, 24 * time.Hour, -24 * time.Hour} {
		client := single(t)
		clock := func() time.Time { return time.Now().Add(skew) }
		s, own := fresh(t, client, redisstore.WithClock(clock))
		k, r := store.Key{1}, store.Record{Owner: "ann", Expires: clock().Add(10 * time.Second)}
		_, err := s.Save(t.Context(), k, r)
		require.NoError(t, err)
		_, err = s.Load(t.Context(), k)
		require.NoError(t, err)
		ttl, err := client.PTTL(t.Context(), own+"s:"+k.String()).Result()
		require.NoError(t, err)
		require.InDelta(t, 70*time.Second, ttl, float64(5*time.Second))

		later := redisstore.New(goredis.New(client), redisstore.WithPrefix(own),
			redisstore.WithClock(func() time.Time { return clock().Add(11 * time.Second) }))
		_, err = later.Load(t.Context(), k)
		require.ErrorIs(t, err, store.ErrExpired)
		require.NoError(t, later.Touch(t.Context(), k, r.Expires.Add(time.Hour)))
		_, err = later.Load(t.Context(), k)
		require.ErrorIs(t, err, store.ErrExpired)
	}
}
