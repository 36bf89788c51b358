package natstest

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
)

// watch returns a channel of the keys that s tells of.
func watch(t *testing.T, s *natsstore.Store) <-chan store.Key {
	keys := make(chan store.Key, 100_000)
	_, err := s.Watch(t.Context(), func(k store.Key) { keys <- k })
	require.NoError(t, err)
	return keys
}

// requireTold waits until a watch has told of all of want.
func requireTold(t *testing.T, keys <-chan store.Key, want ...store.Key) {
	t.Helper()
	missing := make(map[store.Key]bool)
	for _, k := range want {
		missing[k] = true
	}
	for timeout := time.After(time.Minute); len(missing) > 0; {
		select {
		case k := <-keys:
			delete(missing, k)
		case <-timeout:
			t.Fatalf("not told of %d of %d", len(missing), len(want))
		}
	}
}

// TestWatch sees what another program hears of: deletions, revocations and
// renewals, also one that another save follows at once. What it then loads is
// no older than what it was told of.
func TestWatch(t *testing.T) {
	srv := start(t, options(t.TempDir()))
	name := natsstore.WithBucket(bucket())
	s := open(t, connect(t, srv.ClientURL()), name)
	other := open(t, connect(t, srv.ClientURL()), name)
	r := record("data")
	r.Owner = "ann"
	var versions [5]uint64
	for i := range versions {
		var err error
		versions[i], err = s.Save(t.Context(), key(i), r)
		require.NoError(t, err)
	}
	keys := watch(t, other)
	require.NoError(t, s.Delete(t.Context(), key(1)))
	requireTold(t, keys, key(1))
	_, err := other.Load(t.Context(), key(1))
	require.ErrorIs(t, err, store.ErrNotFound)

	r.Data, r.Version, r.Durable = []byte("renewed"), versions[2], true
	r.Version, err = s.Save(t.Context(), key(2), r)
	require.NoError(t, err)
	r.Durable = false
	_, err = s.Save(t.Context(), key(2), r)
	require.NoError(t, err)
	requireTold(t, keys, key(2))
	got, err := other.Load(t.Context(), key(2))
	require.NoError(t, err)
	require.Equal(t, "renewed", string(got.Data))

	n, err := s.DeleteOwned(t.Context(), "ann", key(2))
	require.NoError(t, err)
	require.Equal(t, 3, n)
	requireTold(t, keys, key(0), key(3), key(4))
}

// TestWatchEverything ends sessions as fast as they go, each right after a
// save.
func TestWatchEverything(t *testing.T) {
	t.Parallel()
	srv := start(t, options(t.TempDir()))
	name := natsstore.WithBucket(bucket())
	s := open(t, connect(t, srv.ClientURL()), name)
	keys := watch(t, open(t, connect(t, srv.ClientURL()), name))
	var ended []store.Key
	for i := range 2000 {
		ended = append(ended, key(i))
	}
	each(len(ended), func(i int) {
		_, err := s.Save(t.Context(), ended[i], record("data"))
		assert.NoError(t, err)
		assert.NoError(t, s.Delete(t.Context(), ended[i]))
	})
	requireTold(t, keys, ended...)
}

// TestWatchEnds sees what ends a watch: its context, the loss of the
// connection, though it is restored, and the removal of the bucket. Nothing is
// left behind, also if deliveries were waiting for a slow function.
func TestWatchEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(t *testing.T, w *watched)
	}{
		{"context", func(t *testing.T, w *watched) { w.cancel() }},
		{"reconnect", func(t *testing.T, w *watched) { require.NoError(t, w.js.Conn().ForceReconnect()) }},
		{"close", func(t *testing.T, w *watched) { w.js.Conn().Close() }},
		{"bucket", func(t *testing.T, w *watched) { require.NoError(t, w.js.DeleteStream(t.Context(), "KV_"+w.bucket)) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			js := connect(t, start(t, options(t.TempDir())).ClientURL())
			w := &watched{js: js, bucket: bucket()}
			s := open(t, js, natsstore.WithBucket(w.bucket))
			var ctx context.Context
			ctx, w.cancel = context.WithCancel(t.Context())
			defer w.cancel()
			done, err := s.Watch(ctx, func(store.Key) { time.Sleep(10 * time.Millisecond) })
			require.NoError(t, err)
			each(1000, func(i int) {
				_, err := s.Save(t.Context(), key(i), record("data"))
				assert.NoError(t, err)
			})
			select {
			case <-done:
				t.Fatal("watching has ended")
			default:
			}
			test.end(t, w)
			began := time.Now()
			select {
			case <-done:
				t.Logf("after %v", time.Since(began))
			case <-time.After(time.Minute):
				t.Fatal("watching goes on")
			}
			require.Eventually(t, func() bool { return !watching() }, 20*time.Second, 10*time.Millisecond)
		})
	}
}

type watched struct {
	js     jetstream.JetStream
	bucket string
	cancel context.CancelFunc
}

// watching reports whether a goroutine has to do with a watch.
func watching() bool {
	buf := make([]byte, 1<<20)
	stacks := string(buf[:runtime.Stack(buf, true)])
	return strings.Contains(stacks, "natsstore.(*Store).Watch") || // ours
		strings.Contains(stacks, "WatchFiltered") || // a delivery that waits
		strings.Contains(stacks, "(*js).subscribe") // what waits for the context
}
