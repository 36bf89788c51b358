package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/sesame-go/sesame/internal/filelock"
	"github.com/sesame-go/sesame/store"
)

// There is a fixed set of locks: one for each of 64 groups of owners, and one
// for each of 64 groups of keys. A lock is a file, made when it is first needed
// and never removed, and before it a place in this Store, since one that waits
// for another goroutine should not have to poll.
const (
	lockGroups = 64
	lockCount  = 2 * lockGroups
)

type lockSet [lockCount]chan struct{}

func (l *lockSet) init() {
	for i := range l {
		l[i] = make(chan struct{}, 1)
	}
}

func ownerLock(owner string) int { return int(ownerHash(owner)[0]) % lockGroups }

func keyLock(k store.Key) int { return lockGroups + int(k[0])%lockGroups }

func lockName(n int) string { return fmt.Sprintf("lock/%02x", n) }

// lock takes locks by their numbers. All callers take them in ascending order,
// owners before keys, so that no two wait for each other.
func (s *Store) lock(ctx context.Context, numbers ...int) (unlock func(), err error) {
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	var held [3]*os.File
	unlock = func() {
		for i, n := range slices.Backward(numbers) {
			if held[i] != nil {
				_ = filelock.Close(held[i])
				<-s.locks[n]
			}
		}
	}
	for i, n := range numbers {
		if held[i], err = s.lockOne(ctx, n); err != nil {
			unlock()
			return nil, err
		}
	}
	return unlock, nil
}

func (s *Store) lockOne(ctx context.Context, n int) (*os.File, error) {
	select {
	case s.locks[n] <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	f, err := s.lockFile(ctx, n)
	if err != nil {
		<-s.locks[n]
	}
	return f, err
}

// lockFile waits for the other processes. It polls because a wait inside the
// operating system could not be ended by ctx.
func (s *Store) lockFile(ctx context.Context, n int) (*os.File, error) {
	f, err := s.root.OpenFile(lockName(n), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		err = s.create(lockName(n), nil, false)
		if err == nil || errors.Is(err, fs.ErrExist) {
			f, err = s.root.OpenFile(lockName(n), os.O_RDWR, 0)
		}
	}
	if err != nil {
		return nil, failed(err)
	}
	for pause := 20 * time.Microsecond; ; pause = min(2*pause, 2*time.Millisecond) {
		ok, err := filelock.Try(f)
		if err == nil && ok {
			err = ctx.Err() // the last chance to have had no effect
		}
		if err == nil && ok {
			return f, nil
		}
		if err != nil {
			_ = filelock.Close(f)
			return nil, lockFailed(ctx, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		}
	}
}

func lockFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return failed(err)
}
