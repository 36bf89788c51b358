package codec_test

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/sesame-go/sesame/codec"
)

// everything has a field of each kind that is compared in a way of its own.
type everything struct {
	Bool     bool
	Int      int
	Int8     int8
	Uint16   uint16
	Float32  float32
	Float64  float64
	String   string
	Bytes    []byte
	Array    [3]byte
	Time     time.Time
	Strings  []string
	Pair     [2]int
	Pointer  *int
	Nested   []page
	ToStruct *page
	Texts    map[string]string
	Flags    map[string]bool
	Counts   map[string]int
	Long     map[string]int64
	Rates    map[string]float64
	Any      map[string]any
	ByNumber map[int]string
	Pages    map[string]page
	Anything any
	ByRate   map[float64]int
	Opt      string     `msgpack:",omitempty"`
	OptN     float64    `msgpack:",omitempty"`
	OptAny   any        `msgpack:",omitempty"`
	OptTime  *time.Time `msgpack:",omitempty"`
	Tuple    tuple
}

type page struct {
	Path string
	At   time.Time
}

type tuple struct {
	_msgpack struct{} `msgpack:",as_array"`
	A        int
	B        string
	C        int `msgpack:",omitempty"` // written all the same
}

func full() *everything {
	one := 1
	at := time.Date(2026, 8, 1, 12, 0, 0, 5, time.UTC)
	return &everything{
		Bool: true, Int: -40000, Int8: -33, Uint16: 300, Float32: 1.5, Float64: math.Copysign(0, -1),
		String: "some string of more than thirty-one bytes", Bytes: []byte{1}, Array: [3]byte{1, 2, 3}, Time: at,
		Strings: []string{"a", "b"}, Pair: [2]int{1, 2}, Pointer: &one, Nested: []page{{"/", at}, {"/b", at}}, ToStruct: &page{"/c", at},
		Texts: map[string]string{"b": "2", "a": "1", "aa": "3"}, Flags: map[string]bool{"x": true}, Counts: map[string]int{"n": 1 << 30},
		Long: map[string]int64{"l": -1}, Rates: map[string]float64{"r": math.NaN()},
		Any:      map[string]any{"list": []any{1, "x", nil, 2.5, []byte("b"), at}, "map": map[string]any{"k": true, "a": false}},
		ByNumber: map[int]string{2: "two", 1: "one"}, Pages: map[string]page{"p": {"/p", at}}, Anything: "any",
		ByRate: map[float64]int{0: 1, -1: 2},
		Opt:    "there", OptN: 2, OptAny: []any{1}, OptTime: &at, Tuple: tuple{A: 1, B: "b"},
	}
}

// decodeShared decodes a copy of data.
func decodeShared(data []byte, v any) (exact bool, err error) {
	found, err := codec.MsgPack.(codec.SharedDecoder).DecodeShared(bytes.Clone(data), v)
	return found.Exact, err
}

func encoded(t testing.TB, v any) []byte {
	data, err := codec.MsgPack.Append(nil, v)
	require.NoError(t, err)
	return data
}

// TestExact decodes what Append has written: full values, zero ones, and those
// that are empty but not nil.
func TestExact(t *testing.T) {
	empty := &everything{
		Bytes: []byte{}, Strings: []string{}, Nested: []page{}, Texts: map[string]string{}, Any: map[string]any{},
		ByNumber: map[int]string{}, Anything: []any{},
	}
	for name, v := range map[string]*everything{"full": full(), "zero": {}, "empty": empty} {
		exact, err := decodeShared(encoded(t, v), new(everything))
		require.NoError(t, err, name)
		require.True(t, exact, name)
	}
}

// TestExactInSize does so with long strings, big numbers and old times, each of
// which has several forms.
func TestExactInSize(t *testing.T) {
	for shift := range 64 {
		for _, n := range []int64{1<<shift - 1, 1 << shift, -1 << shift, -1<<shift - 1} {
			type sized struct {
				I    int64
				U    uint64
				At   time.Time
				S    string
				B    []byte
				L    []bool
				M    map[int]bool
				Any  any
				List any
			}
			length := 0
			if 0 < n && n <= 1<<16 {
				length = int(n)
			}
			v := sized{
				I: n, U: uint64(n), At: time.Unix(n, int64(shift%2)), S: strings.Repeat("s", length), B: make([]byte, length), L: make([]bool, length),
				M: map[int]bool{}, Any: int(n), List: make([]any, length),
			}
			for i := range min(length, 70) {
				v.M[i-35] = true
			}
			exact, err := decodeShared(encoded(t, &v), new(sized))
			require.NoError(t, err)
			require.True(t, exact, n)
		}
	}
}

