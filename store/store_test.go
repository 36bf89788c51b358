package store_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

func TestParseKey(t *testing.T) {
	var k store.Key
	for i := range k {
		k[i] = byte(7 * i)
	}
	got, err := store.ParseKey(k.String())
	require.NoError(t, err)
	require.Equal(t, k, got)

	good := strings.Repeat("A", 43)
	for _, bad := range []string{
		"", good[1:], good + "A", "\n" + good[1:], good[:40] + "\r\n\n", good[:42] + "B", good[:42] + "=", "+" + good[1:], good[1:] + "é",
	} {
		_, err := store.ParseKey(bad)
		require.Error(t, err, "%q", bad)
		if len(bad) > 1 {
			require.NotContains(t, err.Error(), bad, "what was given may be a token")
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add(strings.Repeat("A", 43))
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

type wrapper struct{ store.Store }

func (w wrapper) Unwrap() store.Store { return w.Store }

type pinger struct{ *memstore.Store }

func (pinger) Ping(context.Context) error { return nil }

func TestAs(t *testing.T) {
	_, ok := store.As[store.Pinger](wrapper{wrapper{pinger{memstore.New()}}})
	require.True(t, ok)
	_, ok = store.As[io.Closer](wrapper{pinger{memstore.New()}})
	require.False(t, ok)
	_, ok = store.As[store.Pinger](wrapper{nil})
	require.False(t, ok)
}
