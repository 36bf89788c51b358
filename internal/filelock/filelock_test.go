package filelock_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/filelock"
)

func TestTry(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		require.NoError(t, err)
		return f
	}
	first, second := open(), open()
	try := func(f *os.File, want bool) {
		ok, err := filelock.Try(f)
		require.NoError(t, err)
		require.Equal(t, want, ok)
	}
	try(first, true)
	try(second, false)
	require.NoError(t, filelock.Close(first))
	try(second, true)
	require.NoError(t, filelock.Close(second))
	_, err := filelock.Try(second)
	require.Error(t, err, "a closed file")
}
