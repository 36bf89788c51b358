package store_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

func TestKeyString(t *testing.T) {
	require.Equal(t, strings.Repeat("A", 22), store.Key{}.String())
	require.Equal(t, "AAECAwQFBgcICQoLDA0ODw", store.Key{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}.String())
}

func TestParseKey(t *testing.T) {
	var k store.Key
	for i := range k {
		k[i] = byte(17 * i)
	}
	got, err := store.ParseKey(k.String())
	require.NoError(t, err)
	require.Equal(t, k, got)
	for _, last := range "AQgw" {
		_, err := store.ParseKey(k.String()[:21] + string(last))
		require.NoError(t, err)
	}

	good := strings.Repeat("A", 22)
	for _, bad := range []string{
		"", good[1:], good + "A", "\n" + good[1:], good[:19] + "\r\n\n", good[:21] + "B", good[:21] + "=", "+" + good[1:], good[2:] + "é",
		strings.Repeat("A", 43), k.String() + "." + good,
	} {
		_, err := store.ParseKey(bad)
		require.Error(t, err, "%q", bad)
		if len(bad) > 1 {
			require.NotContains(t, err.Error(), bad, "what was given may be a token")
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add(strings.Repeat("A", 22))
	f.Fuzz(func(t *testing.T, s string) {
		if k, err := store.ParseKey(s); err == nil {
			require.Equal(t, s, k.String())
		}
	})
}

func TestExpiredIsNotFound(t *testing.T) {
	require.ErrorIs(t, store.ErrExpired, store.ErrNotFound)
	require.False(t, errors.Is(store.ErrNotFound, store.ErrExpired))
}

// engine has the four methods.
type engine struct{}

func (engine) Load(context.Context, store.Key) (store.Record, error) {
	return store.Record{}, store.ErrNotFound
}
func (engine) Save(context.Context, store.Key, store.Record) (uint64, error) { return 1, nil }
func (engine) Touch(context.Context, store.Key, time.Time) error             { return nil }
func (engine) Delete(context.Context, store.Key) error                       { return nil }

// counting has two of the optional interfaces.
type counting struct{ engine }

func (counting) Count(context.Context) (int, error) { return 7, nil }
func (counting) Ping(context.Context) error         { return nil }

// plain wraps a store and hides all but the four methods.
type plain struct{ store.Store }

func (w plain) Unwrap() store.Store { return w.Store }

// forwarding wraps a store and has optional interfaces whatever is inside.
type forwarding struct{ plain }

func (w forwarding) Count(ctx context.Context) (int, error) {
	if c, ok := store.Capability[store.Counter](w.Store); ok {
		return c.Count(ctx)
	}
	return 0, errors.ErrUnsupported
}

func (w forwarding) All(context.Context) iter.Seq2[store.Entry, error] {
	return func(func(store.Entry, error) bool) {}
}

func TestAs(t *testing.T) {
	_, ok := store.As[store.Pinger](plain{plain{counting{}}})
	require.True(t, ok)
	_, ok = store.As[io.Closer](plain{counting{}})
	require.False(t, ok)
	_, ok = store.As[store.Pinger](plain{nil})
	require.False(t, ok)
}

func TestCapability(t *testing.T) {
	for _, c := range []struct {
		name  string
		s     store.Store
		count bool
	}{
		{"a store that counts", counting{}, true},
		{"a store that does not", engine{}, false},
		{"a wrapper that hides it", plain{counting{}}, false},
		{"a wrapper that forwards it", forwarding{plain{counting{}}}, true},
		{"a wrapper with nothing to forward", forwarding{plain{engine{}}}, false},
		{"two wrappers that forward it", forwarding{plain{forwarding{plain{counting{}}}}}, true},
		{"a wrapper of one that hides it", forwarding{plain{plain{counting{}}}}, true}, // its method says errors.ErrUnsupported
		{"a wrapper that hides a wrapper", plain{forwarding{plain{counting{}}}}, false},
		{"a wrapper of nothing", forwarding{plain{nil}}, true},
		{"nothing", nil, false},
	} {
		got, ok := store.Capability[store.Counter](c.s)
		require.Equal(t, c.count, ok, c.name)
		require.Equal(t, c.count, got != nil, c.name)
	}

	c, ok := store.Capability[store.Counter](forwarding{plain{counting{}}})
	require.True(t, ok)
	n, err := c.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 7, n)

	c, ok = store.Capability[store.Counter](forwarding{plain{plain{counting{}}}})
	require.True(t, ok)
	_, err = c.Count(t.Context())
	require.ErrorIs(t, err, errors.ErrUnsupported)

	_, ok = store.Capability[store.Lister](forwarding{plain{counting{}}})
	require.False(t, ok, "the innermost store lists nothing")
}
