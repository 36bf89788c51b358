package token_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

func TestNew(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		tok := token.New()
		require.True(t, token.Valid(tok))
		id, secret, _ := strings.Cut(tok, ".")
		require.False(t, seen[id])
		require.False(t, seen[secret])
		seen[id], seen[secret] = true, true
		require.Equal(t, id, token.ID(tok).String())
	}
}

func TestRenew(t *testing.T) {
	a := token.New()
	b := token.Renew(token.ID(a))
	require.True(t, token.Valid(b))
	require.Equal(t, token.ID(a), token.ID(b))
	require.NotEqual(t, a, b)
	require.False(t, token.HashOf(a).Equal(token.HashOf(b)))
}

func TestValid(t *testing.T) {
	half := strings.Repeat("A", 22)
	good := half + "." + half
	require.True(t, token.Valid(good))
	for _, last := range "AQgw" {
		require.True(t, token.Valid(half[1:]+string(last)+"."+half[1:]+string(last)))
	}
	for _, bad := range []string{
		"", half, half + ".", good[1:], good + "A", "." + good[1:], half + half + "A", half + "," + half, half + ".." + half[1:],
		good[:44] + "B", good[:21] + "B" + good[22:], good[:44] + "=", good[:44] + "\x00", good[:44] + "\n", good[:44] + "+", good[:44] + "/",
		`"` + good[2:] + `"`, good[:43] + "é", "__proto__", strings.Repeat("A", 4096),
	} {
		require.False(t, token.Valid(bad), "%q", bad)
	}
}

// FuzzValid holds the form to the standard library's strict base64url.
func FuzzValid(f *testing.F) {
	f.Add(token.New())
	f.Fuzz(func(t *testing.T, s string) {
		id, secret, ok := strings.Cut(s, ".")
		for _, half := range []string{id, secret} {
			raw, err := base64.RawURLEncoding.Strict().DecodeString(half)
			ok = ok && err == nil && len(raw) == 16 && base64.RawURLEncoding.EncodeToString(raw) == half
		}
		require.Equal(t, ok, token.Valid(s))
		if ok {
			k, err := store.ParseKey(id)
			require.NoError(t, err)
			require.Equal(t, k, token.ID(s))
		}
	})
}

func TestHashIsTheDocumentedOne(t *testing.T) {
	tok := token.New()
	sum := sha256.Sum256([]byte("sesame/v1/token/" + tok))
	require.Equal(t, token.Hash(sum[:16]), token.HashOf(tok))
	require.True(t, token.HashOf(tok).Equal(token.HashOf(tok)))
	require.False(t, token.HashOf(tok).Equal(token.Hash{}))
}

func TestAllocations(t *testing.T) {
	tok := token.New()
	h := token.HashOf(tok)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = token.ID(tok)
		_ = token.HashOf(tok).Equal(h)
	}))
}
