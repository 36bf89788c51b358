package natstest

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
)

// calls are the methods of a store that talk to the server, by name.
var calls = map[string]func(context.Context, *natsstore.Store) error{
	"Load": func(ctx context.Context, s *natsstore.Store) error {
		_, err := s.Load(ctx, key(1))
		return err
	},
	"Save": func(ctx context.Context, s *natsstore.Store) error {
		_, err := s.Save(ctx, key(2), record("data"))
		return err
	},
	"Save again": func(ctx context.Context, s *natsstore.Store) error {
		_, err := s.Save(ctx, key(2), store.Record{Version: 1, Owner: "ann"})
		return err
	},
	"Touch": func(ctx context.Context, s *natsstore.Store) error {
		return s.Touch(ctx, key(1), time.Now().Add(2*time.Hour))
	},
	"Delete": func(ctx context.Context, s *natsstore.Store) error { return s.Delete(ctx, key(1)) },
	"DeleteOwned": func(ctx context.Context, s *natsstore.Store) error {
		_, err := s.DeleteOwned(ctx, "ann")
		return err
	},
	"Owned": func(ctx context.Context, s *natsstore.Store) error { return last(s.Owned(ctx, "ann")) },
	"All":   func(ctx context.Context, s *natsstore.Store) error { return last(s.All(ctx)) },
	"Watch": func(ctx context.Context, s *natsstore.Store) error {
		_, err := s.Watch(ctx, func(store.Key) {})
		return err
	},
	"Ping": func(ctx context.Context, s *natsstore.Store) error { return s.Ping(ctx) },
}

// everything calls each method.
func everything(ctx context.Context, s *natsstore.Store) map[string]error {
	errs := make(map[string]error)
	for method, call := range calls {
		errs[method] = call(ctx, s)
	}
	return errs
}

// last returns the error that a walk ends with.
func last(walk iter.Seq2[store.Entry, error]) (err error) {
	for _, err = range walk {
	}
	return err
}

// requireOutage sees that each method failed, and not in a way that could be
// taken for a missing session.
func requireOutage(t *testing.T, errs map[string]error) {
	t.Helper()
	for method, err := range errs {
		require.ErrorContains(t, err, "natsstore: ", method)
		require.NotErrorIs(t, err, store.ErrNotFound, method)
		require.NotErrorIs(t, err, store.ErrConflict, method)
	}
}

// TestRestart stops the server, finds that everything fails, starts it again
// with its files, and finds the sessions: the store need not be opened again.
func TestRestart(t *testing.T) {
	t.Parallel()
	opts := options(t.TempDir())
	opts.Port = freePort(t)
	srv := start(t, opts)
	js := connect(t, srv.ClientURL())
	s := open(t, js)
	r := record("data")
	r.Owner = "ann"
	v, err := s.Save(t.Context(), key(1), r)
	require.NoError(t, err)
	_, err = s.Save(t.Context(), key(3), record("gone"))
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), key(3)))

	stop(srv)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	errs := everything(ctx, s)
	requireOutage(t, errs)
	for method, err := range errs {
		require.ErrorIs(t, err, context.DeadlineExceeded, method)
	}

	start(t, opts)
	require.Eventually(t, func() bool { return s.Ping(t.Context()) == nil }, 20*time.Second, 10*time.Millisecond)
	_, err = s.Load(t.Context(), key(3))
	require.ErrorIs(t, err, store.ErrNotFound)
	// What everything sent while the server was away may have come through,
	// in part: key(1) is deleted or not, but never half of it.
	got, err := s.Load(t.Context(), key(1))
	if err == nil {
		require.Equal(t, "data", string(got.Data))
		require.Equal(t, v, got.Version)
	} else {
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	_, err = s.Save(t.Context(), key(4), record("new"))
	require.NoError(t, err)
}

// TestRestartUnderLoad counts in a session while the server is restarted. Each
// increment that was acknowledged is there, and each that was refused is not.
func TestRestartUnderLoad(t *testing.T) {
	t.Parallel()
	opts := options(t.TempDir())
	opts.Port = freePort(t)
	srv := start(t, opts)
	s := open(t, connect(t, srv.ClientURL()))
	_, err := s.Save(t.Context(), key(1), record("0"))
	require.NoError(t, err)

	const enough = 300
	acknowledged, unknown := 0, 0
	for i := 0; acknowledged < enough; i++ {
		if i == 50 || i == 150 {
			stop(srv)
			srv = start(t, opts)
		}
		require.Less(t, i, 100*enough)
		r, err := s.Load(t.Context(), key(1))
		if err != nil {
			require.NotErrorIs(t, err, store.ErrNotFound)
			continue
		}
		var n int
		fmt.Sscan(string(r.Data), &n)
		require.GreaterOrEqual(t, n, acknowledged)
		require.LessOrEqual(t, n, acknowledged+unknown)
		r.Data = fmt.Append(nil, n+1)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		_, err = s.Save(ctx, key(1), r)
		cancel()
		if err == nil {
			acknowledged++
			continue
		}
		unknown++
	}
	r, err := s.Load(t.Context(), key(1))
	require.NoError(t, err)
	var n int
	fmt.Sscan(string(r.Data), &n)
	require.GreaterOrEqual(t, n, acknowledged)
	require.LessOrEqual(t, n, acknowledged+unknown)
}

