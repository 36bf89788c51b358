package dirstore_test

import (
	"bytes"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
)

// TestDamaged flips each bit of a file, cuts it everywhere and puts other things
// in its place. None of it is ever served.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, dirstore.WithLogger(slog.New(slog.DiscardHandler)))
	k := key(1)
	save(t, s, k, owned("ann", strings.Repeat("data ", 20)))
	save(t, s, key(2), record("healthy"))
	good, err := os.ReadFile(file(dir, k))
	require.NoError(t, err)
	other, err := os.ReadFile(file(dir, key(2)))
	require.NoError(t, err)

	put := func(b []byte) error {
		require.NoError(t, os.WriteFile(file(dir, k), b, 0o600))
		_, err := s.Load(t.Context(), k)
		return err
	}
	bad := [][]byte{nil, other, []byte("hello"), make([]byte, 500), append(bytes.Clone(good), 0)}
	for bit := range 8 * len(good) {
		flipped := bytes.Clone(good)
		flipped[bit/8] ^= 1 << (bit % 8)
		bad = append(bad, flipped)
	}
	for n := range good {
		bad = append(bad, good[:n])
	}
	require.Greater(t, len(bad), 1000)
	for _, b := range bad {
		err := put(b)
		require.ErrorIs(t, err, store.ErrCorrupt)
		require.NotErrorIs(t, err, store.ErrNotFound)
		require.ErrorContains(t, err, file(dir, k), "the error names the file")
	}
	require.NoError(t, put(good))

	// It is neither overwritten nor swept.
	require.ErrorIs(t, put(good[:20]), store.ErrCorrupt)
	_, err = s.Save(t.Context(), k, record("new"))
	assert.ErrorIs(t, err, store.ErrCorrupt)
	assert.ErrorIs(t, s.Touch(t.Context(), k, time.Now().Add(time.Hour)), store.ErrCorrupt)
	n, err := s.Sweep(t.Context(), 10)
	assert.NoError(t, err)
	assert.Zero(t, n)
	assert.FileExists(t, file(dir, k))

	// Delete cures it.
	require.NoError(t, s.Delete(t.Context(), k))
	save(t, s, k, record("new"))
}

// TestSkipped puts damaged and foreign files among sessions. The walks yield and
// end the others, and the log tells of each file once.
func TestSkipped(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	s := open(t, dir, dirstore.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	for i := range 5 {
		save(t, s, key(i), owned("ann", "healthy"))
	}
	data, marks := filepath.Dir(file(dir, key(0))), filepath.Dir(find(t, dir, "own", key(0)))
	odd := []string{
		file(dir, key(0)),                           // junk
		filepath.Join(data, "notes.txt"),            // foreign
		filepath.Join(data, "directory"),            //
		filepath.Join(data, strings.Repeat("F", 4)), // hexadecimal, but no key
		strings.ToUpper(filepath.Base(file(dir, key(1)))),
		filepath.Join(data, filepath.Base(otherFan(dir))), // a session's name in the wrong directory
		filepath.Join(marks, ".DS_Store"),
	}
	odd[4] = filepath.Join(filepath.Dir(file(dir, key(1))), odd[4])
	for i, name := range odd {
		if i == 2 {
			require.NoError(t, os.Mkdir(name, 0o700))
			continue
		}
		require.NoError(t, os.WriteFile(name, []byte("junk"), 0o600))
	}

	for range 2 {
		seen := make(map[store.Key]bool)
		for e, err := range s.All(t.Context()) {
			require.NoError(t, err)
			seen[e.Key] = true
		}
		assert.Len(t, seen, 4)
		seen = make(map[store.Key]bool)
		for e, err := range s.Owned(t.Context(), "ann") {
			require.NoError(t, err)
			seen[e.Key] = true
		}
		assert.Len(t, seen, 4)
		n, err := s.Count(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 4, n)
		_, err = s.Sweep(t.Context(), 10)
		require.NoError(t, err)
	}
	n, err := s.DeleteOwned(t.Context(), "ann")
	require.NoError(t, err)
	assert.Equal(t, 4, n)
	for i := range 5 {
		_, err := s.Load(t.Context(), key(i))
		if i == 0 {
			assert.ErrorIs(t, err, store.ErrCorrupt)
		} else {
			assert.ErrorIs(t, err, store.ErrNotFound)
		}
	}
	for _, name := range odd {
		_, err := os.Lstat(name)
		assert.NoError(t, err, "it is left alone")
		assert.Equal(t, 1, strings.Count(log.String(), name+": "), "%s in %s", name, log.String())
	}
	assert.Equal(t, len(odd), strings.Count(log.String(), "\n"), log.String())
}

// otherFan returns where a session is that is not beside key 0's.
func otherFan(dir string) string {
	for i := 1; ; i++ {
		if name := file(dir, key(i)); filepath.Dir(name) != filepath.Dir(file(dir, key(0))) {
			return name
		}
	}
}

// find returns the file below part that is named after k.
func find(t *testing.T, dir, part string, k store.Key) (found string) {
	t.Helper()
	for _, name := range files(t, filepath.Join(dir, part)) {
		if filepath.Base(name) == filepath.Base(file(dir, k)) {
			found = name
		}
	}
	require.NotEmpty(t, found)
	return found
}

// TestSymlink puts a link that leads out of the directory in a file's place.
func TestSymlink(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	s := open(t, dir)
	save(t, s, key(1), record("data"))
	stolen := filepath.Join(outside, "stolen")
	require.NoError(t, os.Rename(file(dir, key(1)), stolen))
	require.NoError(t, os.Symlink(stolen, file(dir, key(1))))
	_, err := s.Load(t.Context(), key(1))
	require.ErrorIs(t, err, store.ErrCorrupt)
	require.NoError(t, s.Delete(t.Context(), key(1)))
	require.FileExists(t, stolen)
}

// files returns all files below dir.
func files(t testing.TB, dir string) []string {
	t.Helper()
	names := make(map[string]bool)
	require.NoError(t, filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names[name] = true
		}
		return err
	}))
	return slices.Sorted(maps.Keys(names))
}
