package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/sesame-go/sesame/internal/filelock"
	"github.com/sesame-go/sesame/store"
)

// lockGroups is the number of locks, one for each group of keys. A lock is a
// file, made when it is first needed and never removed, and before it a place in
// this Store, since a goroutine that waits for another should not have to poll.
const lockGroups = 64

type lockSet [lockGroups]chan struct{}

func (l *lockSet) init() {
	for i := range l {
		l[i] = make(chan struct{}, 1)
	}
}

// locked calls f, as within does, with the lock of k's group held.
func (s *Store) locked(ctx context.Context, k store.Key, f func(*directory) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	group := int(k[0]) % lockGroups
	select {
	case s.locks[group] <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.locks[group] }()
	return s.within(func(d *directory) error {
		file, err := d.lock(ctx, fmt.Sprintf("lock/%02x", group))
		if err != nil {
			return err
		}
		defer func() { _ = filelock.Close(file) }()
		if err := ctx.Err(); err != nil { // the last chance to have had no effect
			return err
		}
		return f(d)
	})
}

// lock waits for other processes. It polls because a wait inside the operating
// system could not be ended by ctx.
func (d *directory) lock(ctx context.Context, name string) (*os.File, error) {
	for pause := 20 * time.Microsecond; ; pause = min(2*pause, 2*time.Millisecond) {
		if f, err := d.tryLock(name); f != nil || err != nil {
			return f, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// tryLock returns the lock file, locked, or nil if another process has it.
func (d *directory) tryLock(name string) (*os.File, error) {
	f, err := d.root.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		err = d.create(name, nil, false)
		if err == nil || errors.Is(err, fs.ErrExist) {
			f, err = d.root.OpenFile(name, os.O_RDWR, 0)
		}
	}
	if err != nil {
		return nil, d.failed(err)
	}
	ok, err := filelock.Try(f)
	if err != nil {
		err = d.failed(err)
	}
	if err != nil || !ok {
		_ = filelock.Close(f)
		return nil, err
	}
	return f, nil
}
