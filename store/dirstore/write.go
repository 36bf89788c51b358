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

	"github.com/sesame-go/sesame/store"
)

// orphanAge is how old a file in tmp must be to be the leaving of a process
// that was killed, and not the work of one that is slow.
const orphanAge = time.Hour

// write replaces k's file, see replace.
func (s *Store) write(k store.Key, content []byte, durable bool) error {
	return s.replace(fileName(k), content, durable)
}

// replace puts a file with the given content in the place of another or of
// none: whoever opens it finds the old content or the new one, whole. If
// durable, the content is durable before it has the name; that it has the name
// is durable after syncDir.
func (s *Store) replace(name string, content []byte, durable bool) error {
	temp := "tmp/" + strings.ToLower(rand.Text())
	err := s.create(temp, content, durable)
	if err == nil {
		err = s.root.Rename(temp, name)
	}
	if err != nil {
		_ = s.root.Remove(temp) // if it was created at all
		return failed(err)
	}
	return nil
}

// create makes a new file that only its owner can read, whatever the umask.
func (s *Store) create(name string, content []byte, durable bool) error {
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = f.Chmod(0o600)
	if err == nil {
		_, err = f.Write(content)
	}
	if err == nil && durable {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// mkdir makes a directory that only its owner can enter, whatever the umask,
// and reports whether there was none.
func (s *Store) mkdir(name string) (made bool, err error) {
	err = s.root.Mkdir(name, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err == nil {
		err = s.root.Chmod(name, 0o700)
	}
	return err == nil, err
}

// syncDir makes durable which files are in a directory.
func (s *Store) syncDir(name string) error {
	f, err := s.root.Open(name)
	if err != nil {
		return failed(err)
	}
	defer f.Close()
	if err := syncDirectory(f); err != nil {
		return failed(err)
	}
	return nil
}

// names returns the names of the files in a directory, none if that does not
// exist.
func (s *Store) names(dir string) ([]string, error) {
	f, err := s.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, failed(err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, failed(err)
	}
	return names, nil
}

// removeOrphans removes what processes have left in tmp that were killed while
// they wrote it. What cannot be removed now can be the next time.
func (s *Store) removeOrphans() error {
	names, err := s.names("tmp")
	for _, name := range names {
		name = "tmp/" + name
		info, err := s.root.Lstat(name)
		if err == nil && time.Since(info.ModTime()) > orphanAge {
			_ = s.root.Remove(name)
		}
	}
	return err
}

// syncDirectory makes a directory durable. File systems that cannot sync a
// directory say that the call is invalid, and Windows has none; there is
// nothing to be done then.
func syncDirectory(f *os.File) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