// TestInexact shows it data that Append would write otherwise: after a change of
// T, or by another program.
func TestInexact(t *testing.T) {
	type fields struct {
		N int
		S string
		M map[string]int
		O int `msgpack:",omitempty"`
		P int `msgpack:",omitempty,alias:p"`
	}
	for name, data := range map[string]string{
		"a field is missing":      "\x82\xa1N\x01\xa1S\xa1x",
		"another order":           "\x83\xa1S\xa1x\xa1N\x01\xa1M\xc0",
		"a field too many":        "\x84\xa1N\x01\xa1S\xa1x\xa1M\xc0\xa1X\x01",
		"a long number":           "\x83\xa1N\xcd\x00\x01\xa1S\xa1x\xa1M\xc0",
		"a short number in full":  "\x83\xa1N\xd0\x01\xa1S\xa1x\xa1M\xc0",
		"a negative one in full":  "\x83\xa1N\xd1\xff\xff\xa1S\xa1x\xa1M\xc0",
		"a long string":           "\x83\xa1N\x01\xa1S\xd9\x01x\xa1M\xc0",
		"a long key":              "\x83\xa1N\x01\xd9\x01S\xa1x\xa1M\xc0",
		"a long struct":           "\xde\x00\x03\xa1N\x01\xa1S\xa1x\xa1M\xc0",
		"a long map":              "\x83\xa1N\x01\xa1S\xa1x\xa1M\xde\x00\x01\xa1a\x01",
		"bytes for a string":      "\x83\xa1N\x01\xa1S\xc4\x01x\xa1M\xc0",
		"nil for a number":        "\x83\xa1N\xc0\xa1S\xa1x\xa1M\xc0",
		"nil for a string":        "\x83\xa1N\x01\xa1S\xc0\xa1M\xc0",
		"keys out of order":       "\x83\xa1N\x01\xa1S\xa1x\xa1M\x82\xa1b\x01\xa1a\x01",
		"a key twice":             "\x83\xa1N\x01\xa1S\xa1x\xa1M\x82\xa1a\x01\xa1a\x01",
		"empty for all omitempty": "\x84\xa1N\x01\xa1S\xa1x\xa1M\xc0\xa1O\x00",
		"a name in bytes":         "\x84\xa1N\x01\xa1S\xa1x\xa1M\xc0\xc4\x01P\x01",
		"an alias":                "\x84\xa1N\x01\xa1S\xa1x\xa1M\xc0\xa1p\x01",
		"an array":                "\x95\x01\xa1x\xc0\x01\x01",
		"an empty array":          "\x90",
		"nil":                     "\xc0",
	} {
		inexact[fields](t, name, data)
	}
	exact, err := decodeShared([]byte("\x84\xa1N\x01\xa1S\xa1x\xa1M\xc0\xa1P\x01"), new(fields))
	require.NoError(t, err)
	require.True(t, exact, "without any of that")
	exact, err = decodeShared([]byte("\x83\xa1N\x01\xa1S\xa1x\xa1M\xc0\xc0"), new(fields))
	require.Error(t, err)
	require.False(t, exact)

	type Inner struct{ A int }
	type embedded struct{ *Inner }
	type small struct{ At time.Time }
	inexact[tuple](t, "a map for an array", "\x83\xa1A\x01\xa1B\xa1x\xa1C\x01")
	inexact[embedded](t, "an embedded pointer", "\x81\xa1A\x01")
	inexact[struct{ Text ptrText }](t, "a type with methods of its own", "\x81\xa4Text\xc4\x01x")
	inexact[struct{ V bool }](t, "nil for a bool", "\x81\xa1V\xc0")
	inexact[struct{ V uint }](t, "nil for an unsigned number", "\x81\xa1V\xc0")
	inexact[struct{ V float64 }](t, "a number for a float", "\x81\xa1V\x01")
	inexact[struct{ V float64 }](t, "a small float for a big one", "\x81\xa1V\xca\x00\x00\x00\x00")
	inexact[struct{ V []byte }](t, "a string for bytes", "\x81\xa1V\xa1x")
	inexact[struct{ V [1]byte }](t, "a string for an array of bytes", "\x81\xa1V\xa1x")
	inexact[struct{ V [2]byte }](t, "an array of bytes too short", "\x81\xa1V\xc4\x01x")
	inexact[struct{ V [2]byte }](t, "nil for an array of bytes", "\x81\xa1V\xc0")
	inexact[struct{ V [2]int }](t, "an array too short", "\x81\xa1V\x91\x00")
	inexact[struct{ V [2]int }](t, "nil for an array", "\x81\xa1V\xc0")
	inexact[small](t, "nil for a time", "\x81\xa2At\xc0")
	inexact[small](t, "a time in eight bytes for four", "\x81\xa2At\xd7\xff\x00\x00\x00\x00\x00\x00\x00\x01")
	inexact[small](t, "a time with a length for none", "\x81\xa2At\xc7\x04\xff\x00\x00\x00\x01")
	inexact[struct{ V map[float64]int }](t, "two zeros", "\x81\xa1V\x82\xcb\x00\x00\x00\x00\x00\x00\x00\x00\x01\xcb\x80\x00\x00\x00\x00\x00\x00\x00\x02")
	inexact[struct{ V any }](t, "two zeros in an interface", "\x81\xa1V\x82\xcb\x00\x00\x00\x00\x00\x00\x00\x00\x01\xcb\x80\x00\x00\x00\x00\x00\x00\x00\x02")
	inexact[struct{ V map[int]int }](t, "number keys out of order", "\x81\xa1V\x82\x02\x00\x01\x00")
	inexact[struct{ V any }](t, "keys in an interface out of order", "\x81\xa1V\x82\xa1b\x00\xa1a\x00")
	inexact[struct{ V any }](t, "a long number in an interface", "\x81\xa1V\xcc\x01")
}

