package envelope_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/internal/token"
)

func header() envelope.Header {
	now := time.UnixMilli(1_800_000_000_123)
	return envelope.Header{
		Secret:   token.HashOf("T"),
		Previous: token.HashOf("S"),
		Codec:    2,
		Schema:   1,
		Created:  now.Add(-time.Hour),
		Renewed:  now,
		Deadline: now.Add(24 * time.Hour),
		Idle:     time.Hour,
	}
}

func put(h envelope.Header, payload string) []byte {
	return append(h.Append(nil), payload...)
}

func TestRoundTrip(t *testing.T) {
	for name, change := range map[string]func(*envelope.Header){
		"plain":       func(*envelope.Header) {},
		"remembered":  func(h *envelope.Header) { h.Remembered = true },
		"fixed end":   func(h *envelope.Header) { h.Idle = 0 },
		"no end":      func(h *envelope.Header) { h.Deadline = time.Time{} },
		"before 1970": func(h *envelope.Header) { h.Created = time.UnixMilli(-5) },
		"no previous": func(h *envelope.Header) { h.Previous = token.Hash{} },
		"schema":      func(h *envelope.Header) { h.Schema = 65535 },
		"offered":     func(h *envelope.Header) { h.Device = []byte("secret") },
		"bound":       func(h *envelope.Header) { h.Device, h.Bound = []byte("secret and key"), true },
		"longer":      func(h *envelope.Header) { h.Extra = bytes.Repeat([]byte("x"), 65533) },
		"both":        func(h *envelope.Header) { h.Device, h.Extra = []byte("secret"), []byte("later") },
	} {
		t.Run(name, func(t *testing.T) {
			want := header()
			change(&want)
			got, payload, named, err := envelope.Open(put(want, "payload"))
			require.NoError(t, err)
			require.True(t, named)
			require.Equal(t, want, got)
			require.Equal(t, "payload", string(payload))
		})
	}
}

// The layout is what docs/FORMAT.md promises to people who read their database.
func TestLayout(t *testing.T) {
	require.Equal(t, 71, envelope.Len)
	h := header()
	h.Remembered = true
	data := put(h, "payload")
	require.Equal(t, []byte{1, 1}, data[:2], "format, flags")
	require.Equal(t, h.Secret[:], data[2:18])
	require.Equal(t, h.Previous[:], data[18:34])
	require.Equal(t, []byte{2, 0, 1}, data[34:37], "codec, schema version")
	require.Equal(t, []byte{0, 0, 1, 0xa3, 0x18, 0x5c, 0x50, 0x7b}, data[45:53], "renewed")
	require.Equal(t, []byte{0, 0, 0, 0, 0, 0x36, 0xee, 0x80}, data[61:69], "idle timeout")
	require.Equal(t, []byte{0, 0}, data[69:71], "length of what is appended")
	require.Equal(t, "payload", string(data[71:]))
}

func TestUnreadable(t *testing.T) {
	good := put(header(), "payload")
	for name, test := range map[string]struct {
		spoil func([]byte) []byte
		named bool
		err   error
	}{
		"nothing":              {func([]byte) []byte { return nil }, false, envelope.ErrDamaged},
		"cut within hashes":    {func(b []byte) []byte { return b[:33] }, false, envelope.ErrDamaged},
		"cut after hashes":     {func(b []byte) []byte { return b[:34] }, true, envelope.ErrDamaged},
		"cut header":           {func(b []byte) []byte { return b[:envelope.Len-1] }, true, envelope.ErrDamaged},
		"format 0":             {func(b []byte) []byte { b[0] = 0; return b }, true, envelope.ErrDamaged},
		"later format":         {func(b []byte) []byte { b[0] = 2; return b }, true, envelope.ErrNewer},
		"later format, short":  {func(b []byte) []byte { b[0] = 2; return b[:34] }, true, envelope.ErrNewer},
		"next flag":            {func(b []byte) []byte { b[1] = 4; return b }, true, envelope.ErrNewer},
		"unknown flag":         {func(b []byte) []byte { b[1] = 0x80; return b }, true, envelope.ErrNewer},
		"negative idle":        {func(b []byte) []byte { b[61] = 0xff; return b }, true, envelope.ErrDamaged},
		"overflowing idle":     {func(b []byte) []byte { b[61] = 0x7f; return b }, true, envelope.ErrDamaged},
		"empty appendix":       {func(b []byte) []byte { b[70] = 2; return append(b[:71], 0, 0) }, true, envelope.ErrDamaged},
		"device beyond it":     {func(b []byte) []byte { b[70] = 3; return append(b[:71], 0, 2, 'x', 'y') }, true, envelope.ErrDamaged},
		"longer than the data": {func(b []byte) []byte { b[69] = 1; return b }, true, envelope.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			h, _, named, err := envelope.Open(test.spoil(bytes.Clone(good)))
			require.ErrorIs(t, err, test.err)
			require.Equal(t, test.named, named)
			if named {
				require.Equal(t, header().Secret, h.Secret)
				require.Equal(t, header().Previous, h.Previous)
			}
		})
	}
}

// TestLocked: no token opens what Locked returns, also if this program cannot
// read it, and all else stays.
func TestLocked(t *testing.T) {
	for name, change := range map[string]func(data []byte){
		"known": func([]byte) {}, "newer": func(data []byte) { data[0] = 99 }, "flags": func(data []byte) { data[1] = 0x80 },
	} {
		h := header()
		data := put(h, "payload")
		change(data)
		before := bytes.Clone(data)
		locked := envelope.Locked(data)
		require.Equal(t, before, data, "the store's data is not written to")
		got, _, named, _ := envelope.Open(locked)
		require.True(t, named, name)
		require.Zero(t, got.Secret, name)
		require.Zero(t, got.Previous, name)
		require.Equal(t, data[:2], locked[:2])
		require.Equal(t, data[34:], locked[34:])
	}
	require.Equal(t, []byte("foreign"), envelope.Locked([]byte("foreign")))
}

func FuzzOpen(f *testing.F) {
	f.Add(put(header(), "payload"))
	longer := header()
	longer.Extra = []byte("later")
	f.Add(put(longer, ""))
	longer.Device, longer.Bound = []byte("secret"), true
	f.Add(put(longer, ""))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, payload, _, err := envelope.Open(data)
		if err != nil {
			return
		}
		require.Equal(t, data, put(h, string(payload)))
	})
}
