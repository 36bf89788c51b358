package logstore

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/sesame-go/sesame/internal/filelock"
)

// A filesystem is what the store needs of the operating system. Tests replace it to
// simulate a power loss or a full disk.
type filesystem interface {
	// open opens a file to read it and append to it. It must exist.
	open(name string) (file, error)

	// create makes an empty file, in place of the one of that name if there
	// is one. Only the user of the process may read it.
	create(name string) (file, error)

	// rename makes the file from the one named to, in one step.
	rename(from, to string) error

	remove(name string) error

	// syncDir makes what the directory of the named file says durable.
	syncDir(name string) error

	// look returns the size of the named file and whether it is f.
	look(name string, f file) (size int64, same bool, err error)

	// lock opens or makes the named file and locks it until it is closed. Like
	// open and create it returns ErrLocked if another has it.
	lock(name string) (lockFile, error)

	// closedRename says that a file has to be closed when it is renamed and
	// when another takes its name.
	closedRename() bool
}

// A file is open. Where files can be removed while they are open, it is locked
// against other processes itself: to remove the lock file must not unlock it.
type file interface {
	io.ReaderAt
	io.Writer // appends, wherever the end is
	io.Closer

	Truncate(size int64) error

	// sync makes what was written durable.
	sync() error
}

// A lockFile is locked and has a content of its own, see note.go.
type lockFile interface {
	io.ReaderAt
	io.WriterAt
	io.Closer

	Truncate(size int64) error
}

// disk is the filesystem of the operating system.
type disk struct{}

type diskFile struct {
	*os.File
	info os.FileInfo // as it was when it was opened
}

func (disk) open(name string) (file, error) { return openFile(name, 0) }

// create truncates the file when it is locked: before, another process may be
// at work on it.
func (disk) create(name string) (file, error) {
	f, err := openFile(name, os.O_CREATE)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(0); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func openFile(name string, flag int) (file, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND|flag, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", name)
	}
	if err == nil && runtime.GOOS != "windows" { // where locks keep others from reading
		err = lock(f)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return diskFile{f, info}, nil
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

func (disk) look(name string, f file) (int64, bool, error) {
	info, err := os.Stat(name)
	if err != nil {
		return 0, false, err
	}
	return info.Size(), os.SameFile(info, f.(diskFile).info), nil
}

func (disk) lock(name string) (lockFile, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, err
	}
	return lockedFile{f}, nil
}

func lock(f *os.File) error {
	ok, err := filelock.Try(f)
	if err == nil && !ok {
		err = fmt.Errorf("%w (it holds %s)", ErrLocked, f.Name())
	}
	return err
}

type lockedFile struct{ *os.File }

func (f lockedFile) Close() error { return filelock.Close(f.File) }

func (f diskFile) sync() error { return datasync(f.File) }
