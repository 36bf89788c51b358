package natstest

import (
	"context"
	"encoding/hex"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
)

// TestServerDrops sees that the server drops what has expired, ten seconds
// later: a session that was created, one that was saved, one that was touched,
// each with the last TTL that it was given, and the mark of an expired one.
// The Update of NATS's own key-value interface fails here.
func TestServerDrops(t *testing.T) {
	t.Parallel()
	js := connect(t, start(t, options(t.TempDir())).ClientURL())
	name := bucket()
	s := open(t, js, natsstore.WithBucket(name))
	in := func(d time.Duration) store.Record { return store.Record{Expires: time.Now().Add(d)} }
	save := func(k store.Key, r store.Record) uint64 {
		v, err := s.Save(t.Context(), k, r)
		require.NoError(t, err)
		return v
	}
	save(key(1), in(time.Second))
	r := in(time.Second)
	r.Version = save(key(2), in(time.Hour))
	save(key(2), r)
	save(key(3), in(100*time.Millisecond))
	require.NoError(t, s.Touch(t.Context(), key(3), time.Now().Add(time.Second)))
	save(key(4), in(-time.Hour))
	r = in(time.Hour)
	first := in(10 * time.Second)
	r.Version = save(key(5), first)
	save(key(5), r)

	st := stream(t, js, name)
	messages := func() uint64 {
		info, err := st.Info(t.Context())
		require.NoError(t, err)
		return info.State.Msgs
	}
	require.EqualValues(t, 5, messages())
	require.Eventually(t, func() bool { return messages() == 1 }, 40*time.Second, 100*time.Millisecond)
	time.Sleep(time.Until(first.Expires.Add(12 * time.Second))) // by its first TTL it is gone then
	_, err := s.Load(t.Context(), key(5))
	require.NoError(t, err)
	for i := 1; i < 5; i++ {
		_, err := s.Load(t.Context(), key(i))
		require.ErrorIs(t, err, store.ErrNotFound)
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
	const grace = 10 * time.Second
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
	require.Equal(t, 10*time.Second, ttl(subject))
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

	r.Version = 0
	v, err = fast.Save(t.Context(), key(1), r)
	require.NoError(t, err)
	r.Version = v
	_, err = slow.Save(t.Context(), key(1), r)
	require.NoError(t, err)
}

// TestForgottenFacts saves more sessions than a store remembers, so that it
// has to ask the server whether what it replaces has expired.
func TestForgottenFacts(t *testing.T) {
	t.Parallel()
	js := connect(t, start(t, options(t.TempDir())).ClientURL())
	now := time.Now()
	s := open(t, js, natsstore.WithClock(func() time.Time { return now }))
	// These two share a place.
	a, b := store.Key{31: 1}, store.Key{31: 2}
	save := func(k store.Key, version uint64) (uint64, error) {
		r := store.Record{Version: version, Expires: now.Add(time.Minute), Owner: "ann"}
		return s.Save(context.Background(), k, r)
	}
	va, err := save(a, 0)
	require.NoError(t, err)
	vb, err := save(b, 0)
	require.NoError(t, err)
	for range 3 {
		va, err = save(a, va)
		require.NoError(t, err)
		vb, err = save(b, vb)
		require.NoError(t, err)
	}
	now = now.Add(time.Hour)
	_, err = save(a, va) // forgotten
	require.ErrorIs(t, err, store.ErrConflict)
	_, err = save(b, vb) // remembered
	require.ErrorIs(t, err, store.ErrConflict)
}
