package dirstore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
)

// remake removes the directory, and makes it again as args[1] says.
func remake(args []string) error {
	dir := args[0]
	if err := os.RemoveAll(dir); err != nil || args[1] == "gone" {
		return err
	}
	if args[1] == "empty" {
		return os.Mkdir(dir, 0o700)
	}
	s, err := dirstore.Open(dir)
	if err != nil {
		return err
	}
	_, err = s.Save(ctx, key(2), owned("ann", "of the other process"))
	return errors.Join(err, s.Close())
}

// TestDirectoryReturns has another process remove the directory, and make it
// again, while the store is open.
func TestDirectoryReturns(t *testing.T) {
	for _, how := range []string{"empty", "with a session"} {
		t.Run(how, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "sessions")
			s := open(t, dir)
			shop, err := s.Mount("shop")
			require.NoError(t, err)
			defer shop.Close()
			stores := []*dirstore.Store{s, shop}
			for _, s := range stores {
				save(t, s, key(1), owned("ann", "before"))
			}

			require.NoError(t, process(t, "remake", dir, "gone").Run())
			for _, s := range stores {
				for what, call := range calls(s) {
					err := call()
					assert.ErrorIs(t, err, fs.ErrNotExist, what)
					assert.NotErrorIs(t, err, store.ErrNotFound, "%s: an outage ends no session", what)
					assert.ErrorContains(t, err, dir, what)
					assert.ErrorContains(t, err, "make the directory again", what)
				}
			}
			assert.NoDirExists(t, dir)

			require.NoError(t, process(t, "remake", dir, how).Run())
			for _, s := range stores {
				_, err := s.Load(t.Context(), key(1))
				assert.ErrorIs(t, err, store.ErrNotFound)
				for what, call := range calls(s) {
					assert.NoError(t, call(), what)
				}
				save(t, s, key(1), owned("ann", "after"))
			}
			r, err := open(t, dir).Load(t.Context(), key(1))
			require.NoError(t, err, "what is saved is in the directory at the path")
			assert.Equal(t, "after", string(r.Data))
		})
	}
	t.Run("seen", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "sessions")
		s := open(t, dir)
		require.NoError(t, process(t, "remake", dir, "with a session").Run())
		r, err := s.Load(t.Context(), key(2))
		require.NoError(t, err)
		assert.Equal(t, "of the other process", string(r.Data))
		for e, err := range s.Owned(t.Context(), "ann") {
			require.NoError(t, err)
			assert.Equal(t, key(2), e.Key)
		}
		n, err := s.DeleteOwned(t.Context(), "ann")
		require.NoError(t, err)
		assert.Equal(t, 1, n)
	})
}

// calls returns a call of each method, for sessions that need not exist.
func calls(s *dirstore.Store) map[string]func() error {
	first := func(walk func(func(store.Entry, error) bool)) (err error) {
		for _, err = range walk {
			break
		}
		return err
	}
	return map[string]func() error{
		"Load": func() error {
			if _, err := s.Load(ctx, key(9)); !isNotFound(err) {
				return err
			}
			return nil
		},
		"Save": func() error {
			k := key(int(time.Now().UnixNano()))
			_, err := s.Save(ctx, k, owned("bob", "data"))
			return err
		},
		"Touch":  func() error { return s.Touch(ctx, key(9), time.Now().Add(time.Hour)) },
		"Delete": func() error { return s.Delete(ctx, key(9)) },
		"All":    func() error { return first(s.All(ctx)) },
		"Owned":  func() error { return first(s.Owned(ctx, "ann")) },
		"DeleteOwned": func() error {
			_, err := s.DeleteOwned(ctx, "carol")
			return err
		},
		"Count": func() error {
			_, err := s.Count(ctx)
			return err
		},
		"Sweep": func() error {
			_, err := s.Sweep(ctx, 10)
			return err
		},
	}
}

// TestPartsReturn removes parts of the directory, and all that is in it.
func TestPartsReturn(t *testing.T) {
	dirstore.OnSync(t, func(string) error { return nil })
	for _, part := range []string{"data", "data/?", "lock", "lock/*", "mount", "own", "own/*", "tmp", "format", "*"} {
		dir := t.TempDir()
		for what := range calls(nil) {
			s := open(t, dir)
			for _, n := range []int{1, 9} {
				require.NoError(t, s.Delete(t.Context(), key(n)))
				save(t, s, key(n), owned("ann", "data"))
			}
			names, err := filepath.Glob(filepath.Join(s.Path(), part))
			require.NoError(t, err)
			require.NotEmpty(t, names)
			for _, name := range names {
				require.NoError(t, os.RemoveAll(name))
			}
			require.NoError(t, calls(s)[what](), "%s without %s", what, part)
		}
	}
}

// TestDirectoryReplaced renames directories under a store that is busy, and
// closes it in the end.
func TestDirectoryReplaced(t *testing.T) {
	dirstore.OnSync(t, func(string) error { return nil })
	parent := t.TempDir()
	dir := filepath.Join(parent, "sessions")
	s := open(t, dir)
	var busy sync.WaitGroup
	for range 4 {
		busy.Go(func() {
			for {
				for what, call := range calls(s) {
					err := call()
					if errors.Is(err, os.ErrClosed) {
						return
					}
					if err != nil && !assert.ErrorIs(t, err, fs.ErrNotExist, what) {
						return
					}
				}
			}
		})
	}
	for i := range 50 {
		require.NoError(t, os.Rename(dir, filepath.Join(parent, fmt.Sprint("old", i))))
		if i%2 == 0 {
			time.Sleep(time.Millisecond)
		}
		require.NoError(t, os.Mkdir(dir, 0o700))
		time.Sleep(2 * time.Millisecond)
	}
	save(t, s, key(1), record("data"))
	assert.FileExists(t, file(dir, key(1)))
	require.NoError(t, os.Rename(dir, filepath.Join(parent, "last")))
	require.NoError(t, s.Close())
	busy.Wait()
}

// TestRelativePath sees that a store stays where it was opened when the working
// directory changes.
func TestRelativePath(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := open(t, "sessions")
	t.Chdir(t.TempDir())
	save(t, s, key(1), record("data"))
	assert.FileExists(t, file(filepath.Join(dir, "sessions"), key(1)))
}
