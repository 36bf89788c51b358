package dirstore

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// orphanAge is how old a file in tmp must be to count as left by a process that was
// killed. Younger ones may belong to a slow process.
const orphanAge = time.Hour

// fsync is a variable for tests that observe what is made durable.
var fsync = (*os.File).Sync

// replace creates or replaces a file. A reader finds the old content or the new
// one, whole. If durable, the
// content is durable before it has the name; that it has the name is durable
// after syncDir.
func (d *directory) replace(name string, content []byte, durable bool) error {
	temp := "tmp/" + strings.ToLower(rand.Text())
	err := d.create(temp, content, durable)
	if err == nil {
		err = d.root.Rename(temp, name)
	}
	if err != nil {
		_ = d.root.Remove(temp) // if it was created at all
		return d.failed(err)
	}
	return nil
}

// create makes a new file that only its owner can read, whatever the umask.
func (d *directory) create(name string, content []byte, durable bool) error {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = f.Chmod(0o600)
	if err == nil {
		_, err = f.Write(content)
	}
	if err == nil && durable {
		err = fsync(f)
	}
	return errors.Join(err, f.Close())
}

// mkdir makes a directory that only its owner can enter, whatever the umask,
// and reports whether there was none.
func (d *directory) mkdir(name string) (made bool, err error) {
	err = d.root.Mkdir(name, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err == nil {
		err = d.root.Chmod(name, 0o700)
	}
	if err != nil {
		return false, d.failed(err)
	}
	return true, nil
}

// syncDir makes durable which files are in a directory.
func (d *directory) syncDir(name string) error {
	f, err := d.root.Open(name)
	if err != nil {
		return d.failed(err)
	}
	defer f.Close()
	if err := syncDirectory(f); err != nil {
		return d.failed(err)
	}
	return nil
}

// names returns the names of the files in a directory, none if that does not
// exist.
func (d *directory) names(dir string) ([]string, error) {
	f, err := d.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, d.failed(err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // it was removed after it was opened
		return nil, d.failed(err)
	}
	return names, nil
}

// removeOrphans removes files that processes which were killed have left in tmp.
// One that cannot be removed now is left for the next time.
func (d *directory) removeOrphans() error {
	names, err := d.names("tmp")
	for _, name := range names {
		name = "tmp/" + name
		info, err := d.root.Lstat(name)
		if err == nil && time.Since(info.ModTime()) > orphanAge {
			_ = d.root.Remove(name)
		}
	}
	return err
}

// syncDirectory makes a directory durable. It does nothing on Windows, and on file
// systems that cannot sync a directory and return EINVAL.
func syncDirectory(f *os.File) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	if err := fsync(f); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
