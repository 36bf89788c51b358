package logstore

import (
	"errors"
	"io"
	"os"
	"syscall"
	"unsafe"
)

var lockFileEx = syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")

const (
	lockfileFailImmediately = 1
	lockfileExclusiveLock   = 2

	errorLockViolation = syscall.Errno(33)
)

// tryLock takes the lock file, or reports that another holds it. The lock
// belongs to the open file: it goes when that is closed, and when the process
// ends, however it does.
func tryLock(name string) (l io.Closer, held bool, err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	ok, _, err := lockFileEx.Call(f.Fd(), lockfileFailImmediately|lockfileExclusiveLock,
		0, 1, 0, uintptr(unsafe.Pointer(new(syscall.Overlapped))))
	if ok != 0 {
		return f, false, nil
	}
	f.Close()
	if errors.Is(err, errorLockViolation) || errors.Is(err, syscall.ERROR_IO_PENDING) {
		return nil, true, nil
	}
	return nil, false, &os.PathError{Op: "LockFileEx", Path: name, Err: err}
}