// TestClosedConnection sees that a connection that the program has closed is
// an outage.
func TestClosedConnection(t *testing.T) {
	js := connect(t, start(t, options(t.TempDir())).ClientURL())
	s := open(t, js)
	js.Conn().Close()
	errs := everything(t.Context(), s)
	requireOutage(t, errs)
	for method, err := range errs {
		require.ErrorIs(t, err, nats.ErrConnectionClosed, method)
	}
	_, err := natsstore.Open(t.Context(), js)
	require.ErrorIs(t, err, nats.ErrConnectionClosed)
}

// TestTooBig saves more than the server takes in one message.
func TestTooBig(t *testing.T) {
	opts := options(t.TempDir())
	opts.MaxPayload = 1 << 20
	s := open(t, connect(t, start(t, opts).ClientURL()))
	_, err := s.Save(t.Context(), key(1), record(strings.Repeat("x", 1<<20)))
	require.ErrorIs(t, err, nats.ErrMaxPayload)
	_, err = s.Load(t.Context(), key(1))
	require.ErrorIs(t, err, store.ErrNotFound)
}

// TestHostile puts messages under the store's subjects that it has not written.
func TestHostile(t *testing.T) {
	js := connect(t, start(t, options(t.TempDir())).ClientURL())
	name := bucket()
	s := open(t, js, natsstore.WithBucket(name))
	good := record("data")
	good.Owner = "ann"
	_, err := s.Save(t.Context(), key(0), good)
	require.NoError(t, err)

	prefix := "$KV." + name + "."
	put := func(subject string, data []byte) uint64 {
		ack, err := js.Publish(t.Context(), prefix+subject, data)
		require.NoError(t, err)
		return ack.Sequence
	}
	garbage := [][]byte{
		nil, {1}, []byte("garbage"), make([]byte, 18), append([]byte{1}, make([]byte, 50)...),
		append([]byte{2, 17: 200}, make([]byte, 199)...),
	}
	for i, data := range garbage {
		k := key(i + 1)
		put("o."+hex.EncodeToString([]byte("ann"))+"."+k.String(), data)
		v := put("s."+k.String(), data)
		_, err := s.Load(t.Context(), k)
		require.ErrorIs(t, err, store.ErrCorrupt)
		_, err = s.Save(t.Context(), k, good)
		require.ErrorIs(t, err, store.ErrConflict)
		r := good
		r.Version = v
		_, err = s.Save(t.Context(), k, r)
		require.ErrorIs(t, err, store.ErrCorrupt)
		require.ErrorIs(t, s.Touch(t.Context(), k, time.Now().Add(2*time.Hour)), store.ErrCorrupt)
	}
	put("s.what", append([]byte{2}, make([]byte, 50)...))
	put("s."+key(9).String()+".more", []byte("x"))
	put("o."+hex.EncodeToString([]byte("ann"))+".what", []byte("x"))
	put("else", []byte("x"))

	for _, walk := range []iter.Seq2[store.Entry, error]{s.All(t.Context()), s.Owned(t.Context(), "ann")} {
		var all []store.Entry
		var last error
		for e, err := range walk {
			require.NoError(t, last)
			if last = err; err == nil {
				all = append(all, e)
			}
		}
		require.ErrorIs(t, last, store.ErrCorrupt)
		require.ErrorContains(t, last, fmt.Sprintf("%d messages", len(garbage)))
		require.Len(t, all, 1)
		require.Equal(t, key(0), all[0].Key)
		require.Equal(t, "data", string(all[0].Data))
	}

	n, err := s.DeleteOwned(t.Context(), "ann")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	for i := range garbage {
		_, err := s.Load(t.Context(), key(i+1))
		require.ErrorIs(t, err, store.ErrCorrupt) // left alone
		require.NoError(t, s.Delete(t.Context(), key(i+1)))
		_, err = s.Load(t.Context(), key(i+1))
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = s.Save(t.Context(), key(i+1), good) // over an entry that is garbage
		require.NoError(t, err)
	}
	n, err = s.DeleteOwned(t.Context(), "ann")
	require.NoError(t, err)
	require.Equal(t, len(garbage), n)
}

// TestCancelled cancels calls while a server that does not answer has them.
func TestCancelled(t *testing.T) {
	srv := start(t, options(t.TempDir()))
	nc, err := nats.Connect(srv.ClientURL())
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	s := open(t, js)
	stop(srv)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err = s.Load(ctx, key(1))
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Save(ctx, key(1), record("data"))
	require.ErrorIs(t, err, context.Canceled)
	_, err = natsstore.Open(ctx, js)
	require.ErrorIs(t, err, context.Canceled)
}
