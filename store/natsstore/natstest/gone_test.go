package natstest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
)

// TestBucketRemoved removes the bucket while stores have it open. The call that
// finds out is an outage; then the bucket is there again as it was, with
// nothing in it. No version of before comes back.
func TestBucketRemoved(t *testing.T) {
	for method := range calls {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			js := connect(t, start(t, options(t.TempDir())).ClientURL())
			c := good("removed")
			c.MaxBytes = 1 << 20
			c.Description = "the operator's"
			_, err := js.CreateStream(t.Context(), c)
			require.NoError(t, err)
			s := open(t, js, natsstore.WithBucket("removed"))
			r := record("data")
			r.Owner = "ann"
			old, err := s.Save(t.Context(), key(1), r)
			require.NoError(t, err)

			require.NoError(t, js.DeleteStream(t.Context(), "KV_removed"))
			// For a moment the server may be unable to make a stream of that name:
			// it is still removing the other's files.
			const remade = "the bucket removed did not answer"
			for range 1000 {
				err = calls[method](t.Context(), s)
				requireOutage(t, map[string]error{method: err})
				if strings.Contains(err.Error(), remade) {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			require.ErrorContains(t, err, remade)

			_, err = s.Load(t.Context(), key(1))
			require.ErrorIs(t, err, store.ErrNotFound)
			again, err := s.Save(t.Context(), key(1), r)
			require.NoError(t, err)
			require.Greater(t, again, old)
			n, err := s.DeleteOwned(t.Context(), "ann") // what was known of the old index does not count
			require.NoError(t, err)
			require.Equal(t, 1, n)
			have := stream(t, js, "removed").CachedInfo().Config
			require.EqualValues(t, 1<<20, have.MaxBytes)
			require.Equal(t, "the operator's", have.Description)
		})
	}
}

// TestMemoryLost restarts a server that had the bucket in memory.
func TestMemoryLost(t *testing.T) {
	t.Parallel()
	opts := options(t.TempDir())
	opts.Port = freePort(t)
	srv := start(t, opts)
	s := open(t, connect(t, srv.ClientURL()), natsstore.WithMemoryStorage())
	_, err := s.Save(t.Context(), key(1), record("data"))
	require.NoError(t, err)
	stop(srv)
	start(t, opts)
	require.Eventually(t, func() bool { return s.Ping(t.Context()) == nil }, 20*time.Second, 10*time.Millisecond)
	_, err = s.Load(t.Context(), key(1))
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = s.Save(t.Context(), key(1), record("data"))
	require.NoError(t, err)
}

// TestBucketForbidden has a client that may not make the bucket. It goes on
// when another has made it; one with another configuration is refused.
func TestBucketForbidden(t *testing.T) {
	t.Parallel()
	opts := options(t.TempDir())
	opts.Users = []*server.User{
		{Username: "admin", Password: "x"},
		{Username: "app", Password: "x", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.CREATE.>"}},
			Subscribe: &server.SubjectPermission{Deny: []string{"sesame.>"}}, // its stores cannot be asked to hold saves back
		}},
	}
	srv := start(t, opts)
	as := func(user string) jetstream.JetStream {
		return connect(t, fmt.Sprintf("nats://%s:x@%s", user, srv.Addr()), jetstream.WithDefaultTimeout(300*time.Millisecond))
	}
	admin := as("admin")
	_, err := natsstore.Open(t.Context(), as("app"), natsstore.WithMemoryStorage())
	require.Error(t, err)
	open(t, admin, natsstore.WithBucket("sesame"), natsstore.WithMemoryStorage())
	s := open(t, as("app"), natsstore.WithBucket("sesame"), natsstore.WithMemoryStorage())

	require.NoError(t, admin.DeleteStream(t.Context(), "KV_sesame"))
	for range 2 {
		err := s.Ping(t.Context())
		require.ErrorContains(t, err, "the bucket sesame does not answer")
		require.ErrorContains(t, err, "opening it again")
	}
	open(t, admin, natsstore.WithBucket("sesame"), natsstore.WithMemoryStorage())
	require.NoError(t, s.Ping(t.Context()))
}
