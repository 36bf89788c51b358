package dirstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
)

var ctx = context.Background()

func isConflict(err error) bool { return errors.Is(err, store.ErrConflict) }

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// TestDamaged changes each byte of a file, cuts it everywhere and puts other
// things in its place. None of it is ever served.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	k := key(1)
	r := record("data")
	r.Owner = "ann"
	save(t, s, k, r)
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
	bad := [][]byte{other, []byte("hello"), make([]byte, 500), append(append([]byte{}, good...), 0)}
	for i := range good {
		changed := append([]byte{}, good...)
		changed[i] ^= 1 << (i % 8)
		bad = append(bad, changed, good[:i])
	}
	for _, b := range bad {
		err := put(b)
		require.ErrorIs(t, err, dirstore.ErrDamaged)
		require.NotErrorIs(t, err, store.ErrNotFound)
		require.ErrorContains(t, err, file(dir, k), "the error names the file")
	}
	require.NoError(t, put(good))

	// It is not overwritten, swept, or in the way of others, only reported.
	require.ErrorIs(t, put(good[:20]), dirstore.ErrDamaged)
	_, err = s.Save(t.Context(), k, record("new"))
	assert.ErrorIs(t, err, dirstore.ErrDamaged)
	assert.ErrorIs(t, s.Touch(t.Context(), k, time.Now().Add(time.Hour)), dirstore.ErrDamaged)
	_, err = s.Rotate(t.Context(), k, key(3), r)
	assert.ErrorIs(t, err, dirstore.ErrDamaged)
	n, err := s.Sweep(t.Context(), 10)
	assert.NoError(t, err)
	assert.Zero(t, n)
	_, err = s.DeleteOwned(t.Context(), "ann")
	assert.ErrorIs(t, err, dirstore.ErrDamaged)
	var seen []string
	for e, err := range s.All(t.Context()) {
		if err != nil {
			assert.ErrorIs(t, err, dirstore.ErrDamaged)
			seen = append(seen, "error")
			continue
		}
		seen = append(seen, string(e.Data))
	}
	assert.Equal(t, []string{"healthy", "error"}, seen)

	// Delete cures it.
	require.NoError(t, s.Delete(t.Context(), k))
	save(t, s, k, record("new"))
}

// TestSymlink puts a link that leads out of the directory in a file's place.
func TestSymlink(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	s := open(t, dir)
	save(t, s, key(1), record("data"))
	stolen := filepath.Join(outside, "stolen")
	require.NoError(t, os.Rename(file(dir, key(1)), stolen))
	if err := os.Symlink(stolen, file(dir, key(1))); err != nil {
		t.Logf("no symbolic links here: %v", err)
		return
	}
	_, err := s.Load(t.Context(), key(1))
	require.Error(t, err)
	require.NotErrorIs(t, err, store.ErrNotFound)
	require.NoError(t, s.Delete(t.Context(), key(1)))
	require.FileExists(t, stolen)
}

func TestNothingLeft(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	r := record("data")
	r.Owner = "ann"
	r.Version = save(t, s, key(1), r)
	r.Owner = "bob"
	r.Version = save(t, s, key(1), r)
	_, err := s.Rotate(t.Context(), key(1), key(2), r)
	require.NoError(t, err)
	require.Len(t, files(t, dir), 2, "a session and a mark")
	require.NoError(t, s.Delete(t.Context(), key(2)))
	require.Empty(t, files(t, dir))
	owners, err := os.ReadDir(filepath.Join(dir, "own"))
	require.NoError(t, err)
	require.Empty(t, owners)
}

// TestOrphans sees that Sweep and Open remove old temporary files, and only
// these.
func TestOrphans(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	orphan := func(name string, age time.Duration) string {
		name = filepath.Join(dir, "tmp", name)
		require.NoError(t, os.WriteFile(name, []byte("half a sess"), 0o600))
		require.NoError(t, os.Chtimes(name, time.Time{}, time.Now().Add(-age)))
		return name
	}
	old, young := orphan("old", 2*time.Hour), orphan("young", time.Minute)
	_, err := s.Sweep(t.Context(), 1)
	require.NoError(t, err)
	assert.NoFileExists(t, old)
	old = orphan("old", 2*time.Hour)
	open(t, dir)
	assert.NoFileExists(t, old)
	assert.FileExists(t, young)
}

// TestDistantExpiry sees that an expiry that no number of microseconds says is
// distant, and one as long ago past.
func TestDistantExpiry(t *testing.T) {
	s := open(t, t.TempDir())
	for n, expires := range []time.Time{time.Unix(-1<<62, 0), {}} {
		save(t, s, key(n), store.Record{Expires: expires})
		_, err := s.Load(t.Context(), key(n))
		assert.ErrorIs(t, err, store.ErrNotFound)
	}
	distant := time.Unix(1<<62, 0)
	save(t, s, key(2), store.Record{Expires: distant})
	save(t, s, key(3), record("data"))
	require.NoError(t, s.Touch(t.Context(), key(3), distant))
	for n := 2; n <= 3; n++ {
		r, err := s.Load(t.Context(), key(n))
		require.NoError(t, err)
		assert.Equal(t, time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC), r.Expires.UTC())
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "thesis.tex")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	_, err := dirstore.Open(dir)
	require.ErrorContains(t, err, `holds other things, such as "thesis.tex"; give the sessions a directory of their own`)
	_, err = dirstore.Open(name)
	require.Error(t, err)

	dir = filepath.Join(t.TempDir(), "deep", "down")
	open(t, dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "format"), []byte("sesame dirstore 2\n"), 0o600))
	_, err = dirstore.Open(dir)
	require.ErrorContains(t, err, "is of another format")
}

func TestClose(t *testing.T) {
	s, err := dirstore.Open(t.TempDir())
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, s.Close())
	}
	_, err = s.Load(t.Context(), key(1))
	require.ErrorIs(t, err, os.ErrClosed)
	_, err = s.Save(t.Context(), key(1), record("data"))
	require.ErrorIs(t, err, os.ErrClosed)
}

// TestMountIsolation mounts namespaces that a careless store may take for one
// another, or for a path.
func TestMountIsolation(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, key(1), record("nobody's"))
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
		r := record(name)
		r.Owner = "ann"
		save(t, m, key(1), r)
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

// TestWaitEnds sees that a call that waits for a lock ends with its context.
func TestWaitEnds(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	k := key(1)
	save(t, s, k, record("data"))
	unlock := dirstore.Lock(t, open(t, dir), k) // as another process would
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, s.Delete(short, k), context.DeadlineExceeded)
	_, err := s.Load(t.Context(), k)
	assert.NoError(t, err, "loading needs no lock")
	unlock()
	assert.NoError(t, s.Delete(t.Context(), k))
}

func TestTooBig(t *testing.T) {
	s := open(t, t.TempDir())
	r := record("")
	r.Data = make([]byte, 64<<20+1)
	_, err := s.Save(t.Context(), key(1), r)
	require.EqualError(t, err, fmt.Sprintf("dirstore: the data has %d bytes, more than %d", 64<<20+1, 64<<20))
}
