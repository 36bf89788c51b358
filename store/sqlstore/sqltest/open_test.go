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
	for driver, path := range map[string]string{"sqlite": "missing/a.sqlite", "unknown": "b.sqlite"} {
		_, err := sqlstore.OpenSQLite(driver, path)
		require.ErrorContains(t, err, "sqlstore: open "+filepath.Join(dir, path)+": ")
	}
	_, err := sqlstore.OpenSQLite("sqlite", "junk")
	require.ErrorContains(t, err, "sqlstore: open "+filepath.Join(dir, "junk")+": ")
}
