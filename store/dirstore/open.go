package dirstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// The file that says whose directory it is, and in which format.
const (
	formatName = "format"
	format     = "sesame dirstore 1\n"
)

// layout lists what a store makes in its directory.
var layout = []string{"data", "lock", "mount", "own", "tmp"}

// Open returns the store in a directory, which it makes if it does not exist.
// It refuses a directory that holds anything else, and one of another format.
// Several Stores, in one process or many, may have one directory open.
//
// What it makes only its owner can read: files have the mode 0600 and
// directories 0700, whatever the umask. The mode of a directory that was there
// before stays.
func Open(dir string, opts ...Option) (*Store, error) {
	_, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(dir, 0o700); err == nil {
			err = os.Chmod(dir, 0o700)
		}
	}
	if err != nil {
		return nil, failed(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, failed(err)
	}
	s := &Store{sync: true}
	for _, opt := range opts {
		opt(s)
	}
	return s.open(root, dir)
}

// open makes s the store in root, which it closes if that fails.
func (s *Store) open(root *os.Root, path string) (*Store, error) {
	s.root, s.path = root, path
	s.locks.init()
	err := s.prepare()
	if err == nil {
		err = s.removeOrphans()
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return s, nil
}

// Close gives up the directory. Nothing is lost without it, as each call is
// complete when it returns. Calls after it fail, except another Close. Stores
// that Mount has returned have to be closed for themselves.
func (s *Store) Close() error {
	if err := s.root.Close(); err != nil {
		return failed(err)
	}
	return nil
}

// prepare makes what is missing of the layout, in a way that may be
// interrupted and done by several at once: the format, which comes last, says
// that all the rest is there and durable.
func (s *Store) prepare() error {
	ready, err := s.checkFormat()
	if err != nil {
		return err
	}
	dirs := slices.Clone(layout)
	for i := range fanCount {
		dirs = append(dirs, fanDirAt(i))
	}
	for _, dir := range dirs {
		made, err := s.mkdir(dir)
		if err != nil {
			return failed(err)
		}
		ready = ready && !made
	}
	if ready {
		return nil
	}
	for _, dir := range []string{"data", "."} {
		if err := s.syncDir(dir); err != nil {
			return err
		}
	}
	if err := s.replace(formatName, []byte(format), true); err != nil {
		return err
	}
	return s.syncDir(".")
}

// checkFormat reports whether there is a store already, and fails if there is
// something else.
func (s *Store) checkFormat() (ready bool, err error) {
	b, err := s.root.ReadFile(formatName)
	if errors.Is(err, fs.ErrNotExist) {
		return false, s.checkEmpty()
	}
	if err != nil {
		return false, failed(err)
	}
	if string(b) != format {
		return false, fmt.Errorf("dirstore: %s is of another format, %.40q instead of %q; "+
			"a newer version of this package may read it", s.path, b, strings.TrimSpace(format))
	}
	return true, nil
}

// checkEmpty fails if there is anything that prepare does not make.
func (s *Store) checkEmpty() error {
	names, err := s.names(".")
	if err != nil {
		return err
	}
	for _, name := range names {
		if name != formatName && !slices.Contains(layout, name) {
			return fmt.Errorf("dirstore: %s holds other things, such as %q; give the sessions a directory of their own", s.path, name)
		}
	}
	return nil
}
