package logstore

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// TestCompaction sees that the file follows what lives, with writers at work
// all the time, and that nothing is lost on the way.
func TestCompaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s, err := Open(path, WithCompactFrom(64<<10))
	require.NoError(t, err)
	var wg sync.WaitGroup
	var users []*user
	for i := range 16 {
		u := newUser(i, 1, false)
		users = append(users, u)
		wg.Go(func() {
			for range 1000 {
				if !assert.NoError(t, u.step(t.Context(), s)) {
					return
				}
			}
		})
	}
	wg.Wait()
	// On a slow disk the compaction comes later.
	for steps := 0; s.end.Load() > 1<<20 && steps < 10_000; steps++ {
		require.NoError(t, users[0].step(t.Context(), s))
	}
	released(t, s)
	for _, u := range users {
		u.intact(t, s)
	}
	require.NoError(t, s.Close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Less(t, info.Size(), int64(3<<20), "of some 7 MB that were written")

	s, err = Open(path, WithStrictRecovery())
	require.NoError(t, err)
	released(t, s)
	once(t, s)
	for _, u := range users {
		u.intact(t, s)
	}
	require.NoError(t, s.Close())
}

// TestCompactionDropsExpired sees that Sweep is enough for the file to shrink.
func TestCompactionDropsExpired(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s, err := Open(path, WithCompactFrom(0), WithSync(Never))
	require.NoError(t, err)
	for i := range 100 {
		r := store.Record{Expires: time.Now().Add(100 * time.Millisecond), Data: make([]byte, 1000)}
		_, err := s.Save(t.Context(), store.Key{byte(i)}, r)
		require.NoError(t, err)
	}
	_, err = s.Save(t.Context(), store.Key{200}, record("lives"))
	require.NoError(t, err)
	time.Sleep(110 * time.Millisecond)
	had := s.Len() // not what had expired before it was written
	require.Greater(t, had, 50)
	n, err := s.Sweep(t.Context(), 1000)
	require.NoError(t, err)
	assert.Equal(t, had-1, n)
	require.Eventually(t, func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() < 1000
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, s.Close())
}

// TestCompactionFails sees that the store goes on with the old file.
func TestCompactionFails(t *testing.T) {
	for _, what := range []string{"create", "rename"} {
		t.Run(what, func(t *testing.T) {
			var reports counter
			s, sim, fail := faulty(t, WithCompactFrom(0))
			s.log = slog.New(slog.NewTextHandler(&reports, nil))
			fail(what, syscall.ENOSPC)
			u := newUser(1, 1, false)
			for steps := 0; steps < 500 || reports.Load() == 0; steps++ {
				require.NoError(t, u.step(t.Context(), s))
			}
			assert.Less(t, reports.Load(), int64(40), "it must not be tried all the time")
			fail("", nil)
			for sim.size("log") > 32<<10 {
				require.NoError(t, u.step(t.Context(), s))
			}
			require.NoError(t, s.Close())
			s, err := open(sim, "log", newConfig([]Option{WithStrictRecovery()}))
			require.NoError(t, err)
			u.intact(t, s)
			require.NoError(t, s.Close())
		})
	}
}

// TestDirectorySyncFails sees that nothing is saved to a file that may not be
// the one that is found later.
func TestDirectorySyncFails(t *testing.T) {
	s, sim, fail := faulty(t, WithCompactFrom(0))
	fail("syncDir", errInput)
	u := newUser(1, 1, false)
	var err error
	for steps := 0; err == nil && steps < 100_000; steps++ {
		err = u.step(t.Context(), s)
	}
	require.ErrorIs(t, err, ErrBroken)
	u.intact(t, s)
	require.ErrorIs(t, s.Close(), ErrBroken)
	sim.mu.Lock()
	disk := sim.disk["log"].disk // the old file, as the directory says
	sim.mu.Unlock()
	s, err = open(holding(disk), "log", newConfig([]Option{quiet}))
	require.NoError(t, err)
	u.check(t, s)
	require.NoError(t, s.Close())
}

type counter struct{ atomic.Int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.Add(1)
	return len(b), nil
}

// TestClosedRename is the way of systems where a file must be closed to get
// another name.
func TestClosedRename(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s, err := open(careful{}, path, newConfig([]Option{WithCompactFrom(0)}))
	require.NoError(t, err)
	u := newUser(1, 1, false)
	for begin, renames := s.end.Load(), 0; renames < 3; {
		require.NoError(t, u.step(t.Context(), s))
		if end := s.end.Load(); end < begin {
			renames++
		}
		begin = s.end.Load()
	}
	require.NoError(t, s.Close())
	s, err = Open(path, WithStrictRecovery())
	require.NoError(t, err)
	u.intact(t, s)
	require.NoError(t, s.Close())
}

type careful struct{ disk }

func (careful) closedRename() bool { return true }

// A swapping disk puts a copy in the place of the file once it has been opened,
// as the compaction of another process does.
type swapping struct {
	disk
	swaps *int
}

func (d swapping) open(name string) (file, error) {
	f, err := d.disk.open(name)
	if *d.swaps--; err != nil || *d.swaps < 0 {
		return f, err
	}
	b, err := os.ReadFile(name)
	if err == nil {
		err = os.WriteFile(name+".copy", b, 0o600)
	}
	if err == nil {
		err = os.Rename(name+".copy", name)
	}
	return f, err
}

// TestSwapped sees that a file which is replaced while it is opened is not taken
// for the store's.
func TestSwapped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions")
	s, err := Open(path)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	swaps := 3
	_, err = open(swapping{swaps: &swaps}, path, newConfig(nil))
	require.ErrorIs(t, err, ErrLocked)
	s, err = open(swapping{swaps: &swaps}, path, newConfig([]Option{WithLockTimeout(time.Minute)}))
	require.NoError(t, err)
	require.Equal(t, -1, swaps)
	require.NoError(t, s.look(s.end.Load()))
	require.NoError(t, s.Close())
}

// TestContext lets the disk hang. Calls return when their context ends: those
// that wait have no effect, and of the one that the disk is at work for the
// outcome is not known.
func TestContext(t *testing.T) {
	s, sim, _ := faulty(t)
	hang, reached := make(chan struct{}), make(chan struct{}, 1)
	sim.mu.Lock()
	sim.fault = func(_ int, what string) error {
		if what == "sync" {
			select {
			case reached <- struct{}{}:
			default:
			}
			<-hang
		}
		return nil
	}
	sim.mu.Unlock()
	first := make(chan error)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, err := s.Save(ctx, store.Key{1}, record("data"))
		first <- err
	}()
	<-reached
	short, cancelShort := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancelShort()
	_, err := s.Save(short, store.Key{2}, record("data"))
	require.Equal(t, context.DeadlineExceeded, err)
	require.Equal(t, context.DeadlineExceeded, s.Delete(short, store.Key{2}))

	cancel()
	err = <-first
	require.ErrorIs(t, err, context.Canceled)
	require.EqualError(t, err, "logstore: the disk has not answered in time, so the outcome is not known: context canceled")
	_, err = s.Load(t.Context(), store.Key{1})
	require.ErrorIs(t, err, store.ErrNotFound, "readers must not see what is not durable")

	close(hang)
	require.NoError(t, s.Close())
	assert.Equal(t, 1, s.Len())
}

// released sees that no record is held by a batch that has ended.
func released(t *testing.T, s *Store) {
	t.Helper()
	all := contents(t, s)
	s.set.Lock()
	defer s.set.Unlock()
	for k := range all {
		require.False(t, s.set.Find(k).Held())
	}
}
