package logstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

var errInput = errors.New("input/output error")

// TestFault lets the k-th call to the file system fail, for every k: once, and
// from then on, with a disk that is full and one that is broken.
func TestFault(t *testing.T) {
	for _, fault := range []struct {
		name string
		err  error
		once bool
	}{
		{"broken-once", errInput, true},
		{"broken", errInput, false},
		{"full-once", syscall.ENOSPC, true},
		{"full", syscall.ENOSPC, false},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			for k := 1; faultAt(t, k, fault.err, fault.once); k++ {
			}
		})
	}
}

// faultAt reports whether there was a k-th call.
func faultAt(t *testing.T, k int, fault error, single bool) bool {
	sim := newSimulation()
	var failed string // guarded by sim.mu
	last := func() string {
		sim.mu.Lock()
		defer sim.mu.Unlock()
		return failed
	}
	sim.fault = func(call int, what string) error {
		if call == k || call > k && !single {
			failed = what
			return fault
		}
		return nil
	}
	trace := func() string { return fmt.Sprintf("call %d, %s", k, last()) }
	conf := newConfig([]Option{WithCompactFrom(0), quiet})
	u := newUser(1, 1, false)
	for range 2 {
		s, err := open(sim, "log", conf)
		if err != nil {
			require.ErrorIs(t, err, fault, trace())
			require.False(t, sim.inUse(), "the lock was not released")
			continue
		}
		u.check(t, s)
		for range 25 {
			err := u.step(t.Context(), s)
			u.intact(t, s)
			if err == nil {
				continue
			}
			require.ErrorIs(t, err, fault, trace())
			if single && last() == "write" {
				require.NotErrorIs(t, err, ErrBroken, trace())
			}
		}
		s.Close()
		require.False(t, sim.inUse(), "the lock was not released")
	}
	sim.mu.Lock()
	sim.fault = nil
	sim.mu.Unlock()
	rnd := rand.New(rand.NewPCG(uint64(k), 0))
	for _, after := range []*simulation{sim.afterKill(), sim.afterPowerLoss(rnd)} {
		u := u.clone()
		s, err := open(after, "log", conf)
		require.NoError(t, err, trace())
		once(t, s)
		u.check(t, s)
		for range 10 {
			require.NoError(t, u.step(t.Context(), s), trace())
		}
		require.NoError(t, s.Close())
	}
	return last() != ""
}

// faulty returns a store on a simulation whose calls of one kind fail.
func faulty(t *testing.T, opts ...Option) (s *Store, sim *simulation, fail func(what string, err error)) {
	t.Helper()
	sim = newSimulation()
	s, err := open(sim, "log", newConfig(append(opts, quiet)))
	require.NoError(t, err)
	return s, sim, func(what string, err error) {
		sim.mu.Lock()
		defer sim.mu.Unlock()
		sim.fault = func(_ int, call string) error {
			if call == what {
				return err
			}
			return nil
		}
	}
}

func record(data string) store.Record {
	return store.Record{Expires: time.Now().Add(time.Hour), Data: []byte(data)}
}

// TestDiskFull sees that a store is as it was when nothing can be written, and
// goes on when something can.
func TestDiskFull(t *testing.T) {
	s, sim, fail := faulty(t)
	ctx := t.Context()
	k := store.Key{1}
	r := record("before")
	v, err := s.Save(ctx, k, r)
	require.NoError(t, err)
	size := sim.size("log")

	fail("write", syscall.ENOSPC)
	r.Version, r.Data = v, []byte("after")
	_, err = s.Save(ctx, k, r)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, "logstore: ")
	require.ErrorIs(t, s.Delete(ctx, k), syscall.ENOSPC)
	assert.Equal(t, size, sim.size("log"))
	require.NoError(t, s.Touch(ctx, k, time.Now().Add(2*time.Hour)))
	got, err := s.Load(ctx, k)
	require.NoError(t, err)
	assert.Equal(t, "before", string(got.Data))
	released(t, s)

	fail("", nil)
	_, err = s.Save(ctx, k, r)
	require.NoError(t, err)
	require.NoError(t, s.Touch(ctx, k, time.Now().Add(3*time.Hour)))
	require.NoError(t, s.Close())
	s, err = open(sim, "log", newConfig([]Option{WithStrictRecovery()}))
	require.NoError(t, err)
	got, err = s.Load(ctx, k)
	require.NoError(t, err)
	assert.Equal(t, "after", string(got.Data))
	assert.Greater(t, time.Until(got.Expires), 2*time.Hour)
	require.NoError(t, s.Close())
}

