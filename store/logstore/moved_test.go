package logstore_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/logstore"
)

// rotations are what programs that rotate logs or clean up do to a file.
var rotations = []struct {
	name   string
	rotate func(path string) error
}{
	{"renamed", func(path string) error { return os.Rename(path, path+".1") }},
	{"renamed, and an empty one made", func(path string) error {
		if err := os.Rename(path, path+".1"); err != nil {
			return err
		}
		return os.WriteFile(path, nil, 0o600)
	}},
	{"removed", os.Remove},
	{"removed with its lock", func(path string) error {
		if err := os.Remove(path + ".lock"); err != nil {
			return err
		}
		return os.Remove(path)
	}},
	{"truncated", func(path string) error { return os.Truncate(path, 0) }},
	{"truncated somewhere", func(path string) error { return os.Truncate(path, 100) }},
	{"copied and truncated", func(path string) error {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path+".1", b, 0o600); err != nil {
			return err
		}
		return os.Truncate(path, 0)
	}},
	{"appended to", func(path string) error {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString("junk")
		f.Close()
		return err
	}},
}

// TestRotated rotates the file while it is open. What was answered before and
// after is there when it is opened again.
func TestRotated(t *testing.T) {
	changes := map[string]func(t *testing.T, s *logstore.Store){
		"save":   func(t *testing.T, s *logstore.Store) { save(t, s, 2, time.Hour, "bob") },
		"delete": func(t *testing.T, s *logstore.Store) { require.NoError(t, s.Delete(t.Context(), key(3))) },
		"close":  func(t *testing.T, s *logstore.Store) {},
		"sweep": func(t *testing.T, s *logstore.Store) {
			_, err := s.Sweep(t.Context(), 1)
			require.NoError(t, err)
		},
	}
	for _, r := range rotations {
		for change, do := range changes {
			for mode, sync := range map[string]logstore.Sync{"always": logstore.Always, "never": logstore.Never} {
				t.Run(r.name+"/"+change+"/"+mode, func(t *testing.T) {
					path := filepath.Join(t.TempDir(), "sessions")
					var log bytes.Buffer
					opts := []logstore.Option{
						logstore.WithSync(sync), logstore.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
					}
					s := opened(t, path, opts...)
					save(t, s, 1, time.Hour, "ann")
					save(t, s, 3, time.Hour, "ann")
					require.NoError(t, r.rotate(path))
					do(t, s)
					require.NoError(t, s.Close())
					assert.Contains(t, log.String(), "level=ERROR")

					s = opened(t, path, logstore.WithStrictRecovery())
					assert.True(t, has(t, s, 1))
					assert.Equal(t, change == "save", has(t, s, 2))
					assert.Equal(t, change != "delete", has(t, s, 3))
				})
			}
		}
	}
}

// TestRotatedUnderLoad rotates the file again and again while it is written to
// and compacted.
func TestRotatedUnderLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions")
	s := opened(t, path, crashOpts...)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	saved := make([]map[int]uint64, 4)
	for w := range saved {
		saved[w] = make(map[int]uint64)
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				n := 1000*w + i%50
				r := store.Record{Version: saved[w][n], Expires: time.Now().Add(time.Hour), Data: make([]byte, 500)}
				v, err := s.Save(t.Context(), key(n), r)
				if !assert.NoError(t, err) {
					return
				}
				saved[w][n] = v
			}
		})
	}
	for range 3 {
		for _, r := range rotations {
			_ = r.rotate(path) // the file may not be there yet
			time.Sleep(5 * time.Millisecond)
		}
	}
	close(stop)
	wg.Wait()
	require.NoError(t, s.Close())
	s = opened(t, path, logstore.WithStrictRecovery())
	for _, known := range saved {
		for n, v := range known {
			r, err := s.Load(t.Context(), key(n))
			require.NoError(t, err)
			require.Equal(t, v, r.Version)
		}
	}
}

// TestReplaced puts another file in the place of the store's. It is left alone,
// and nothing is saved until it is moved away.
func TestReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions")
	s := opened(t, path, logstore.WithLogger(slog.New(slog.DiscardHandler)))
	save(t, s, 1, time.Hour, "ann")
	other := []byte("something that must not be lost")
	require.NoError(t, os.WriteFile(path+".other", other, 0o600))
	require.NoError(t, os.Rename(path+".other", path))

	_, err := s.Save(t.Context(), key(2), store.Record{Expires: time.Now().Add(time.Hour)})
	require.ErrorIs(t, err, logstore.ErrBroken)
	require.ErrorContains(t, err, "another file is in its place")
	require.ErrorIs(t, s.Delete(t.Context(), key(1)), logstore.ErrBroken)
	assert.True(t, has(t, s, 1), "sessions can be loaded")
	assert.False(t, has(t, s, 2))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, other, got)

	require.NoError(t, os.Rename(path, path+".other"))
	require.Eventually(t, func() bool {
		_, err := s.Save(t.Context(), key(2), store.Record{Expires: time.Now().Add(time.Hour)})
		return err == nil
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, s.Close())
	s = opened(t, path, logstore.WithStrictRecovery())
	assert.True(t, has(t, s, 1))
	assert.True(t, has(t, s, 2))
}

