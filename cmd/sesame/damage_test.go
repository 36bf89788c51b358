package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// damage flips a bit in one session of a directory.
func damage(t testing.TB, dir string) {
	t.Helper()
	files, err := filepath.Glob(dir + "/data/*/*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	b, err := os.ReadFile(files[0])
	require.NoError(t, err)
	b[len(b)/2] ^= 1
	require.NoError(t, os.WriteFile(files[0], b, 0o600))
}
