package cborcodec_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec/cborcodec"
)

// held keeps the item that it is given, after it has changed it back and forth.
type held struct{ item []byte }

func (h held) MarshalCBOR() ([]byte, error) { return h.item, nil }

func (h *held) UnmarshalCBOR(item []byte) error {
	h.item = item
	for range 2 {
		for i := range item {
			item[i] ^= 0xff
		}
	}
	return nil
}

// TestMethodsOwnWhatTheyAreGiven changes what one value was given, and finds
// neither the data nor another value changed.
func TestMethodsOwnWhatTheyAreGiven(t *testing.T) {
	type session struct {
		A, B  held
		Text  string
		List  []held
		Map   map[int]*held
		Tuple struct {
			_ struct{} `cbor:",toarray"`
			N int
			V *held
			M []byte
		}
	}
	item := func(s string) held { return held{append([]byte{0x60 + byte(len(s))}, s...)} }
	v := session{A: item("a"), B: item("b"), Text: "text", List: []held{item("list"), item("more")}, Map: map[int]*held{1: new(item("map"))}}
	v.Tuple.N, v.Tuple.V, v.Tuple.M = 1, new(item("in the array")), []byte("behind it")
	data := encode(t, v)
	all := func(s *session) []*held {
		return []*held{&s.A, &s.B, &s.List[0], &s.List[1], s.Map[1], s.Tuple.V}
	}
	for i := range all(&v) {
		given, got := bytes.Clone(data), new(session)
		require.NoError(t, cborcodec.CBOR.Decode(given, got))
		require.Equal(t, &v, got)
		h := all(got)[i]
		h.item[1]++
		require.Equal(t, data, given)
		require.NotEqual(t, data, encode(t, *got), "a change within what a method kept is not encoded")
		h.item[1]--
		require.Equal(t, &v, got, "another value has changed with it")
	}
}
