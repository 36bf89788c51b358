//go:build unix

package logstore_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store/logstore"
)

// compacted opens a log, has it compacted, and closes it.
func compacted(t *testing.T, path string) {
	t.Helper()
	s := opened(t, path, logstore.WithCompactFrom(0))
	for range 200 {
		save(t, s, 1, time.Hour, "")
		require.NoError(t, s.Delete(t.Context(), key(1)))
	}
	require.NoError(t, s.Close())
}

func TestFileMode(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sessions.db")
	compacted(t, path)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode(), e.Name())
	}
	assert.Len(t, entries, 2, "the file and its lock")
}

// TestOpenFails requires that the error names the file and what helps, and that
// nothing is left behind.
func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("shopping list"), 0o600))
	for path, cure := range map[string]string{
		dir: " is a directory; name a file in it",
		filepath.Join(dir, "missing", "sessions.db"): ": the directory " + filepath.Join(dir, "missing") + " does not exist; make it: ",
		filepath.Join(file, "sessions.db"):           "; the program's user must be allowed to read and write the file and the directory " + file,
		file:                                         ": it is not a session log",
	} {
		_, err := logstore.Open(path)
		require.ErrorContains(t, err, "logstore: "+path)
		require.ErrorContains(t, err, cure)
	}
	require.NoFileExists(t, dir+".lock")
}

// TestLink sees that a compaction does not put a file in the place of a link.
func TestLink(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	path, target := filepath.Join(dir, "link"), filepath.Join(other, "sessions.db")
	require.NoError(t, opened(t, target).Close())
	require.NoError(t, os.Symlink(target, path))
	compacted(t, path)
	info, err := os.Lstat(path)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeSymlink)
}

// TestNoDescriptors takes all file descriptors from the process. Sessions can be
// saved, and the file is compacted later.
func TestNoDescriptors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions")
	s := opened(t, path, crashOpts...)
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	few := limit
	few.Cur = 100
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few))
	var files []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			require.ErrorIs(t, err, syscall.EMFILE)
			break
		}
		files = append(files, f)
	}
	for n := range 300 {
		save(t, s, n%10, time.Hour, "ann")
		require.NoError(t, s.Delete(t.Context(), key(n%10)))
	}
	save(t, s, 1, time.Hour, "ann")
	before, statErr := os.Stat(path)
	_, openErr := logstore.Open(path + ".other")

	for _, f := range files {
		f.Close()
	}
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	require.NoError(t, statErr)
	require.ErrorIs(t, openErr, syscall.EMFILE)
	require.Greater(t, before.Size(), int64(300*2*46), "it could not be compacted")
	require.Eventually(t, func() bool {
		require.NoError(t, s.Delete(t.Context(), key(2)))
		save(t, s, 2, time.Hour, "ann")
		info, err := os.Stat(path)
		return err == nil && info.Size() < before.Size()
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, s.Close())
	s = opened(t, path, logstore.WithStrictRecovery())
	assert.True(t, has(t, s, 1))
}
