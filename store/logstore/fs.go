package logstore

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/sesame-go/sesame/internal/filelock"
)

// A filesystem is what the store asks of the operating system, so that tests
// can take the power away or fill the disk.
type filesystem interface {
	// open opens a file to read and write it. It must exist.
	open(name string) (file, error)

	// create makes an empty file, in place of the one of that name if there
	// is one. Nobody but the user of the process may read it.
	create(name string) (file, error)

	// rename makes the file from the one named to, in one step.
	rename(from, to string) error

	remove(name string) error

	// syncDir makes what the directory of the named file says durable.
	syncDir(name string) error

	// lock takes the named lock file for this process until it is closed. It
	// tries for as long as wait, once at least, and returns ErrLocked.
	lock(name string, wait time.Duration) (io.Closer, error)

	// closedRename says that a file has to be closed when it is renamed and
	// when another takes its name.
	closedRename() bool
}

// A file is open.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer

	Truncate(size int64) error

	// sync makes what was written durable.
	sync() error

	size() (int64, error)
}

// disk is the filesystem of the operating system.
type disk struct{}

type diskFile struct{ *os.File }

func (disk) open(name string) (file, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

func (disk) create(name string) (file, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

func (disk) rename(from, to string) error { return os.Rename(from, to) }

func (disk) remove(name string) error { return os.Remove(name) }

func (disk) closedRename() bool { return runtime.GOOS == "windows" }

func (disk) syncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	d, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// lockPoll is how often a store that waits for the lock asks for it.
const lockPoll = 5 * time.Millisecond

func (disk) lock(name string, wait time.Duration) (io.Closer, error) {
	deadline := time.Now().Add(wait)
	for {
		l, err := tryLock(name)
		switch {
		case err != nil:
			return nil, err
		case l != nil:
			return l, nil
		case time.Until(deadline) <= 0:
			return nil, fmt.Errorf("%w (it holds %s)", ErrLocked, name)
		}
		time.Sleep(min(lockPoll, time.Until(deadline)))
	}
}

// tryLock returns the lock file, locked, or nil if another holds it.
func tryLock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	ok, err := filelock.Try(f)
	if err != nil || !ok {
		f.Close()
		return nil, err
	}
	return lockFile{f}, nil
}

// A lockFile is one that this process has locked.
type lockFile struct{ f *os.File }

func (l lockFile) Close() error { return filelock.Close(l.f) }

func (f diskFile) sync() error { return datasync(f.File) }

func (f diskFile) size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is not a regular file", f.Name())
	}
	return info.Size(), nil
}
