package dirstore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
)

// TestMountIsolation mounts namespaces that a careless store may take for one
// another, or for a path.
func TestMountIsolation(t *testing.T) {
	dirstore.OnSync(t, func(string) error { return nil })
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, key(1), record("the store's own"))
	names := []string{
		"a", "A", "b", "ab", "a/b", `a\b`, "..", ".", "../..", "/", "/etc", "a\x00", "\x00", "a ", " ", "a.", "con", "NUL",
		"data", "lock", "mount", "own", "tmp", "format", "ns-a", "_41", "_", "é", "e\u0301", "É", strings.Repeat("x", 200),
	}
	mounted := make(map[string]*dirstore.Store)
	for _, name := range names {
		m, err := s.Mount(name)
		require.NoError(t, err, "%q", name)
		defer m.Close()
		mounted[name] = m
		_, err = m.Load(t.Context(), key(1))
		require.ErrorIs(t, err, store.ErrNotFound, "%q", name)
		save(t, m, key(1), owned("ann", name))
	}
	for _, name := range names {
		again, err := s.Mount(name)
		require.NoError(t, err)
		defer again.Close()
		r, err := again.Load(t.Context(), key(1))
		require.NoError(t, err)
		require.Equal(t, name, string(r.Data))
	}
	n, err := mounted["a"].DeleteOwned(t.Context(), "ann")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	for _, name := range names[1:] {
		_, err := mounted[name].Load(t.Context(), key(1))
		require.NoError(t, err)
	}
	inner, err := mounted["a"].Mount("b")
	require.NoError(t, err)
	defer inner.Close()
	_, err = inner.Load(t.Context(), key(1))
	require.ErrorIs(t, err, store.ErrNotFound)

	entries, err := os.ReadDir(filepath.Join(dir, "mount"))
	require.NoError(t, err)
	folded := make(map[string]bool)
	for _, e := range entries {
		folded[strings.ToLower(e.Name())] = true
	}
	require.Len(t, folded, len(names), "names collide where case does not count")

	_, err = s.Mount("")
	require.ErrorContains(t, err, "the namespace is empty")
	_, err = s.Mount(strings.Repeat("A", 67))
	require.ErrorContains(t, err, "is too long")
}
