package logstore

import (
	"context"
	"errors"
	"fmt"
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
	require.NoError(t, s.index.check())
	for _, u := range users {
		u.intact(t, s)
	}
	require.NoError(t, s.Close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Less(t, info.Size(), int64(3<<20), "of some 7 MB that were written")

	s, err = Open(path, WithStrictRecovery())
	require.NoError(t, err)
	require.NoError(t, s.index.check())
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

// TestContext sees that a call which waits for a disk that hangs ends with its
// context, and has then no effect.
func TestContext(t *testing.T) {
	s, sim, _ := faulty(t)
	hang, reached := make(chan struct{}), make(chan struct{}, 1)
	sim.mu.Lock()
	sim.fault = func(_ int, what string) error {
		if what == "sync" {
			reached <- struct{}{}
			<-hang
		}
		return nil
	}
	sim.mu.Unlock()
	first := make(chan error)
	go func() {
		_, err := s.Save(context.Background(), store.Key{1}, record("data"))
		first <- err
	}()
	<-reached
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := s.Save(ctx, store.Key{2}, record("data"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = s.Load(t.Context(), store.Key{1})
	require.ErrorIs(t, err, store.ErrNotFound, "readers must not see what is not durable")
	close(hang)
	require.NoError(t, <-first)
	require.NoError(t, s.Close())
	assert.Equal(t, 1, s.Len())
}

// check returns an error if the parts of the index do not fit together.
func (x *index) check() error {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.len() != len(x.ownerless)+len(x.owned) {
		return fmt.Errorf("%d slots, %d and %d in the heaps", x.len(), len(x.ownerless), len(x.owned))
	}
	bytes, owned := int64(0), 0
	for i := uint32(1); i < x.next; i++ {
		e := x.at(i)
		bytes += e.size()
		h := *x.heap(e)
		if x.find(e.key) != i {
			return fmt.Errorf("slot %d is not found", i)
		}
		if e.place == held || h[e.place] != i {
			return fmt.Errorf("slot %d is not in its place in the heap", i)
		}
		if p := e.place; p > 0 && x.at(h[(p-1)/4]).expires > e.expires {
			return fmt.Errorf("the heap is not in order at %d", p)
		}
	}
	for _, o := range x.owners {
		owned += len(o.keys)
		if len(o.keys) == 0 {
			return errors.New("an owner has no records")
		}
	}
	if bytes != x.bytes || owned != len(x.owned) {
		return fmt.Errorf("%d bytes, counted %d; %d owned, counted %d", bytes, x.bytes, len(x.owned), owned)
	}
	return nil
}
