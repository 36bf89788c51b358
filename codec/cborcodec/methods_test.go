package cborcodec_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec/cborcodec"
)

// held keeps the item that it is given, and changes it back and forth.
type held struct{ item []byte }

func (h held) MarshalCBOR() ([]byte, error) { return h.item, nil }

func (h *held) UnmarshalCBOR(item []byte) error {
	h.item = item
	for range 2 {
		for i := range item {
			item[i] ^= 0xff
		}
		_ = append(item, 0xff, 0xff)
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
		_ = append(h.item, strings.Repeat("#", 100)...)
		require.Equal(t, data, given)
		require.NotEqual(t, data, encode(t, *got), "a change within what a method kept is not encoded")
		h.item[1]--
		require.Equal(t, &v, got, "another value has changed with it")
	}
}

// These note what their methods are given.
type (
	itemSeen struct{ seen []string }
	binSeen  struct{ seen []string }
	textSeen struct{ seen []string }
	textKey  struct{ seen string }
)

func (s *itemSeen) UnmarshalCBOR(b []byte) error { s.seen = append(s.seen, string(b)); return nil }
func (s itemSeen) MarshalCBOR() ([]byte, error)  { return []byte{0xf6}, nil }
func (s *binSeen) UnmarshalBinary(b []byte) error {
	s.seen = append(s.seen, string(b))
	return nil
}
func (s binSeen) MarshalBinary() ([]byte, error) { return nil, nil }
func (s *textSeen) UnmarshalText(b []byte) error { s.seen = append(s.seen, string(b)); return nil }
func (s textSeen) MarshalText() ([]byte, error)  { return nil, nil }
func (k *textKey) UnmarshalText(b []byte) error  { k.seen = strings.ToLower(string(b)); return nil }
func (k textKey) MarshalText() ([]byte, error)   { return nil, nil }

// library decodes as the codec does where types have no methods.
var library = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, TextUnmarshaler: cbor.TextUnmarshalerTextString, MaxNestedLevels: 1000,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

// TestMethodsAsTheLibrary compares what types with methods are given with what
// the library gives them, wherever such a value can be.
func TestMethodsAsTheLibrary(t *testing.T) {
	type inner struct {
		Text  textSeen
		Plain string
	}
	type Embedded struct{ Deep itemSeen }
	type session struct {
		Item   itemSeen
		Bin    binSeen
		Text   textSeen
		Ptr    **textSeen
		Items  []itemSeen
		Array  [2]binSeen
		Map    map[string]textSeen
		ByInt  map[int8]itemSeen
		Keys   map[textKey]int
		Inner  []inner
		Nested map[string][]*inner
		Name   textSeen `cbor:"7,keyasint"`
		Tuple  struct {
			_ struct{} `cbor:",toarray"`
			N int
			V binSeen
			P *textSeen
		}
		Any   any
		Bytes []byte
		*Embedded
	}
	type m = map[any]any
	type a = []any
	enc, err := cbor.CoreDetEncOptions().EncMode()
	require.NoError(t, err)
	for _, v := range []any{
		m{}, nil,
		m{"Item": a{1, "x", nil}, "Bin": []byte("bin"), "Text": "text", "Ptr": "p"},
		m{"Item": nil, "Bin": nil, "Text": nil, "Ptr": nil, "Items": nil, "Array": nil, "Map": nil, "Inner": nil, "Nested": nil, "Tuple": nil},
		m{"Bin": []byte{}, "Text": "", "Items": a{}, "Array": a{}, "Map": m{}, "Inner": a{}, "Unknown": m{"Text": 5}},
		m{"Items": a{1, nil, m{"a": "b"}}, "Array": a{[]byte("1")}, "Map": m{"a": "b", "c": nil}, "ByInt": m{1: 1, -5: "x"}},
		m{"Array": a{[]byte("1"), []byte("2"), []byte("3")}, "Keys": m{"a": 1, "b": 2}, 7: "named", 8: "unknown"},
		m{"Inner": a{m{"Text": "t", "Plain": "p"}, m{"Plain": "q"}, nil, m{}}, "Nested": m{"a": a{m{"Text": "x"}, nil}, "b": nil}},
		m{"Tuple": a{1, []byte("v"), "p"}, "Any": a{1, m{"x": 1.5}}, "Bytes": []byte("b"), "Deep": 1},
		m{"Tuple": a{1, nil, nil}},
		// What does not fit.
		m{"Keys": m{"a": 1, "A": 2}}, m{"ByInt": m{300: 1}}, m{"ByInt": m{"x": 1}}, m{"Text": 5}, m{"Bin": "text"}, m{"Text": []byte("bin")},
		m{"Items": m{}}, m{"Map": a{}}, m{"Inner": a{5}}, m{"Tuple": a{1}}, m{"Tuple": m{}}, m{"Ptr": 7}, a{}, 7,
	} {
		data, err := enc.Marshal(v)
		require.NoError(t, err)
		var want, got session
		wantErr := library.Unmarshal(data, &want)
		err = cborcodec.CBOR.Decode(data, &got)
		if wantErr != nil {
			require.Error(t, err, "%v: %v", v, wantErr)
			continue
		}
		require.NoError(t, err, "%v", v)
		want.Any, got.Any = nil, nil // the codec has other types there
		require.Equal(t, want, got, "%v", v)
	}
}

// textCopied decodes itself, and allocates no more than it has to.
type textCopied string

func (s *textCopied) UnmarshalText(b []byte) error { *s = textCopied(b); return nil }
func (s textCopied) MarshalText() ([]byte, error)  { return []byte(s), nil }

// TestMethodsWithinMemory decodes many small values beside such that decode
// themselves.
func TestMethodsWithinMemory(t *testing.T) {
	type item struct {
		A int
		T textSeen
		B string
		C []byte
	}
	v := struct{ V []item }{make([]item, 5000)}
	for i := range v.V {
		v.V[i] = item{A: i, B: "text", C: []byte("bytes")}
	}
	data := encode(t, v)
	v.V = nil
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := cborcodec.CBOR.Decode(data, &v)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Len(t, v.V, 5000)
	require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(16*len(data)+64<<10))
}
