package dirstore

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// Open returns the store in a directory, which it makes if it does not exist.
// It refuses a directory that holds anything else, and one of another format.
// Several Stores, in one process or many, may have one directory open. A relative
// path is that of the working directory at the time of Open.
//
// Only the user of the process can read what Open makes: files have the mode 0600
// and directories 0700, whatever the umask. An existing directory keeps its mode.
func Open(dir string, opts ...Option) (*Store, error) {
	c := config{sync: true}
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("dirstore: an option is nil; leave it out")
		}
		o.apply(&c)
	}
	if c.log == nil {
		c.log = slog.Default()
	}
	if dir == "" {
		return nil, errors.New("dirstore: the path is empty; name the directory for the sessions")
	}
	path, err := filepath.Abs(dir)
	if err == nil {
		err = makeDirectory(path)
	}
	if err != nil {
		return nil, withCure(failed(err))
	}
	return newStore(c, path, func() (*directory, error) { return openDirectory(path) })
}

func newStore(c config, path string, open func() (*directory, error)) (*Store, error) {
	d, err := open()
	if err != nil {
		return nil, withCure(err)
	}
	s := &Store{config: c, path: path, open: open}
	s.locks.init()
	s.dir.Store(d)
	return s, nil
}

// withCure adds advice to the error of a directory that cannot be opened, unless it
// has some.
func withCure(err error) error {
	var system *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; make the directory again, empty or from a backup", err)
	case errors.As(err, &system):
		return fmt.Errorf("%w; it has to be on a disk with room, and the program's user must be allowed to read, write and enter it", err)
	}
	return err
}

// Close closes the directory. A program that ends without it loses nothing, since
// each call is complete when it returns. Later calls fail with [os.ErrClosed],
// except Close. Stores that Mount has returned are closed separately.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.dir.Swap(nil); d != nil {
		return d.root.Close()
	}
	return nil
}

// current returns the directory that is at the store's path now.
func (s *Store) current() (*directory, error) {
	if d, err := s.look(); d != nil || err != nil {
		return d, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if d, err := s.look(); d != nil || err != nil { // another goroutine came first
		return d, err
	}
	return s.reopen()
}

// look returns the open directory, nil if another one or none is at the path.
func (s *Store) look() (*directory, error) {
	d := s.dir.Load()
	if d == nil {
		return nil, failed(os.ErrClosed)
	}
	info, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(info, d.info) {
		return nil, nil
	}
	// A path that this process is not allowed to look up, for instance because
	// it has given up rights since Open, says nothing about the directory.
	return d, nil
}

// reopen opens what is at the store's path, and makes what is missing there. It
// is called with mu held.
func (s *Store) reopen() (*directory, error) {
	if s.dir.Load() == nil {
		return nil, failed(os.ErrClosed)
	}
	d, err := s.open()
	if err != nil {
		return nil, withCure(err)
	}
	s.dir.Store(d) // the garbage collector closes the other when no call uses it
	return d, nil
}

// within calls f with the store's directory, and once more if something of the
// layout was missing there, after it was made again.
func (s *Store) within(f func(*directory) error) error {
	d, err := s.current()
	if err != nil {
		return err
	}
	if err = f(d); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.mu.Lock()
	d, err = s.reopen()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return f(d)
}
