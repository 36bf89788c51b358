package natstest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
)

// good returns the configuration that Open gives to a bucket.
func good(name string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: "KV_" + name, Subjects: []string{"$KV." + name + ".>"},
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DenyDelete: true, AllowRollup: true, AllowMsgTTL: true,
	}
}

// TestWrongBucket opens buckets that would break promises.
func TestWrongBucket(t *testing.T) {
	js := connect(t, start(t, options(t.TempDir())).ClientURL())
	for _, test := range []struct {
		name  string
		spoil func(*jetstream.StreamConfig)
		opts  []natsstore.Option
		want  string
	}{
		{"good", func(*jetstream.StreamConfig) {}, nil, ""},
		{"markers", func(c *jetstream.StreamConfig) { c.SubjectDeleteMarkerTTL = time.Second }, nil, ""},
		{"agreed", func(*jetstream.StreamConfig) {}, []natsstore.Option{natsstore.WithReplicas(1)}, ""},
		{"ttl", func(c *jetstream.StreamConfig) { c.AllowMsgTTL = false }, nil, "--allow-msg-ttl"},
		{"direct", func(c *jetstream.StreamConfig) { c.AllowDirect = true }, nil, "--no-allow-direct"},
		{"history", func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 }, nil, "--max-msgs-per-subject=1"},
		{"age", func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, nil, "--max-age=0"},
		{"discard", func(c *jetstream.StreamConfig) { c.Discard, c.MaxBytes = jetstream.DiscardOld, 1<<20 }, nil, "--discard=new"},
		{"memory", func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, nil, "WithMemoryStorage"},
		{"file", func(*jetstream.StreamConfig) {}, []natsstore.Option{natsstore.WithMemoryStorage()}, "leave WithMemoryStorage out"},
		{"replicas", func(*jetstream.StreamConfig) {}, []natsstore.Option{natsstore.WithReplicas(3)}, "--replicas=3"},
		{"subjects", func(c *jetstream.StreamConfig) { c.Subjects = []string{"other.>"} }, nil, "$KV.subjects.>"},
		{"retention", func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy }, nil, "retention"},
		{"sources", func(c *jetstream.StreamConfig) { c.Sources = []*jetstream.StreamSource{{Name: "KV_good"}} }, nil, "copies"},
		{"noack", func(c *jetstream.StreamConfig) { c.NoAck = true }, nil, "acknowledge"},
		{"async", func(c *jetstream.StreamConfig) { c.PersistMode = jetstream.AsyncPersistMode }, nil, "before they are written"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := good(test.name)
			test.spoil(&c)
			_, err := js.CreateStream(t.Context(), c)
			require.NoError(t, err)
			s, err := natsstore.Open(t.Context(), js, append(test.opts, natsstore.WithBucket(test.name))...)
			if test.want == "" {
				require.NoError(t, err)
				require.NoError(t, s.Ping(t.Context()))
				return
			}
			require.ErrorContains(t, err, "natsstore: open: the bucket "+test.name+" will not do: ")
			require.ErrorContains(t, err, test.want)
			require.Nil(t, s)
		})
	}
}

// TestOwnKeyValue sees that a bucket made by the key-value interface is
// refused, because of its direct gets, and that one made by Open serves it.
func TestOwnKeyValue(t *testing.T) {
	js := connect(t, start(t, options(t.TempDir())).ClientURL())
	_, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "theirs", LimitMarkerTTL: time.Second})
	require.NoError(t, err)
	_, err = natsstore.Open(t.Context(), js, natsstore.WithBucket("theirs"))
	require.ErrorContains(t, err, "direct gets")

	s := open(t, js, natsstore.WithBucket("ours"))
	_, err = s.Save(t.Context(), key(1), record("data"))
	require.NoError(t, err)
	kv, err := js.KeyValue(t.Context(), "ours")
	require.NoError(t, err)
	keys, err := kv.Keys(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"s." + key(1).String()}, keys)
	for i, remove := range []func() error{
		func() error { return kv.Delete(t.Context(), keys[0]) },
		func() error { return kv.Purge(t.Context(), keys[0]) },
	} {
		require.NoError(t, remove())
		_, err = s.Load(t.Context(), key(1))
		require.ErrorIs(t, err, store.ErrNotFound, i)
		_, err = s.Save(t.Context(), key(1), record("data"))
		require.NoError(t, err)
	}
}

// TestOpenTogether opens a bucket that does not exist several times at once.
func TestOpenTogether(t *testing.T) {
	srv := start(t, options(t.TempDir()))
	name := natsstore.WithBucket(bucket())
	var wg sync.WaitGroup
	var errs [8]error
	for i := range errs {
		js := connect(t, srv.ClientURL())
		wg.Go(func() { _, errs[i] = natsstore.Open(t.Context(), js, name) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

// TestFull sees what a bucket does that the operator has limited.
func TestFull(t *testing.T) {
	js := connect(t, start(t, options(t.TempDir())).ClientURL())
	c := good("full")
	c.MaxBytes = 20_000
	_, err := js.CreateStream(t.Context(), c)
	require.NoError(t, err)
	s := open(t, js, natsstore.WithBucket("full"))
	r := record(strings.Repeat("x", 1000))
	versions := make(map[int]uint64)
	for i := 0; ; i++ {
		require.Less(t, i, 20)
		v, err := s.Save(t.Context(), key(i), r)
		if err != nil {
			require.ErrorIs(t, err, store.ErrFull)
			break
		}
		versions[i] = v
	}
	require.Greater(t, len(versions), 10)
	r.Version = versions[1]
	_, err = s.Save(t.Context(), key(1), r) // no greater than before
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), key(1)))
	_, err = s.Load(t.Context(), key(1))
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestOptionsPanic(t *testing.T) {
	for _, name := range []string{"", "a.b", "a b", "*", ">", "ä", "a/b", strings.Repeat("x", 65), "a\n"} {
		require.Panics(t, func() { natsstore.WithBucket(name) }, name)
	}
	require.NotPanics(t, func() { natsstore.WithBucket("Sessions_2-" + strings.Repeat("x", 53)) })
	require.Panics(t, func() { natsstore.WithReplicas(0) })
	require.Panics(t, func() { natsstore.WithReplicas(6) })
	require.Panics(t, func() { natsstore.WithClock(nil) })
	require.Panics(t, func() { _, _ = natsstore.Open(t.Context(), nil) })
	js := connect(t, start(t, options(t.TempDir())).ClientURL())
	require.Panics(t, func() { _, _ = natsstore.Open(t.Context(), js, nil) })
}
