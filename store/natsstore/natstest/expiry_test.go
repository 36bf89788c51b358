package natstest

import (
	"context"
	"encoding/hex"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
)

// TestServerDrops sees that the server drops what expired an hour ago, by the
// last TTL that a session was given: one that was created, one whose expiry a
// save brought nearer, and one that ended long ago. Those that were saved or
// touched to live longer stay. The Update of NATS's own key-value interface
// fails here.
func TestServerDrops(t *testing.T) {
	t.Parallel()
	js := connect(t, start(t, options(t.TempDir())).ClientURL())
	name := bucket()
	var ahead atomic.Int64
	s := open(t, js, natsstore.WithBucket(name), natsstore.WithClock(func() time.Time {
		return time.Now().Add(time.Duration(ahead.Load()))
	}))
	save := func(k store.Key, version uint64, expires time.Time) uint64 {
		v, err := s.Save(t.Context(), k, store.Record{Version: version, Expires: expires})
		require.NoError(t, err)
		return v
	}
	soon := time.Now().Add(3 * time.Second)
	save(key(1), 0, soon.Add(-time.Hour))
	save(key(2), save(key(2), 0, soon.Add(time.Hour)), soon.Add(-time.Hour))
	save(key(3), 0, time.Time{})
	ahead.Store(int64(time.Hour)) // a program that thinks the next two long expired
	v := save(key(4), 0, soon)
	save(key(5), 0, soon)
	ahead.Store(0)
	save(key(4), v, soon.Add(time.Hour))
	require.NoError(t, s.Touch(t.Context(), key(5), soon.Add(time.Hour)))

	messages := func() uint64 {
		info, err := stream(t, js, name).Info(t.Context())
		require.NoError(t, err)
		return info.State.Msgs
	}
	require.EqualValues(t, 5, messages())
	require.Eventually(t, func() bool { return messages() == 2 }, 40*time.Second, 100*time.Millisecond)
	time.Sleep(time.Until(soon.Add(2 * time.Second))) // by their first TTL they are gone then
	for i := 1; i <= 5; i++ {
		_, err := s.Load(t.Context(), key(i))
		if i < 4 {
			require.ErrorIs(t, err, store.ErrNotFound)
			require.NotErrorIs(t, err, store.ErrExpired)
		} else {
			require.NoError(t, err)
		}
	}
}

// TestTTL sees what TTLs messages have.
func TestTTL(t *testing.T) {
	t.Parallel()
	js := connect(t, start(t, options(t.TempDir())).ClientURL())
	name := bucket()
	now := time.Now().Truncate(time.Millisecond)
	s := open(t, js, natsstore.WithBucket(name), natsstore.WithClock(func() time.Time { return now }))
	st := stream(t, js, name)
	ttl := func(subject string) time.Duration {
		m, err := st.GetLastMsgForSubject(t.Context(), "$KV."+name+"."+subject)
		require.NoError(t, err)
		d, err := time.ParseDuration(m.Header.Get(jetstream.MsgTTLHeader))
		require.NoError(t, err)
		return d
	}
	const grace = time.Hour
	r := store.Record{Expires: now.Add(1500 * time.Millisecond), Owner: "ann"}
	subject := "s." + key(1).String()
	entry := "o." + hex.EncodeToString([]byte("ann")) + "." + key(1).String()
	var err error
	for _, test := range []struct {
		now, life, want, entry time.Duration
	}{
		{0, 1500 * time.Millisecond, 2*time.Second + grace, 6*time.Hour + 2*time.Second + grace},
		{0, time.Hour, time.Hour + grace, 6*time.Hour + 2*time.Second + grace},
		{0, 5 * time.Hour, 5*time.Hour + grace, 6*time.Hour + 2*time.Second + grace},
		{0, 6 * time.Hour, 6*time.Hour + grace, 12*time.Hour + grace},
		{0, 2 * time.Hour, 2*time.Hour + grace, 12*time.Hour + grace},
		{time.Hour, 2 * time.Hour, 2*time.Hour + grace, 12*time.Hour + grace},
		{0, 200 * 365 * 24 * time.Hour, 876000*time.Hour + grace, 876000*time.Hour + grace},
		{0, 0, grace, 876000*time.Hour + grace},
	} {
		now = now.Add(test.now)
		r.Expires = now.Add(test.life)
		r.Version, err = s.Save(t.Context(), key(1), r)
		require.NoError(t, err)
		require.Equal(t, test.want, ttl(subject))
		require.Equal(t, test.entry, ttl(entry))
	}
	require.NoError(t, s.Delete(t.Context(), key(1)))
	require.Equal(t, grace, ttl(subject), "as the session")
	require.NoError(t, s.Delete(t.Context(), key(1)))
	require.Equal(t, grace, ttl(subject))
	require.NoError(t, s.Delete(t.Context(), key(2)))
	require.Equal(t, time.Minute, ttl("s."+key(2).String()))
	_, err = s.Save(t.Context(), key(3), store.Record{Expires: now.Add(3 * time.Hour), Owner: "bob"})
	require.NoError(t, err)
	_, err = s.DeleteOwned(t.Context(), "bob")
	require.NoError(t, err)
	require.Equal(t, 3*time.Hour+grace, ttl("s."+key(3).String()))
}

