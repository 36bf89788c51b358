//go:build unix

package logstore_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store/logstore"
)

func TestFileMode(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sessions.log")
	s := opened(t, path, logstore.WithCompactFrom(0))
	for range 200 {
		save(t, s, 1, time.Hour, "")
		require.NoError(t, s.Delete(t.Context(), key(1)))
	}
	require.NoError(t, s.Close())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode(), e.Name())
	}
	assert.Len(t, entries, 2, "the file and its lock")
}

// TestLink sees that a compaction does not put a file in the place of a link.
func TestLink(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	path, target := filepath.Join(dir, "link"), filepath.Join(other, "sessions.log")
	require.NoError(t, opened(t, target).Close())
	require.NoError(t, os.Symlink(target, path))
	s := opened(t, path, logstore.WithCompactFrom(0))
	for range 200 {
		save(t, s, 1, time.Hour, "")
		require.NoError(t, s.Delete(t.Context(), key(1)))
	}
	require.NoError(t, s.Close())
	info, err := os.Lstat(path)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeSymlink)
}
