//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package dirstore

import (
	"errors"
	"os"
)

func tryLockFile(f *os.File) (bool, error) {
	return false, &os.PathError{Op: "lock", Path: f.Name(), Err: errors.ErrUnsupported}
}

func unlockFile(f *os.File) { f.Close() }

func syncDirectory(f *os.File) error { return f.Sync() }