func inexact[T any](t *testing.T, name, data string) {
	exact, err := decodeShared([]byte(data), new(T))
	require.NoError(t, err, name)
	require.False(t, exact, name)
}

// FuzzMsgPackExact checks the claim against Append itself, for what can be read
// at all.
func FuzzMsgPackExact(f *testing.F) {
	f.Add(encoded(f, full()))
	f.Add(encoded(f, new(everything)))
	for i, data := 0, encoded(f, full()); i < len(data); i += 7 {
		f.Add(append(bytes.Clone(data[:i]), data[min(i+1, len(data)):]...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v := new(everything)
		exact, err := decodeShared(data, v)
		if err != nil {
			require.False(t, exact)
			return
		}
		again, err := codec.MsgPack.Append(nil, v)
		if err != nil {
			return
		}
		if exact {
			require.Equal(t, data, again, "it takes this for what Append writes")
		}
		exact, err = decodeShared(again, new(everything))
		require.NoError(t, err)
		require.True(t, exact || !bytes.Equal(again, data), "it has doubts about what Append has written")
	})
}

// extended is a type of the program's own, which an interface can hold.
type extended struct{ B byte }

func (x *extended) MarshalMsgpack() ([]byte, error) { return []byte{x.B}, nil }

func (x *extended) UnmarshalMsgpack(b []byte) error {
	x.B = b[0] &^ 0x80
	return nil
}

// TestInexactExtension reads a registered type, of which only its own methods
// know what they would write.
func TestInexactExtension(t *testing.T) {
	msgpack.RegisterExt(77, (*extended)(nil))
	defer msgpack.UnregisterExt(77)
	inexact[struct{ V any }](t, "an extension", "\x81\xa1V\xd4\x4d\x85")
}

// fuse panics when it is written while lit.
type fuse struct{ lit bool }

func (f fuse) MarshalText() ([]byte, error) {
	if f.lit {
		panic("lit")
	}
	return []byte("fuse"), nil
}

func (*fuse) UnmarshalText([]byte) error { return nil }

// TestPanic has one of the session's own methods panic in the middle. The next
// session must be encoded as if that had not been.
func TestPanic(t *testing.T) {
	nested := func(depth int, innermost any) *any {
		for range depth {
			innermost = []any{innermost}
		}
		return &innermost
	}
	deepest := 0
	for ; ; deepest++ {
		if _, err := codec.MsgPack.Append(nil, nested(deepest+1, 0)); err != nil {
			break
		}
	}
	for range 100 { // a pool under the race detector forgets some
		require.Panics(t, func() { _, _ = codec.MsgPack.Append(nil, nested(3, fuse{lit: true})) })
		_, err := codec.MsgPack.Append(nil, nested(deepest, 0))
		require.NoError(t, err)
	}
}

// TestDecodeShared shows the difference: one keeps the data, one does not.
func TestDecodeShared(t *testing.T) {
	data := encoded(t, full())
	var own, shared everything
	require.NoError(t, codec.MsgPack.Decode(data, &own))
	_, err := codec.MsgPack.(codec.SharedDecoder).DecodeShared(data, &shared)
	require.NoError(t, err)
	own.Rates, shared.Rates = nil, nil // NaN is not equal to itself
	require.Equal(t, own, shared)
	clear(data)
	require.Equal(t, full().String, own.String)
	require.NotEqual(t, full().String, shared.String)
	require.Equal(t, full().Bytes, shared.Bytes, "what can be changed is never shared")
}
