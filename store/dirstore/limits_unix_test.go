//go:build unix

package dirstore_test

import (
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/processtest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
)

// unprivileged gives up root's rights, to which no mode of a file is an obstacle.
func unprivileged(t *testing.T) {
	if os.Getuid() == 0 {
		const user = 65534
		require.NoError(t, syscall.Setgroups(nil))
		require.NoError(t, syscall.Setgid(user))
		require.NoError(t, syscall.Setuid(user))
	}
}

// TestReadOnly sees that sessions in a directory which cannot be written are
// read, and that a change fails and changes nothing.
func TestReadOnly(t *testing.T) {
	if !processtest.Own(t, nil) {
		return
	}
	unprivileged(t)
	dir := t.TempDir()
	s := open(t, dir)
	r := owned("ann", "data")
	r.Version = save(t, s, key(1), r)
	saveExpired(t, s, key(2), owned("ann", "data"))
	chmod := func(mode os.FileMode) {
		require.NoError(t, filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				err = os.Chmod(name, mode)
			}
			return err
		}))
	}
	chmod(0o500)
	defer chmod(0o700)

	for _, s := range []*dirstore.Store{s, open(t, dir)} {
		_, err := s.Save(t.Context(), key(1), r)
		assert.ErrorIs(t, err, os.ErrPermission)
		_, err = s.Save(t.Context(), key(3), record("new"))
		assert.ErrorIs(t, err, os.ErrPermission)
		assert.ErrorIs(t, s.Touch(t.Context(), key(1), time.Now().Add(2*time.Hour)), os.ErrPermission)
		assert.ErrorIs(t, s.Delete(t.Context(), key(1)), os.ErrPermission)
		_, err = s.DeleteOwned(t.Context(), "ann")
		assert.ErrorIs(t, err, os.ErrPermission)
		_, err = s.Sweep(t.Context(), 10)
		assert.ErrorIs(t, err, os.ErrPermission)

		got, err := s.Load(t.Context(), key(1))
		require.NoError(t, err)
		assert.Equal(t, r.Version, got.Version)
		for e, err := range s.Owned(t.Context(), "ann") {
			require.NoError(t, err)
			assert.Equal(t, key(1), e.Key)
		}
		n, err := s.Count(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, n)
	}
}

// TestForbidden sees what Open says of directories that it may not use.
func TestForbidden(t *testing.T) {
	if !processtest.Own(t, nil) {
		return
	}
	unprivileged(t)
	closed := filepath.Join(t.TempDir(), "closed")
	require.NoError(t, os.Mkdir(closed, 0o500))
	for _, dir := range []string{closed, filepath.Join(closed, "sessions")} {
		_, err := dirstore.Open(dir)
		require.ErrorIs(t, err, os.ErrPermission)
		require.ErrorContains(t, err, "dirstore: ")
		require.ErrorContains(t, err, dir)
		require.ErrorContains(t, err, "the program's user must be allowed to read, write and enter it")
	}
}

// TestUnreadable sees that a file which cannot be read keeps no walk from the
// others, and that the walk's caller is told: it may be readable later.
func TestUnreadable(t *testing.T) {
	if !processtest.Own(t, nil) {
		return
	}
	unprivileged(t)
	dir := t.TempDir()
	s := open(t, dir)
	want := make(map[store.Key]bool)
	for i := range 5 {
		save(t, s, key(i), owned("ann", "data"))
		want[key(i)] = true
	}
	require.NoError(t, os.Chmod(file(dir, key(0)), 0))
	delete(want, key(0))

	for _, walk := range []func(func(store.Entry, error) bool){s.All(t.Context()), s.Owned(t.Context(), "ann")} {
		seen, failed := make(map[store.Key]bool), 0
		for e, err := range walk {
			if err != nil {
				assert.ErrorIs(t, err, os.ErrPermission)
				failed++
				continue
			}
			assert.Zero(t, failed, "an error is yielded last")
			seen[e.Key] = true
		}
		assert.Equal(t, want, seen)
		assert.Equal(t, 1, failed)
	}
	_, err := s.Count(t.Context())
	assert.ErrorIs(t, err, os.ErrPermission)
	n, err := s.DeleteOwned(t.Context(), "ann")
	assert.ErrorIs(t, err, os.ErrPermission)
	assert.Equal(t, 4, n)
}

