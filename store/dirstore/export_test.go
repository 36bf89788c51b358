package dirstore

import (
	"os"
	"sync/atomic"
	"testing"

	"github.com/sesame-go/sesame/store"
)

// Path returns the path of the store's directory.
func (s *Store) Path() string { return s.path }

// Lock calls f with k's lock held.
func Lock(t *testing.T, s *Store, k store.Key, f func()) {
	t.Helper()
	err := s.locked(t.Context(), k, func(*directory) error {
		f()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// OnSync has f called, in place of a sync, with the name of each file and
// directory that is to be synced, until the test ends.
func OnSync(t *testing.T, f func(name string) error) {
	onSync.Store(&f)
	t.Cleanup(func() { onSync.Store(nil) })
}

var onSync atomic.Pointer[func(name string) error]

func init() {
	sync := fsync
	fsync = func(f *os.File) error {
		if on := onSync.Load(); on != nil {
			return (*on)(f.Name())
		}
		return sync(f)
	}
}
