package sqltest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store/sqlstore"
)

// TestOpen opens a file twice. Its name has characters with a meaning in URLs.
func TestOpen(t *testing.T) {
	t.Chdir(t.TempDir())
	const name = "se?ss%20#ions.sqlite"
	for i := range 2 {
		s, err := sqlstore.OpenSQLite("sqlite", name, sqlstore.WithTable("visits"))
		require.NoError(t, err)
		if i == 0 {
			_, err = s.Save(t.Context(), key(1), record("data"))
			require.NoError(t, err)
			require.FileExists(t, name+"-wal", "the journal mode is another")
		}
		r, err := s.Load(t.Context(), key(1))
		require.NoError(t, err)
		require.Equal(t, "data", string(r.Data))
		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
		require.ErrorContains(t, s.Ping(t.Context()), "the store is closed")
	}
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	require.Len(t, entries, 1, "the file is open, or has another name")
	require.Equal(t, name, entries[0].Name())
}

// TestOpenFails requires that the error names the file.
func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	require.NoError(t, os.WriteFile("junk", make([]byte, 5000), 0o600))
	require.NoError(t, os.Mkdir("directory", 0o700))
	require.NoError(t, os.Symlink("nowhere/else", "dangling"))
	for _, c := range []struct{ driver, path, cure string }{
		{"sqlite", "missing/a.sqlite", "the directory " + filepath.Join(dir, "missing") + " does not exist; make it"},
		{"sqlite", "directory", "it is a directory; name a file in it"},
		{"sqlite", "junk", "it has to be a file of SQLite"},
		{"sqlite", "junk/a.sqlite", "must be allowed to write to the directory"},
		{"sqlite", "dangling", "must be allowed to read and write it"},
		{"unknown", "b.sqlite", "forgotten import?"},
	} {
		_, err := sqlstore.OpenSQLite(c.driver, c.path)
		require.ErrorContains(t, err, "sqlstore: open "+filepath.Join(dir, c.path)+": ")
		require.ErrorContains(t, err, c.cure)
	}
	require.NoFileExists(t, "b.sqlite")
}

// TestFileMode requires that no other user may read the sessions, in any of
// SQLite's files.
func TestFileMode(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlstore.OpenSQLite("sqlite", filepath.Join(dir, "sessions.sqlite"))
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Save(t.Context(), key(1), record("data"))
	require.NoError(t, err)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 3, "the file, its log and the index of that")
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode(), e.Name())
	}
}