// TestPutBack moves the file away and back before anything is written, which
// is no harm, and after a change has failed.
func TestPutBack(t *testing.T) {
	dir := t.TempDir()
	path, away := filepath.Join(dir, "sub", "sessions"), filepath.Join(dir, "away")
	require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
	s := opened(t, path, logstore.WithLogger(slog.New(slog.DiscardHandler)))
	save(t, s, 1, time.Hour, "ann")
	require.NoError(t, os.Rename(filepath.Dir(path), away))
	require.NoError(t, os.Rename(away, filepath.Dir(path)))
	save(t, s, 2, time.Hour, "ann")
	require.NoError(t, os.Rename(filepath.Dir(path), away))
	_, err := s.Save(t.Context(), key(3), store.Record{Expires: time.Now().Add(time.Hour)})
	require.ErrorIs(t, err, logstore.ErrBroken)
	require.NoError(t, os.Rename(away, filepath.Dir(path)))
	require.Eventually(t, func() bool { return s.Delete(t.Context(), key(1)) == nil }, 10*time.Second, time.Millisecond)
	require.NoError(t, s.Close())

	s = opened(t, path, logstore.WithStrictRecovery())
	assert.False(t, has(t, s, 1))
	assert.True(t, has(t, s, 2))
	assert.False(t, has(t, s, 3), "what failed must not be there")
}

// TestLockFileRemoved sees that the file stays locked when the lock file is
// gone, also after a compaction and while another store waits for it.
func TestLockFileRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions")
	s := opened(t, path, logstore.WithCompactFrom(0))
	for range 3 {
		for range 200 {
			save(t, s, 1, time.Hour, "")
			require.NoError(t, s.Delete(t.Context(), key(1)))
		}
		require.NoError(t, os.Remove(path+".lock"))
		_, err := logstore.Open(path)
		require.ErrorIs(t, err, logstore.ErrLocked)
		_, err = logstore.Open(path, logstore.WithLockTimeout(20*time.Millisecond))
		require.ErrorIs(t, err, logstore.ErrLocked)
	}
	save(t, s, 2, time.Hour, "ann")

	var wg sync.WaitGroup
	wg.Go(func() {
		next, err := logstore.Open(path, logstore.WithLockTimeout(time.Minute))
		if assert.NoError(t, err) {
			assert.True(t, has(t, next, 2))
			assert.True(t, has(t, next, 3))
			assert.NoError(t, next.Close())
		}
	})
	time.Sleep(20 * time.Millisecond)
	save(t, s, 3, time.Hour, "ann")
	require.NoError(t, s.Close())
	wg.Wait()
}

// TestShorter opens a file that lost something while no store had it open.
func TestShorter(t *testing.T) {
	for name, shorten := range map[string]func(path string) error{
		"gone":      os.Remove,
		"empty":     func(path string) error { return os.Truncate(path, 0) },
		"truncated": func(path string) error { return os.Truncate(path, 32+46+2*(46+3)) }, // behind a record
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sessions")
			s := opened(t, path)
			for n := range 4 {
				save(t, s, n, time.Hour, "ann")
			}
			require.NoError(t, s.Close())
			require.NoError(t, shorten(path))
			_, err := logstore.Open(path, logstore.WithStrictRecovery())
			require.ErrorIs(t, err, logstore.ErrDamaged)
			_, err = logstore.Open(path, logstore.WithStrictRecovery())
			require.ErrorIs(t, err, logstore.ErrDamaged, "to refuse it must not heal it")

			var log bytes.Buffer
			s = opened(t, path, logstore.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			assert.NotEmpty(t, log.String(), "it must be told")
			assert.Equal(t, name == "truncated", has(t, s, 1))
			assert.False(t, has(t, s, 2))
			assert.Equal(t, name == "truncated", len(s.Recovery().Damage) > 0)
			require.NoError(t, s.Close())
			opened(t, path, logstore.WithStrictRecovery()) // that is how long it is now
		})
	}
}

// TestOlderCopy puts a copy from before in the place of the file.
func TestOlderCopy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions")
	s := opened(t, path)
	save(t, s, 1, time.Hour, "ann")
	copied, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), key(1)))
	require.NoError(t, s.Close())
	require.NoError(t, os.WriteFile(path, copied, 0o600))
	_, err = logstore.Open(path, logstore.WithStrictRecovery())
	require.ErrorIs(t, err, logstore.ErrDamaged)
	require.NoError(t, os.Remove(path+".lock"))
	assert.True(t, has(t, opened(t, path, logstore.WithStrictRecovery()), 1), "it was done on purpose")
}