// fillUp leaves so many bytes on the disk.
func (s *simulation) fillUp(left int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.room = s.used() + left
}

// TestFullDiskLogsOut fills the disk. Nothing can be saved, but sessions can be
// ended, after a restart too, until the reserve is used up; and when there is
// room again, the reserve is saved for the next time.
func TestFullDiskLogsOut(t *testing.T) {
	ctx := t.Context()
	sim := newSimulation()
	conf := newConfig([]Option{quiet})
	s, err := open(sim, "log", conf)
	require.NoError(t, err)
	const n = 3000
	keys := make([]store.Key, n)
	var wg sync.WaitGroup
	for w := range 20 {
		wg.Go(func() {
			for i := w; i < n; i += 20 {
				keys[i] = store.Key{1, byte(i >> 8), byte(i)}
				r := record("data")
				r.Owner = fmt.Sprint("user ", i/10)
				_, err := s.Save(ctx, keys[i], r)
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	for round := range 2 {
		ended := keys[round*1500:]
		sim.fillUp(20)
		_, err = s.Save(ctx, store.Key{2}, record("data"))
		require.ErrorIs(t, err, syscall.ENOSPC)

		// Together with a save that fails.
		var save error
		sim.mu.Lock()
		sim.fault = func(_ int, what string) error {
			if what == "write" {
				time.Sleep(5 * time.Millisecond)
			}
			return nil
		}
		sim.mu.Unlock()
		wg.Go(func() { _, save = s.Save(ctx, store.Key{2}, record("data")) })
		for _, k := range ended[:50] {
			wg.Go(func() { assert.NoError(t, s.Delete(ctx, k)) })
		}
		wg.Wait()
		sim.mu.Lock()
		sim.fault = nil
		sim.mu.Unlock()
		require.ErrorIs(t, save, syscall.ENOSPC)
		released(t, s)
		for i := range 10 {
			removed, err := s.DeleteOwned(ctx, fmt.Sprint("user ", round*150+10+i))
			require.NoError(t, err)
			require.Equal(t, 10, removed)
		}

		require.NoError(t, s.Close())
		s, err = open(sim, "log", newConfig([]Option{WithStrictRecovery(), quiet}))
		require.NoError(t, err, "a restart")
		assert.Equal(t, n-round*1500-150, s.Len())
		i := 500
		for ; i < 1500 && err == nil; i++ {
			err = s.Delete(ctx, ended[i])
		}
		require.Greater(t, i, 1000)
		if err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			require.NoError(t, s.Close())
			s, err = open(sim, "log", newConfig([]Option{WithStrictRecovery(), quiet}))
			require.NoError(t, err, "a restart without a reserve")
		}

		sim.fillUp(1 << 20)
		for _, k := range ended[:1500] {
			require.NoError(t, s.Delete(ctx, k))
		}
		require.Eventually(t, func() bool {
			require.NoError(t, s.Delete(ctx, store.Key{3}))
			sim.mu.Lock()
			defer sim.mu.Unlock()
			return len(sim.notes.data) == noteSize+reserveSize
		}, 10*time.Second, 10*time.Millisecond, "the reserve")
	}
	assert.Zero(t, s.Len())
	require.NoError(t, s.Close())
}

// TestReadOnlyDisk makes the disk read-only under a store. Sessions can be
// loaded, and saved again when it can be written.
func TestReadOnlyDisk(t *testing.T) {
	s, sim, _ := faulty(t)
	v, err := s.Save(t.Context(), store.Key{1}, record("before"))
	require.NoError(t, err)
	readOnly := func(_ int, what string) error {
		switch what {
		case "write", "note", "truncate", "create", "rename", "remove", "lock":
			return syscall.EROFS
		}
		return nil
	}
	sim.mu.Lock()
	sim.fault = readOnly
	sim.mu.Unlock()
	r := record("after")
	r.Version = v
	_, err = s.Save(t.Context(), store.Key{1}, r)
	require.ErrorIs(t, err, syscall.EROFS)
	require.ErrorIs(t, s.Delete(t.Context(), store.Key{1}), syscall.EROFS)
	got, err := s.Load(t.Context(), store.Key{1})
	require.NoError(t, err)
	assert.Equal(t, "before", string(got.Data))

	sim.mu.Lock()
	sim.fault = nil
	sim.mu.Unlock()
	_, err = s.Save(t.Context(), store.Key{1}, r)
	require.NoError(t, err)
	sim.mu.Lock()
	sim.fault = readOnly
	sim.mu.Unlock()
	require.NoError(t, s.Close())
	log := slices.Clone(sim.names["log"].data)
	_, err = open(sim, "log", newConfig([]Option{quiet}))
	require.ErrorIs(t, err, syscall.EROFS)
	require.Equal(t, log, sim.names["log"].data)
	require.False(t, sim.inUse())
}

// TestBroken sees that after a failed fsync, and after a write that could not
// be undone, nothing is saved until all has been written to a new file, and that
// the store then goes on.
func TestBroken(t *testing.T) {
	for _, what := range []string{"sync", "truncate"} {
		t.Run(what, func(t *testing.T) {
			s, sim, fail := faulty(t)
			ctx := t.Context()
			k := store.Key{1}
			v, err := s.Save(ctx, k, record("before"))
			require.NoError(t, err)
			// The disk is full, so that half of the frames are written.
			sim.mu.Lock()
			sim.fault = func(_ int, call string) error {
				if call == what || what == "truncate" && call == "write" {
					return syscall.ENOSPC
				}
				return nil
			}
			sim.mu.Unlock()
			r := record("after")
			r.Version = v
			for range 3 {
				_, err = s.Save(ctx, k, r)
				require.ErrorIs(t, err, ErrBroken)
				require.ErrorIs(t, err, syscall.ENOSPC, "the error must name the cause")
				require.ErrorIs(t, s.Delete(ctx, k), ErrBroken)
				_, err = s.DeleteOwned(ctx, "ann")
				require.ErrorIs(t, err, ErrBroken)
			}
			require.NoError(t, s.Touch(ctx, k, time.Now().Add(2*time.Hour)))
			got, err := s.Load(ctx, k)
			require.NoError(t, err)
			assert.Equal(t, "before", string(got.Data))

			fail("", nil)
			require.Eventually(t, func() bool {
				_, err = s.Save(ctx, k, r)
				return err == nil
			}, 10*time.Second, time.Millisecond)
			require.NoError(t, s.Close())
			s, err = open(sim, "log", newConfig([]Option{WithStrictRecovery()}))
			require.NoError(t, err)
			got, err = s.Load(ctx, k)
			require.NoError(t, err)
			assert.Equal(t, "after", string(got.Data))
			require.NoError(t, s.Close())
		})
	}
}

// TestCloseBroken sees that Close reports what could not be made durable.
func TestCloseBroken(t *testing.T) {
	s, sim, fail := faulty(t)
	_, err := s.Save(t.Context(), store.Key{1}, record("data"))
	require.NoError(t, err)
	fail("sync", errInput)
	_, err = s.Save(t.Context(), store.Key{2}, record("data"))
	require.ErrorIs(t, err, ErrBroken)
	require.ErrorIs(t, s.Close(), ErrBroken)
	require.ErrorIs(t, s.Close(), ErrBroken)
	require.False(t, sim.inUse())
}

// TestIntervalSyncFails sees that a sync that no call waits for is made good.
func TestIntervalSyncFails(t *testing.T) {
	s, sim, _ := faulty(t, WithSync(Interval(time.Millisecond)))
	_, err := s.Save(t.Context(), store.Key{1}, record("data"))
	require.NoError(t, err)
	failed := make(chan struct{})
	sim.mu.Lock()
	sim.fault = func(_ int, what string) error {
		if what != "sync" {
			return nil
		}
		select {
		case <-failed:
			return nil
		default:
			close(failed)
			return errInput
		}
	}
	sim.mu.Unlock()
	_, err = s.Save(t.Context(), store.Key{2}, record("data"))
	require.NoError(t, err)
	<-failed
	require.NoError(t, s.Delete(t.Context(), store.Key{1}))
	sim.mu.Lock()
	renames := sim.renames
	sim.mu.Unlock()
	assert.Equal(t, 2, renames, "one made the file, one put a new one in its place")
	require.NoError(t, s.Close())
}
