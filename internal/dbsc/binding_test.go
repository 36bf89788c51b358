package dbsc_test

import (
	"bytes"
	"crypto/elliptic"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/dbsc"
	"github.com/sesame-go/sesame/store"
)

var purposes = []dbsc.Purpose{dbsc.Registration, dbsc.Refresh, dbsc.Proof}

func TestBinding(t *testing.T) {
	b := dbsc.Offer()
	require.NotEqual(t, dbsc.Offer(), b)
	for range 2 { // offered, bound
		got, err := dbsc.Parse(b.Bytes())
		require.NoError(t, err)
		require.Equal(t, b, got)
		key, _, err := dbsc.VerifyRegistration(ec(t, elliptic.P256()).registration(t, "c"), both)
		require.NoError(t, err)
		b.Key, b.Since = key, time.UnixMilli(1_800_000_000_123)
	}
	for _, n := range []int{0, 1, 15, 17, 24} {
		_, err := dbsc.Parse(make([]byte, n))
		require.ErrorIs(t, err, dbsc.ErrDamaged, n)
	}
}

// A stamp is good for the session, the secret and the purpose that it was made
// for.
func TestStamps(t *testing.T) {
	b, id, at := dbsc.Offer(), store.Key{1}, time.UnixMilli(1_800_000_000_123)
	for _, p := range purposes {
		stamp := b.Stamp(p, id, at)
		got, ok := b.Read(p, id, stamp)
		require.True(t, ok)
		require.True(t, at.Equal(got))
		require.NotEqual(t, stamp, b.Stamp(p, id, at), "two challenges are alike")

		for name, try := range map[string]func() (time.Time, bool){
			"another session": func() (time.Time, bool) { return b.Read(p, store.Key{2}, stamp) },
			"another secret":  func() (time.Time, bool) { return dbsc.Offer().Read(p, id, stamp) },
			"shorter":         func() (time.Time, bool) { return b.Read(p, id, stamp[1:]) },
			"longer":          func() (time.Time, bool) { return b.Read(p, id, stamp+"A") },
			"nothing":         func() (time.Time, bool) { return b.Read(p, id, "") },
			"no base64":       func() (time.Time, bool) { return b.Read(p, id, strings.Repeat("!", len(stamp))) },
			"line breaks":     func() (time.Time, bool) { return b.Read(p, id, strings.Repeat("\n", len(stamp))) },
			"zeros":           func() (time.Time, bool) { return b.Read(p, id, strings.Repeat("A", len(stamp))) },
		} {
			_, ok := try()
			require.False(t, ok, "%s: %s", p, name)
		}
		for _, other := range purposes {
			_, ok := b.Read(other, id, stamp)
			require.Equal(t, other == p, ok)
		}
		for i := range stamp {
			spoiled := []byte(stamp)
			if spoiled[i]++; spoiled[i] > 'z' {
				spoiled[i] = 'A'
			}
			_, ok := b.Read(p, id, string(spoiled))
			require.False(t, ok, "character %d", i)
		}
	}
}

func TestTerms(t *testing.T) {
	terms := dbsc.Terms{Lifetime: 10 * time.Minute}
	require.Equal(t, 9*time.Minute+50*time.Second, terms.Cookie(0))
	require.True(t, terms.Proven(10*time.Minute-1))
	require.False(t, terms.Proven(10*time.Minute))
	require.True(t, terms.Proven(-2*time.Second), "a clock that is behind")

	// A cookie that the browser still has is good, whichever of two servers made
	// it, with clocks 2 s apart.
	for _, lifetime := range []time.Duration{3 * time.Minute, 10 * time.Minute, time.Hour} {
		terms := dbsc.Terms{Lifetime: lifetime}
		for _, apart := range []time.Duration{-2 * time.Second, 0, 2 * time.Second} {
			for age := time.Duration(0); terms.Answered(age + apart); age += time.Second {
				life := terms.Cookie(age + apart)
				require.Greater(t, life, 2*time.Minute, "the browser refreshes at once")
				require.True(t, terms.Proven(age+life+apart))
			}
		}
		// A proof never outlives the lifetime, however late it was signed.
		require.False(t, terms.Answered(min(30*time.Second, lifetime/4)))
		require.True(t, terms.Answered(-2*time.Second))
		require.True(t, terms.Offered(lifetime-1))
		require.False(t, terms.Offered(lifetime))
	}
	require.True(t, terms.Fresh(time.Minute-1))
	require.False(t, terms.Fresh(time.Minute))
	require.True(t, terms.Begun(10*time.Second-1))
	require.False(t, terms.Begun(10*time.Second))
	require.False(t, terms.Begun(-10*time.Second))
}

func FuzzParse(f *testing.F) {
	f.Add(dbsc.Offer().Bytes())
	f.Add(dbsc.Binding{Key: []byte("key"), Since: time.UnixMilli(5)}.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := dbsc.Parse(data)
		if err != nil {
			require.ErrorIs(t, err, dbsc.ErrDamaged)
			return
		}
		require.True(t, bytes.Equal(data, b.Bytes()))
		_, _ = b.PublicKey()
	})
}
