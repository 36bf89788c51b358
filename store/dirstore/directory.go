package dirstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// A directory is an open one, with all that a store needs in it.
type directory struct {
	root *os.Root
	path string // of root, for messages
	info fs.FileInfo
}

// The file that says whose directory it is, and in which format.
const (
	formatName = "format"
	format     = "sesame dirstore 2\n"
)

// layout lists what a store makes in its directory.
var layout = []string{"data", "lock", "mount", "own", "tmp"}

// openDirectory opens the directory at path, which must exist.
func openDirectory(path string) (*directory, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, failed(err)
	}
	return prepared(root, path)
}

// mounted opens the directory of a namespace in d, and makes it if need be.
func (d *directory) mounted(name string) (*directory, error) {
	made, err := d.mkdir(name)
	if err == nil && made {
		err = d.syncDir("mount")
	}
	if err != nil {
		return nil, err
	}
	root, err := d.root.OpenRoot(name)
	if err != nil {
		return nil, d.failed(err)
	}
	return prepared(root, d.file(name))
}

// prepared makes root a store's directory, or closes it.
func prepared(root *os.Root, path string) (*directory, error) {
	d := &directory{root: root, path: path}
	err := d.prepare()
	if err == nil {
		err = d.removeOrphans()
	}
	if err == nil {
		d.info, err = root.Stat(".")
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return d, nil
}

// failed adds the directory's path to an error whose paths are relative to it.
func (d *directory) failed(err error) error { return fmt.Errorf("dirstore: %s: %w", d.path, err) }

func failed(err error) error { return fmt.Errorf("dirstore: %w", err) }

// prepare makes what is missing of the layout. It may be interrupted, and several
// processes may run it at once: the format file, which it makes last, says that all
// the rest is there and durable.
func (d *directory) prepare() error {
	ready, err := d.checkFormat()
	if err != nil {
		return err
	}
	dirs := slices.Clone(layout)
	for i := range fanCount {
		dirs = append(dirs, fanDirAt(i))
	}
	for _, dir := range dirs {
		made, err := d.mkdir(dir)
		if err != nil {
			return err
		}
		ready = ready && !made
	}
	if ready {
		return nil
	}
	for _, dir := range []string{"data", "."} {
		if err := d.syncDir(dir); err != nil {
			return err
		}
	}
	if err := d.replace(formatName, []byte(format), true); err != nil {
		return err
	}
	return d.syncDir(".")
}

// checkFormat reports whether there is a store already, and fails if there is
// something else.
func (d *directory) checkFormat() (ready bool, err error) {
	b, err := d.root.ReadFile(formatName)
	if errors.Is(err, fs.ErrNotExist) {
		return false, d.checkEmpty()
	}
	if err != nil {
		return false, d.failed(err)
	}
	if string(b) != format {
		return false, fmt.Errorf("dirstore: %s is of another format, %.40q instead of %q; "+
			"use the version of this package that made it, or give the sessions another directory", d.path, b, format)
	}
	return true, nil
}

// checkEmpty fails if there is anything that prepare does not make.
func (d *directory) checkEmpty() error {
	names, err := d.names(".")
	for _, name := range names {
		if name != formatName && !slices.Contains(layout, name) {
			return fmt.Errorf("dirstore: %s holds other things, such as %q; give the sessions a directory of their own", d.path, name)
		}
	}
	return err
}

// makeDirectory makes a directory and its parents, durably.
func makeDirectory(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is a file; give the sessions a directory of their own", path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if err := makeDirectory(parent); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := os.Chmod(path, 0o700); err != nil { // whatever the umask
		return err
	}
	f, err := os.Open(parent)
	if errors.Is(err, fs.ErrPermission) {
		return nil // it may be entered and not read, and so cannot be synced
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return syncDirectory(f)
}
