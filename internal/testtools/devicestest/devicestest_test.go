package devicestest

import (
	"context"
	"io"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
	"github.com/sesame-go/sesame/store/logstore"
	"github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/sealed"
)

// stores opens the stores of the core module, each as several processes would if
// they can share it.
var stores = map[string]func(t testing.TB) []store.Store{
	"memstore": func(testing.TB) []store.Store { return []store.Store{memstore.New()} },
	"logstore": func(t testing.TB) []store.Store {
		s, err := logstore.Open(filepath.Join(t.TempDir(), "sessions.db"))
		require.NoError(t, err)
		return []store.Store{closed(t, s)}
	},
	"dirstore": func(t testing.TB) []store.Store {
		dir := t.TempDir()
		first, err := dirstore.Open(dir)
		require.NoError(t, err)
		second, err := dirstore.Open(dir)
		require.NoError(t, err)
		return []store.Store{closed(t, first), closed(t, second)}
	},
	"far": func(testing.TB) []store.Store { s := far{memstore.New()}; return []store.Store{s, s} },
	"sealed": func(t testing.TB) []store.Store {
		s, err := sealed.New(memstore.New(), []byte("0123456789abcdef0123456789abcdef"))
		require.NoError(t, err)
		return []store.Store{s}
	},
}

func TestStores(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) { Run(t, open(t)...) })
	}
}

func BenchmarkDevices(b *testing.B) {
	for _, name := range []string{"memstore", "logstore", "dirstore"} {
		b.Run("engine="+name, func(b *testing.B) { Benchmark(b, stores[name](b)[0], nil) })
	}
}

// closed closes s at the end of the test, and returns it.
func closed(t testing.TB, s store.Store) store.Store {
	t.Cleanup(func() { require.NoError(t, s.(io.Closer).Close()) })
	return s
}

// far is a store whose calls take a while, each a different time.
type far struct{ *memstore.Store }

func (far) wait() { time.Sleep(rand.N(2 * time.Millisecond)) }

func (f far) Load(ctx context.Context, k store.Key) (store.Record, error) {
	f.wait()
	defer f.wait()
	return f.Store.Load(ctx, k)
}

func (f far) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	f.wait()
	defer f.wait()
	return f.Store.Save(ctx, k, r)
}

func (f far) Delete(ctx context.Context, k store.Key) error {
	f.wait()
	defer f.wait()
	return f.Store.Delete(ctx, k)
}

func (f far) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	f.wait()
	return f.Store.Owned(ctx, owner)
}
