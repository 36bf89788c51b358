package dirstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// maxNamespace is the greatest length of a namespace as a directory's name.
const maxNamespace = 200

// Mount returns the store of a namespace, for one of several applications that
// share a directory. It is a store with its own sessions, owners, locks and
// namespaces, in a directory below that of s, which it cannot leave. It has the
// options of s. A namespace is the same store in all processes that mount it.
//
// A namespace is any string but "", of up to 200 bytes of which those other
// than lower-case letters, digits, and "-" count as three. Namespaces are
// different if any byte is.
func (s *Store) Mount(namespace string) (*Store, error) {
	name := escape(namespace)
	switch {
	case namespace == "":
		return nil, errors.New(`dirstore: the namespace is empty; the store itself needs no Mount`)
	case len(name) > maxNamespace:
		return nil, fmt.Errorf("dirstore: the namespace %.40q… is too long: %d bytes as a file name, more than %d",
			namespace, len(name), maxNamespace)
	case s.dir.Load() == nil:
		return nil, failed(os.ErrClosed)
	}
	// With the prefix it cannot be the name of a device, such as con.
	name = "mount/ns-" + name
	open := s.open
	return newStore(s.config, filepath.Join(s.path, filepath.FromSlash(name)), func() (*directory, error) {
		outer, err := open()
		if err != nil {
			return nil, err
		}
		defer outer.root.Close()
		return outer.mounted(name)
	})
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
