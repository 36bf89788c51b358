package dirstore_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"io"
	"iter"
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

// A full store has all that the tests make use of.
type full interface {
	store.Store
	store.Rotator
	store.Lister
	store.OwnerIndex
	store.Sweeper
}

var _ interface {
	full
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
		return &alternating{stores: [2]*dirstore.Store{open(t, dir), open(t, dir)}}
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

// alternating gives each call to the other store.
type alternating struct {
	stores [2]*dirstore.Store
	calls  atomic.Int64
}

func (a *alternating) next() full { return a.stores[a.calls.Add(1)%2] }

func (a *alternating) Load(ctx context.Context, k store.Key) (store.Record, error) {
	return a.next().Load(ctx, k)
}

func (a *alternating) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	return a.next().Save(ctx, k, r)
}

func (a *alternating) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	return a.next().Touch(ctx, k, expires)
}

func (a *alternating) Delete(ctx context.Context, k store.Key) error {
	return a.next().Delete(ctx, k)
}

func (a *alternating) Rotate(ctx context.Context, from, to store.Key, r store.Record) (uint64, error) {
	return a.next().Rotate(ctx, from, to, r)
}

func (a *alternating) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return a.next().All(ctx)
}

func (a *alternating) Owned(ctx context.Context, owner string) iter.Seq2[store.Key, error] {
	return a.next().Owned(ctx, owner)
}

func (a *alternating) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	return a.next().DeleteOwned(ctx, owner, keep...)
}

func (a *alternating) Sweep(ctx context.Context, limit int) (int, error) {
	return a.next().Sweep(ctx, limit)
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