// TestClocks has two programs whose clocks differ by five seconds: each goes
// by its own, and none brings back what the other may still see.
func TestClocks(t *testing.T) {
	t.Parallel()
	srv := start(t, options(t.TempDir()))
	name := natsstore.WithBucket(bucket())
	var ahead atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	fast := open(t, connect(t, srv.ClientURL()), name, natsstore.WithClock(clock))
	slow := open(t, connect(t, srv.ClientURL()), name)
	ahead.Store(int64(5 * time.Second))

	r := store.Record{Expires: time.Now().Add(3 * time.Second), Owner: "ann", Data: []byte("data")}
	v, err := slow.Save(t.Context(), key(1), r)
	require.NoError(t, err)
	_, err = fast.Load(t.Context(), key(1))
	require.ErrorIs(t, err, store.ErrExpired)
	got, err := slow.Load(t.Context(), key(1))
	require.NoError(t, err)
	require.Equal(t, "data", string(got.Data))

	r.Version, r.Expires = v, time.Now().Add(time.Hour)
	_, err = fast.Save(t.Context(), key(1), r)
	require.ErrorIs(t, err, store.ErrConflict)
	require.NoError(t, fast.Touch(t.Context(), key(1), r.Expires))
	_, err = fast.Load(t.Context(), key(1))
	require.ErrorIs(t, err, store.ErrExpired)
	n, err := fast.DeleteOwned(t.Context(), "ann")
	require.NoError(t, err)
	require.Zero(t, n)
	_, err = slow.Load(t.Context(), key(1)) // removed all the same
	require.ErrorIs(t, err, store.ErrNotFound)

	r.Version = 0
	v, err = fast.Save(t.Context(), key(1), r)
	require.NoError(t, err)
	r.Version = v
	_, err = slow.Save(t.Context(), key(1), r)
	require.NoError(t, err)
}

// TestForgotten saves more sessions than a store remembers, so that it has to
// ask the server whether what it replaces has expired.
func TestForgotten(t *testing.T) {
	t.Parallel()
	js := connect(t, start(t, options(t.TempDir())).ClientURL())
	now := time.Now()
	s := open(t, js, natsstore.WithClock(func() time.Time { return now }))
	save := func(i int, version uint64) (uint64, error) {
		return s.Save(context.Background(), key(i), store.Record{Version: version, Expires: now.Add(time.Minute)})
	}
	const n = 5_000
	var versions [n]uint64
	each(n, func(i int) {
		var err error
		versions[i], err = save(i, 0)
		assert.NoError(t, err)
	})
	for _, i := range []int{0, n / 2, n - 1} {
		v, err := save(i, versions[i])
		require.NoError(t, err)
		versions[i] = v
	}
	now = now.Add(time.Hour)
	each(n, func(i int) {
		_, err := save(i, versions[i])
		assert.ErrorIs(t, err, store.ErrConflict)
	})
}

// TestOutOfRange keeps sessions whose expiry is far out of what the bucket can
// hold. In the distant future they live, in the distant past they do not.
func TestOutOfRange(t *testing.T) {
	t.Parallel()
	s := open(t, connect(t, start(t, options(t.TempDir())).ClientURL()))
	distant := time.Date(559444, 1, 1, 0, 0, 0, 0, time.UTC)
	past := time.Date(-555500, 1, 1, 0, 0, 0, 0, time.UTC)
	lives := func(k store.Key) store.Record {
		r, err := s.Load(t.Context(), k)
		require.NoError(t, err)
		require.Equal(t, 9999, r.Expires.UTC().Year())
		return r
	}
	_, err := s.Save(t.Context(), key(1), store.Record{Expires: distant, Owner: "ann"})
	require.NoError(t, err)
	r := lives(key(1))
	require.NoError(t, s.Touch(t.Context(), key(1), past))
	require.NoError(t, s.Touch(t.Context(), key(1), distant))
	r.Expires = distant
	_, err = s.Save(t.Context(), key(1), r)
	require.NoError(t, err)
	r = lives(key(1))

	r.Expires = past
	v, err := s.Save(t.Context(), key(1), r)
	require.NoError(t, err)
	require.NoError(t, s.Touch(t.Context(), key(1), distant))
	_, err = s.Load(t.Context(), key(1))
	require.ErrorIs(t, err, store.ErrNotFound)
	r.Version, r.Expires = v, distant
	_, err = s.Save(t.Context(), key(1), r)
	require.ErrorIs(t, err, store.ErrConflict)

	_, err = s.Save(t.Context(), key(2), record("data"))
	require.NoError(t, err)
	require.NoError(t, s.Touch(t.Context(), key(2), distant))
	lives(key(2))
}
