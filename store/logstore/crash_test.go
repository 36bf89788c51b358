package logstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/killtest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/logstore"
)

const crashFile = "LOGSTORE_CRASH_FILE" // set in a process that is to be killed

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		if err := writeUntilKilled(path); err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// crashOpts let the file be compacted almost all of the time.
var crashOpts = []logstore.Option{
	logstore.WithCompactFrom(0),
	logstore.WithLockTimeout(10 * time.Second),
	logstore.WithLogger(slog.New(slog.DiscardHandler)),
}

func writeUntilKilled(path string) error {
	s, err := logstore.Open(path, crashOpts...)
	if err != nil {
		return err
	}
	return killtest.Work(context.Background(), s, os.Getpid(), os.Stdout)
}

// TestKilled kills a writing process over and over, at any moment, and sees each
// time that everything is there that it was answered.
func TestKilled(t *testing.T) {
	t.Parallel()
	kills := killtest.Kills(30)
	path := filepath.Join(t.TempDir(), "sessions.db")
	var l killtest.Ledger
	compacting, torn := 0, 0
	for l.More(kills) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashFile+"="+path)
		require.NoError(t, l.KillProcess(cmd, 60*time.Millisecond))
		if _, err := os.Stat(path + ".tmp"); err == nil {
			compacting++
		}
		s, err := logstore.Open(path, crashOpts...)
		require.NoError(t, err)
		for _, d := range s.Recovery().Damage {
			require.True(t, d.Tail, "damage in the middle of the file: %v", d)
			torn++
		}
		require.NoError(t, l.Check(t.Context(), s))
		require.NoError(t, s.Close())
	}
	t.Log(l.Report("logstore"))
	t.Logf("%d kills during a compaction; %d torn ends", compacting, torn)
	assert.GreaterOrEqual(t, l.Answered(), kills)
}

// TestHandOver restarts a service without downtime: the new process waits until
// the old one has closed the file.
func TestHandOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	old, err := logstore.Open(path)
	require.NoError(t, err)
	_, err = logstore.Open(path)
	require.ErrorIs(t, err, logstore.ErrLocked)
	require.EqualError(t, err, "logstore: "+path+": another process has the file open (it holds "+path+".lock); end that process, or give each its own file")

	var wg sync.WaitGroup
	wg.Go(func() {
		s, err := logstore.Open(path, logstore.WithLockTimeout(time.Minute))
		if assert.NoError(t, err) {
			_, err = s.Load(t.Context(), key(1))
			assert.NoError(t, err)
			assert.NoError(t, s.Close())
		}
	})
	time.Sleep(20 * time.Millisecond)
	_, err = old.Save(t.Context(), key(1), store.Record{Expires: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	require.NoError(t, old.Close())
	wg.Wait()
}
