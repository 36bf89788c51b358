package main

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// damage flips a bit in one session of a directory, and returns its ID.
func damage(t testing.TB, dir string) string {
	t.Helper()
	files, err := filepath.Glob(dir + "/data/*/*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	b, err := os.ReadFile(files[0])
	require.NoError(t, err)
	b[len(b)/2] ^= 1
	require.NoError(t, os.WriteFile(files[0], b, 0o600))
	key, err := hex.DecodeString(filepath.Base(files[0]))
	require.NoError(t, err)
	return store.Key(key).String()
}
