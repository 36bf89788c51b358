package envelope_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/internal/token"
)

func header() envelope.Header {
	now := time.UnixMilli(1_800_000_000_123)
	return envelope.Header{
		Codec:    2,
		Created:  now,
		Deadline: now.Add(24 * time.Hour),
		Idle:     time.Hour,
		Binding:  token.Bind("T"),
	}
}

func TestRoundTrip(t *testing.T) {
	for _, change := range []func(*envelope.Header){
		func(*envelope.Header) {},
		func(h *envelope.Header) { h.Remembered = true },
		func(h *envelope.Header) { h.Moved = true },
		func(h *envelope.Header) { h.Idle = 0 },
		func(h *envelope.Header) { h.Created = time.UnixMilli(-5) },
	} {
		want := header()
		change(&want)
		data := append(make([]byte, envelope.Len), `{"n":1}`...)
		envelope.Put(data, want)
		got, payload, err := envelope.Open(data)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, `{"n":1}`, string(payload))
	}
}

// The layout is what docs/FORMAT.md promises to people who read their database.
func TestLayout(t *testing.T) {
	require.Equal(t, 43, envelope.Len)
	data := make([]byte, envelope.Len)
	envelope.Put(data, header())
	require.Equal(t, []byte{1, 2, 0}, data[:3])
	require.Equal(t, []byte{0, 0, 1, 0xa3, 0x18, 0x5c, 0x50, 0x7b}, data[3:11])
	require.Equal(t, []byte{0, 0, 0, 0, 0, 0x36, 0xee, 0x80}, data[19:27])
}

func TestForeignData(t *testing.T) {
	good := make([]byte, envelope.Len)
	envelope.Put(good, header())
	for name, spoil := range map[string]func([]byte) []byte{
		"nothing":            func([]byte) []byte { return nil },
		"cut short":          func(b []byte) []byte { return b[:envelope.Len-1] },
		"another format":     func(b []byte) []byte { b[0] = 2; return b },
		"a flag of tomorrow": func(b []byte) []byte { b[2] = 0x80; return b },
		"negative idle":      func(b []byte) []byte { b[19] = 0xff; return b },
		"overflowing idle":   func(b []byte) []byte { b[19] = 0x7f; return b },
	} {
		_, _, err := envelope.Open(spoil(append([]byte(nil), good...)))
		require.ErrorIs(t, err, envelope.ErrForeign, name)
	}
}

func FuzzOpen(f *testing.F) {
	good := make([]byte, envelope.Len)
	envelope.Put(good, header())
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		h, payload, err := envelope.Open(data)
		if err != nil {
			return
		}
		again := append(make([]byte, envelope.Len), payload...)
		envelope.Put(again, h)
		require.Equal(t, data, again)
	})
}