// TestPipe puts a pipe in a file's place, which to open for reading blocks.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, key(1), owned("ann", "data"))
	require.NoError(t, os.Remove(file(dir, key(1))))
	require.NoError(t, syscall.Mkfifo(file(dir, key(1)), 0o600))
	_, err := s.Load(t.Context(), key(1))
	require.ErrorIs(t, err, store.ErrCorrupt)
	require.NoError(t, s.Delete(t.Context(), key(1)))
}

// TestNoDescriptors lets the process have ever more open files, until a call
// gets all that it needs. Before that it fails as an outage, and it leaves
// neither a lock nor half a session.
func TestNoDescriptors(t *testing.T) {
	if !processtest.Own(t, nil) {
		return
	}
	s := open(t, t.TempDir())
	require.NoError(t, s.Delete(t.Context(), key(1))) // the runtime has its own by now
	r := owned("ann", "data")
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before))
	limited := func(limit syscall.Rlimit, call func() error) error {
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
		defer func() { require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before)) }()
		return call()
	}
	for what, call := range map[string]func() error{
		"Load": func() error {
			_, err := s.Load(ctx, key(1))
			return err
		},
		"Save": func() error {
			current := r
			current.Durable = true
			_, err := s.Save(ctx, key(1), current)
			return err
		},
		"Touch":  func() error { return s.Touch(ctx, key(1), time.Now().Add(2*time.Hour)) },
		"Delete": func() error { return s.Delete(ctx, key(1)) },
		"DeleteOwned": func() error {
			_, err := s.DeleteOwned(ctx, "ann")
			return err
		},
		"Count": func() error {
			_, err := s.Count(ctx)
			return err
		},
	} {
		failures, limit := 0, before
		for limit.Cur = 0; ; limit.Cur++ {
			require.NoError(t, s.Delete(t.Context(), key(1)))
			r.Version = 0
			r.Version = save(t, s, key(1), r)
			err := limited(limit, call)
			if err == nil {
				break
			}
			require.ErrorIs(t, err, syscall.EMFILE, what)
			failures++
			got, err := s.Load(t.Context(), key(1))
			if !isNotFound(err) || !strings.HasPrefix(what, "Delete") {
				require.NoError(t, err, what)
				require.Equal(t, "data", string(got.Data))
			}
			require.Empty(t, temporary(t, s))
		}
		require.NotZero(t, failures, what)
	}
}

// fillUp saves sessions until no more fit, and sees that what is there stays as
// it is, and that there is room again when some are deleted.
func fillUp(t *testing.T, s *dirstore.Store, full error) {
	t.Helper()
	versions := make(map[int]uint64)
	data := func(i int) string { return strings.Repeat("x", 500*i) }
	var err error
	for i := 0; err == nil; i++ {
		require.Less(t, i, 1000, "it is never full")
		var v uint64
		if v, err = s.Save(t.Context(), key(i), owned("ann", data(i))); err == nil {
			versions[i] = v
		}
	}
	t.Logf("%d sessions fit", len(versions))
	require.NotEmpty(t, versions)
	require.ErrorIs(t, err, full)
	require.Empty(t, temporary(t, s))
	intact := func() {
		t.Helper()
		for i, v := range versions {
			r, err := s.Load(t.Context(), key(i))
			require.NoError(t, err)
			require.Equal(t, v, r.Version)
			require.Equal(t, data(i), string(r.Data))
		}
		n, err := s.Count(t.Context())
		require.NoError(t, err)
		require.Equal(t, len(versions), n)
	}
	intact()
	for i, v := range versions { // a renewal of a session
		r := owned("ann", data(i))
		r.Version, r.Durable = v, true
		if v, err := s.Save(t.Context(), key(i), r); err == nil {
			versions[i] = v
		} else {
			require.ErrorIs(t, err, full)
		}
	}
	intact()

	n, err := s.DeleteOwned(t.Context(), "ann")
	require.NoError(t, err, "sessions are ended on a full disk, too")
	require.Equal(t, len(versions), n)
	save(t, s, key(0), owned("ann", "data"))
}

// TestLargeFile has the system cut a write short.
func TestLargeFile(t *testing.T) {
	if !processtest.Own(t, nil) {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4096, Max: 4096}))
	s := open(t, t.TempDir())
	fillUp(t, s, syscall.EFBIG)
}
