package dirstore_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
	"github.com/sesame-go/sesame/store/storetest"
)

var _ interface {
	store.Store
	store.Lister
	store.OwnerIndex
	store.Sweeper
	store.Counter
	io.Closer
} = (*dirstore.Store)(nil)

// TestStore runs the suite over stores that are mounted in one directory, as they
// need all that others do. Second is a Store on the same directory which shares
// nothing in memory with the first, as in another process.
func TestStore(t *testing.T) {
	dirstore.OnSync(t, func(string) error { return nil }) // the disk is not the point
	all := open(t, t.TempDir())
	t.Cleanup(func() {
		for range all.All(context.Background()) {
			t.Error("what is mounted shows in the store itself")
		}
	})
	mount := func(t *testing.T, namespace string) *dirstore.Store {
		s, err := all.Mount(namespace)
		require.NoError(t, err)
		t.Cleanup(func() { s.Close() })
		return s
	}
	var n atomic.Int32
	var namespaces sync.Map
	storetest.Run(t, func(t *testing.T) store.Store {
		namespace := "suite " + strconv.Itoa(int(n.Add(1)))
		s := mount(t, namespace)
		namespaces.Store(store.Store(s), namespace)
		return s
	}, storetest.Second(func(t *testing.T, first store.Store) store.Store {
		namespace, _ := namespaces.Load(first)
		return mount(t, namespace.(string))
	}))
}

// TestDurable sees which calls make a session's file and its directory durable
// if WithSync does not.
func TestDurable(t *testing.T) {
	s := open(t, t.TempDir(), dirstore.WithSync(dirstore.Never))
	k := key(1)
	file, dir := filepath.Join(s.Path(), "tmp"), filepath.Dir(file(s.Path(), k))
	synced := make(map[string]bool)
	dirstore.OnSync(t, func(name string) error {
		if filepath.Dir(name) == file {
			name = file // its own name is random
		}
		synced[name] = true
		return nil
	})
	syncs := func(want bool, what string) {
		t.Helper()
		assert.Equal(t, want, synced[file] && synced[dir], what)
		clear(synced)
	}
	r := record("data")
	r.Version = save(t, s, k, r)
	syncs(false, "plain save")
	require.NoError(t, s.Touch(t.Context(), k, time.Now().Add(2*time.Hour)))
	syncs(false, "touch")
	r.Durable = true
	r.Version = save(t, s, k, r)
	syncs(true, "save with Durable")
	got, err := s.Load(t.Context(), k)
	require.NoError(t, err)
	assert.False(t, got.Durable)
	r.Durable, r.Owner = false, "ann"
	save(t, s, k, r)
	syncs(true, "save with another owner")
	for what, remove := range map[string]func() error{
		"delete": func() error { return s.Delete(t.Context(), k) },
		"delete owned": func() error {
			_, err := s.DeleteOwned(t.Context(), "ann")
			return err
		},
	} {
		r.Version = 0
		s.Save(t.Context(), k, r)
		clear(synced)
		require.NoError(t, remove())
		assert.True(t, synced[dir], what)
	}

	// By default all of it is.
	s = open(t, s.Path())
	r = record("data")
	r.Version = save(t, s, k, r)
	syncs(true, "save")
	require.NoError(t, s.Touch(t.Context(), k, time.Now().Add(2*time.Hour)))
	assert.True(t, synced[file], "touch")
}

// TestSyncFails sees that a session that is not durable is not acknowledged.
func TestSyncFails(t *testing.T) {
	s := open(t, t.TempDir())
	r := record("before")
	r.Version = save(t, s, key(1), r)
	var broken string
	dirstore.OnSync(t, func(name string) error {
		if filepath.Base(filepath.Dir(name)) == broken {
			return io.ErrNoProgress
		}
		return nil
	})
	for _, broken = range []string{"tmp", "own", "data"} {
		r.Owner, r.Data = "ann of "+broken, []byte(broken)
		_, err := s.Save(t.Context(), key(1), r)
		require.ErrorIs(t, err, io.ErrNoProgress, broken)
		got, err := s.Load(t.Context(), key(1))
		require.NoError(t, err)
		assert.Contains(t, []string{"before", broken}, string(got.Data), "what is there is the old session or the new one")
		r.Version = got.Version
		require.Len(t, temporary(t, s), 0)
	}
}

func temporary(t *testing.T, s *dirstore.Store) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.Path(), "tmp"))
	require.NoError(t, err)
	return entries
}

var ctx = context.Background()

func open(t testing.TB, dir string, opts ...dirstore.Option) *dirstore.Store {
	t.Helper()
	s, err := dirstore.Open(dir, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// key returns the n-th key.
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

// owned returns a record of an owner.
func owned(owner, data string) store.Record {
	r := record(data)
	r.Owner = owner
	return r
}

func save(t testing.TB, s store.Store, k store.Key, r store.Record) uint64 {
	t.Helper()
	v, err := s.Save(ctx, k, r)
	require.NoError(t, err)
	return v
}

// file is where the session under k is.
func file(dir string, k store.Key) string {
	name := hex.EncodeToString(k[:])
	return filepath.Join(dir, "data", name[:1], name)
}
