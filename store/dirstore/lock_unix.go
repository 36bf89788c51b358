//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package dirstore

import (
	"errors"
	"os"
	"syscall"
)

// tryLockFile locks f, or reports that another open file of it is locked. The
// lock goes when f is closed, and so when the process ends, however it does.
func tryLockFile(f *os.File) (bool, error) {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, &os.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
	}
}

// unlockFile closes f and with it gives up the lock, if it has it.
func unlockFile(f *os.File) { f.Close() }

// syncDirectory makes a directory durable. File systems that cannot sync a
// directory say that the call is invalid; there is nothing to be done then.
func syncDirectory(f *os.File) error {
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
