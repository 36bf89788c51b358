package dirstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/killtest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
)

// churn works on the directory until it is killed.
func churn(args []string) error {
	s, err := dirstore.Open(args[0])
	if err != nil {
		return err
	}
	round, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	return killtest.Work(ctx, s, round, os.Stdout)
}

// TestKill kills a process that saves, renews, logs out and revokes, over and
// over. What is there afterwards is what it said it had done. What it was doing
// is done or not done, for each session as a whole.
func TestKill(t *testing.T) {
	kills := killtest.Kills(30)
	s := open(t, t.TempDir())
	var l killtest.Ledger
	for round := 0; l.More(kills); round++ {
		require.NoError(t, l.KillProcess(process(t, "churn", s.Path(), strconv.Itoa(round)), 60*time.Millisecond))
		require.NoError(t, l.Check(t.Context(), s))
	}
	t.Log(l.Report("dirstore"))
	require.GreaterOrEqual(t, l.Answered(), kills)

	// What was half done is not left for good.
	for _, f := range temporary(t, s) {
		old := time.Now().Add(-2 * time.Hour)
		require.NoError(t, os.Chtimes(filepath.Join(s.Path(), "tmp", f.Name()), old, old))
	}
	_, err := s.Sweep(t.Context(), 1)
	require.NoError(t, err)
	require.Empty(t, temporary(t, s))
	for _, owner := range killtest.Owners() {
		_, err := s.DeleteOwned(t.Context(), owner)
		require.NoError(t, err)
	}
	require.Empty(t, files(t, filepath.Join(s.Path(), "own")))
}

func isConflict(err error) bool { return errors.Is(err, store.ErrConflict) }

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }
