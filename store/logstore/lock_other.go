//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package logstore

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// tryLock makes the lock file, or reports that it exists. On these systems
// nobody removes it for a process that was killed.
func tryLock(name string) (l io.Closer, held bool, err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	return lockFile{f}, false, nil
}

type lockFile struct{ *os.File }

func (l lockFile) Close() error {
	return errors.Join(l.File.Close(), os.Remove(l.Name()))
}
