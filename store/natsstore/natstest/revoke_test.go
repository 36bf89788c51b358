package natstest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
)

// TestDeleteOwnedRenewed revokes a session that clients renew in endless loops,
// also if they are nearer to the server.
func TestDeleteOwnedRenewed(t *testing.T) {
	t.Parallel()
	srv := start(t, options(t.TempDir()))
	other := startProcess(t)
	for _, blind := range []bool{false, true} {
		for _, n := range []int{1, 4} {
			for _, delay := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond} {
				t.Run(fmt.Sprintf("blind=%t/savers=%d/delay=%v", blind, n, delay), func(t *testing.T) {
					x := savers{URL: srv.ClientURL(), Bucket: bucket(), Delay: delay, Number: n, Renew: true, Blind: blind}
					s, done, err := x.open()
					require.NoError(t, err)
					defer done()
					x.Delay = 0
					var most time.Duration
					for i := range 20 {
						x.Key = key(i)
						r := record("data")
						r.Owner = "ann"
						_, err := s.Save(t.Context(), x.Key, r)
						require.NoError(t, err)
						other.save(t, x)
						began := time.Now()
						removed, err := s.DeleteOwned(t.Context(), "ann")
						require.NoError(t, err)
						require.Equal(t, 1, removed)
						most = max(most, time.Since(began))
						_, err = s.Load(t.Context(), x.Key)
						require.ErrorIs(t, err, store.ErrNotFound)
					}
					t.Logf("at most %v", most)
					require.Less(t, most, 5*time.Second)
				})
			}
		}
	}
}

// TestIndexOutlives sees that an entry of the index never gets a shorter life
// when the same session is entered for a shorter time.
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
