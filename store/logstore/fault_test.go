package logstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
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
			require.False(t, sim.locked, "the lock was not released")
			continue
		}
		u.check(t, s)
		for range 40 {
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
		require.False(t, sim.locked, "the lock was not released")
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
	k, other := store.Key{1}, store.Key{2}
	r := record("before")
	v, err := s.Save(ctx, k, r)
	require.NoError(t, err)
	size := sim.size("log")

	fail("write", syscall.ENOSPC)
	r.Version, r.Data = v, []byte("after")
	_, err = s.Save(ctx, k, r)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, "logstore: ")
	_, err = s.Rotate(ctx, k, other, r)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorIs(t, s.Delete(ctx, k), syscall.ENOSPC)
	assert.Equal(t, size, sim.size("log"))
	require.NoError(t, s.Touch(ctx, k, time.Now().Add(2*time.Hour)))
	got, err := s.Load(ctx, k)
	require.NoError(t, err)
	assert.Equal(t, "before", string(got.Data))
	require.NoError(t, s.index.check(), "what failed must be taken back")

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

// TestBroken sees that nothing more is written after an fsync has failed, even
// if the next would not.
func TestBroken(t *testing.T) {
	for _, what := range []string{"sync", "truncate"} {
		t.Run(what, func(t *testing.T) {
			s, sim, fail := faulty(t)
			ctx := t.Context()
			k := store.Key{1}
			v, err := s.Save(ctx, k, record("before"))
			require.NoError(t, err)
			sim.mu.Lock()
			sim.fault = func(_ int, call string) error {
				if call == what || what == "truncate" && call == "write" {
					return errInput
				}
				return nil
			}
			sim.mu.Unlock()
			r := record("after")
			r.Version = v
			_, err = s.Save(ctx, k, r)
			require.ErrorIs(t, err, errInput)
			fail("", nil)
			_, err = s.Save(ctx, k, r)
			require.ErrorIs(t, err, ErrBroken)
			require.ErrorIs(t, err, errInput, "the error must name the cause")
			require.ErrorIs(t, s.Delete(ctx, k), ErrBroken)
			require.ErrorIs(t, s.Touch(ctx, k, time.Now().Add(2*time.Hour)), ErrBroken)
			_, err = s.DeleteOwned(ctx, "ann")
			require.ErrorIs(t, err, ErrBroken)
			got, err := s.Load(ctx, k)
			require.NoError(t, err)
			assert.Equal(t, "before", string(got.Data))
			assert.ErrorIs(t, s.Close(), ErrBroken)
			assert.ErrorIs(t, s.Close(), ErrBroken)
		})
	}
}

// TestIntervalSyncFails sees that a sync that nobody waits for is noticed.
func TestIntervalSyncFails(t *testing.T) {
	s, _, fail := faulty(t, WithSync(Interval(time.Millisecond)))
	fail("sync", errInput)
	_, err := s.Save(t.Context(), store.Key{1}, record("data"))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := s.Save(t.Context(), store.Key{2}, record("data"))
		return errors.Is(err, ErrBroken)
	}, 10*time.Second, 5*time.Millisecond)
	require.ErrorIs(t, s.Close(), ErrBroken)
}
