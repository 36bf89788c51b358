package natstest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// TestLogIn logs in while other clients keep saving the same session, as far
// from the server as the log-in or nearer. The owner changes, so the index
// needs an entry before the compare-and-swap. No log-in may take more attempts
// than the manager makes.
func TestLogIn(t *testing.T) {
	t.Parallel()
	srv := start(t, options(t.TempDir()))
	other := startProcess(t)
	for _, where := range []string{"same store", "another process", "nearer"} {
		for _, n := range []int{1, 2, 4} {
			t.Run(fmt.Sprintf("savers=%d/%s", n, where), func(t *testing.T) {
				x := savers{URL: srv.ClientURL(), Bucket: bucket(), Delay: time.Millisecond, Number: n}
				s, done, err := x.open()
				require.NoError(t, err)
				defer done()
				if where == "nearer" {
					x.Delay = 0
				}
				const logIns = 30
				most := 0
				for i := range logIns {
					x.Key = key(i)
					_, err := s.Save(t.Context(), x.Key, record("visitor"))
					require.NoError(t, err)
					stop := func() error { return nil }
					if where == "same store" {
						stop = x.start(s)
					} else {
						other.save(t, x)
					}
					most = max(most, logIn(t, s, x.Key))
					require.NoError(t, stop())
				}
				t.Logf("at most %d attempts", most)
				removed, err := s.DeleteOwned(t.Context(), "ann")
				require.NoError(t, err)
				require.Equal(t, logIns, removed)
			})
		}
	}
}

// logIn gives a session an owner, and returns how many attempts it took.
func logIn(t *testing.T, s store.Store, k store.Key) int {
	for attempt := range 100 {
		r, err := s.Load(t.Context(), k)
		require.NoError(t, err)
		r.Owner, r.Durable = "ann", true
		_, err = s.Save(t.Context(), k, r)
		if err == nil {
			return attempt + 1
		}
		require.ErrorIs(t, err, store.ErrConflict)
	}
	t.Fatal("others were always faster")
	return 0
}
