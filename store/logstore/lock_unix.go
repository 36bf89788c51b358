//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package logstore

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// tryLock takes the lock file, or reports that another holds it. The lock
// belongs to the open file: it goes when that is closed, and when the process
// ends, however it does. The file itself stays; removing it would let two
// processes hold two locks of one name.
func tryLock(name string) (l io.Closer, held bool, err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, true, nil
		}
		return nil, false, &os.PathError{Op: "flock", Path: name, Err: err}
	}
	return f, false, nil
}
