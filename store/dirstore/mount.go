package dirstore

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// maxNamespace is the greatest length of a namespace as a directory's name.
const maxNamespace = 200

// Mount returns the store of a namespace, for one of several applications that
// share a directory. It is a store of its own, with its own sessions, owners,
// locks and namespaces, in a directory below this one's that it cannot reach
// out of; it shares the options and nothing else. The same namespace is the
// same store, whoever mounts it.
//
// A namespace is any string but "", of up to 200 bytes of which those other
// than lower-case letters, digits, and "-" count thrice. Namespaces are
// different if any byte is.
func (s *Store) Mount(namespace string) (*Store, error) {
	name := escape(namespace)
	switch {
	case namespace == "":
		return nil, errors.New(`dirstore: the namespace is empty; the store itself needs no Mount`)
	case len(name) > maxNamespace:
		return nil, fmt.Errorf("dirstore: the namespace %.40q… is too long: %d bytes as a file name, more than %d",
			namespace, len(name), maxNamespace)
	}
	// The prefix keeps it from being a device's name, such as con.
	name = "mount/ns-" + name
	made, err := s.mkdir(name)
	if err != nil {
		return nil, failed(err)
	}
	if made {
		if err := s.syncDir("mount"); err != nil {
			return nil, err
		}
	}
	root, err := s.root.OpenRoot(name)
	if err != nil {
		return nil, failed(err)
	}
	return (&Store{sync: s.sync}).open(root, filepath.Join(s.path, filepath.FromSlash(name)))
}

// escape writes s as a file name: one that differs from another's in more than
// the case of its letters, and is no path.
func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	return b.String()
}
