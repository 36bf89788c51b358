package dirstore_test

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
	"github.com/sesame-go/sesame/store/storetest"
)

var _ interface {
	store.Store
	store.Rotator
	store.Lister
	store.OwnerIndex
	store.Sweeper
	io.Closer
} = (*dirstore.Store)(nil)

func open(t testing.TB, dir string, opts ...dirstore.Option) *dirstore.Store {
	t.Helper()
	s, err := dirstore.Open(dir, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, t.TempDir()) })
}

func TestStoreWithoutSync(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, t.TempDir(), dirstore.WithSync(false))
	})
}

// TestTwoHandles runs the suite over two Stores on one directory, which share
// nothing in memory, just as two processes do.
func TestTwoHandles(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		dir := t.TempDir()
		return storetest.InTurn(open(t, dir), open(t, dir))
	})
}

func TestMounted(t *testing.T) {
	dir := t.TempDir()
	all := open(t, dir)
	var n atomic.Int32
	storetest.Run(t, func(t *testing.T) store.Store {
		s, err := all.Mount(string('A' + n.Add(1)))
		require.NoError(t, err)
		t.Cleanup(func() { s.Close() })
		return s
	})
	for range all.All(t.Context()) {
		t.Fatal("what is mounted shows in the store itself")
	}
}

// key returns the n-th of as many keys as one likes.
func key(n int) (k store.Key) {
	r := rand.NewPCG(uint64(n), 0)
	for i := 0; i < len(k); i += 8 {
		binary.BigEndian.PutUint64(k[i:], r.Uint64())
	}
	return k
}

// record returns a record that lives for an hour.
func record(data string) store.Record {
	return store.Record{Expires: time.Now().Add(time.Hour).Truncate(time.Millisecond), Data: []byte(data)}
}

func save(t testing.TB, s store.Store, k store.Key, r store.Record) uint64 {
	t.Helper()
	v, err := s.Save(t.Context(), k, r)
	require.NoError(t, err)
	return v
}

// file is where the session under k is.
func file(dir string, k store.Key) string {
	name := hex.EncodeToString(k[:])
	return filepath.Join(dir, "data", name[:1], name)
}

// files returns all files below dir that are sessions, marks or temporary.
func files(t testing.TB, dir string) (names []string) {
	t.Helper()
	for _, part := range []string{"data", "own", "tmp"} {
		err := filepath.WalkDir(filepath.Join(dir, part), func(name string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				names = append(names, name)
			}
			return err
		})
		require.NoError(t, err)
	}
	return names
}
