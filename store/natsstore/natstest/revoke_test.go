package natstest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
)

// TestDeleteOwnedRenewed revokes an owner's sessions while they are renewed in
// the three steps that the manager takes on a store that is no Rotator. None
// may be left, wherever they were on their way.
func TestDeleteOwnedRenewed(t *testing.T) {
	srv := start(t, options(t.TempDir()))
	name := natsstore.WithBucket(bucket())
	renewing := open(t, connect(t, srv.ClientURL()), name)
	revoking := open(t, connect(t, srv.ClientURL()), name)
	var keys atomic.Int64
	next := func() store.Key { return key(int(keys.Add(1))) }
	renewals := 0
	const rounds = 40
	for round := range rounds {
		const n = 3
		var last [n]store.Key
		var versions [n]uint64
		owner := fmt.Sprint("ann", round)
		r := store.Record{Expires: time.Now().Add(time.Hour), Owner: owner}
		for i := range last {
			var err error
			last[i] = next()
			versions[i], err = renewing.Save(t.Context(), last[i], r)
			require.NoError(t, err)
		}
		var wg sync.WaitGroup
		var moved atomic.Int32
		for i := range last {
			wg.Go(func() {
				for range 6 { // a few, while DeleteOwned is at work
					moved.Add(1)
					to := next()
					v, ok := move(t.Context(), t, renewing, last[i], versions[i], to, r)
					if !ok {
						return
					}
					last[i], versions[i] = to, v
				}
			})
		}
		assert.Eventually(t, func() bool { return moved.Load() >= n }, 20*time.Second, 100*time.Microsecond)
		_, err := revoking.DeleteOwned(t.Context(), owner)
		require.NoError(t, err)
		wg.Wait()
		for _, k := range last {
			_, err := revoking.Load(t.Context(), k)
			require.ErrorIs(t, err, store.ErrNotFound, "a session was renewed past DeleteOwned")
		}
		renewals += int(moved.Load())
	}
	require.Greater(t, renewals, 3*rounds, "too few renewals for a race")
}

// move renews a session as the manager does. It reports whether the session
// was there to the end.
func move(ctx context.Context, t *testing.T, s store.Store, from store.Key, version uint64, to store.Key, r store.Record) (uint64, bool) {
	v, err := s.Save(ctx, to, r)
	if !assert.NoError(t, err) {
		return 0, false
	}
	mark := store.Record{Version: version, Expires: r.Expires, Data: []byte("moved")}
	if _, err := s.Save(ctx, from, mark); err != nil {
		assert.ErrorIs(t, err, store.ErrConflict)
		assert.NoError(t, s.Delete(ctx, to))
		return 0, false
	}
	assert.NoError(t, s.Delete(ctx, from))
	return v, true
}

// TestIndexOutlives sees that an entry of the index is never made to end
// earlier by somebody who enters the same session for a shorter time.
func TestIndexOutlives(t *testing.T) {
	js := connect(t, start(t, options(t.TempDir())).ClientURL())
	now := time.Now()
	name := bucket()
	clock := natsstore.WithClock(func() time.Time { return now })
	a := open(t, js, natsstore.WithBucket(name), clock)
	long := store.Record{Expires: now.Add(30 * 24 * time.Hour), Owner: "ann"}
	_, err := a.Save(t.Context(), key(1), long)
	require.NoError(t, err)
	b := open(t, js, natsstore.WithBucket(name), clock)
	short := store.Record{Expires: now.Add(time.Hour), Owner: "ann"}
	_, err = b.Save(t.Context(), key(1), short)
	require.ErrorIs(t, err, store.ErrConflict)
	r, err := b.Load(t.Context(), key(1))
	require.NoError(t, err)
	require.NoError(t, b.Touch(t.Context(), key(1), r.Expires.Add(time.Hour)))
	m, err := stream(t, js, name).GetLastMsgForSubject(t.Context(), "$KV."+name+".o.616e6e."+key(1).String())
	require.NoError(t, err)
	ttl, err := time.ParseDuration(m.Header.Get("Nats-TTL"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, ttl, 30*24*time.Hour+5*time.Hour)
}
