package token_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/token"
)

func TestNew(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		tok := token.New()
		require.True(t, token.Valid(tok))
		require.False(t, seen[tok])
		seen[tok] = true
	}
}

func TestValid(t *testing.T) {
	good := strings.Repeat("A", token.Len)
	require.True(t, token.Valid(good))
	for _, bad := range []string{
		"", good[1:], good + "A", strings.ToLower(good), `"` + good[2:] + `"`,
		good[1:] + "1", good[1:] + "8", good[1:] + "=", good[1:] + "\x00", good[1:] + "\n",
		"__proto__", "../../../../../../etc/passw", strings.Repeat("A", 4096),
	} {
		require.False(t, token.Valid(bad), "%q", bad)
	}
}

func TestKeyIsTheDocumentedHash(t *testing.T) {
	tok := token.New()
	require.Equal(t, sha256.Sum256([]byte("sesame/v1/id"+tok)), [32]byte(token.Key(tok)))
	require.False(t, token.Valid(token.Key(tok).String()), "an ID must never work as a token")
}

func TestBinding(t *testing.T) {
	a, b := token.New(), token.New()
	require.True(t, token.Bind(a).Binds(a))
	require.False(t, token.Bind(a).Binds(b))
	key := token.Key(a)
	require.NotEqual(t, token.Binding(key[:16]), token.Bind(a), "the key in the store must not reveal the binding")
}

func TestAllocations(t *testing.T) {
	tok := token.New()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = token.Key(tok)
		_ = token.Bind(tok).Binds(tok)
	}))
}
