package codec_test

import (
	"bytes"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
	Text     ptrText
	Opt      string  `msgpack:",omitempty"`
	OptN     float64 `msgpack:",omitempty"`
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
}

func full() *everything {
	one := 1
	at := time.Date(2026, 8, 1, 12, 0, 0, 5, time.UTC)
	return &everything{
		Bool: true, Int: -40000, Int8: -33, Uint16: 300, Float32: 1.5, Float64: math.Copysign(0, -1),
		String: "some string of more than thirty-one bytes", Bytes: []byte{1}, Array: [3]byte{1, 2, 3}, Time: at,
		Strings: []string{"a", "b"}, Pair: [2]int{1, 2}, Pointer: &one, Nested: []page{{"/", at}, {"/b", at}}, ToStruct: &page{"/c", at},
		Texts: map[string]string{"b": "2", "a": "1", "aa": "3"}, Flags: map[string]bool{"x": true}, Counts: map[string]int{"n": 1 << 40},
		Long: map[string]int64{"l": -1}, Rates: map[string]float64{"r": math.NaN()},
		Any:      map[string]any{"list": []any{1, "x", nil, 2.5, []byte("b"), at}, "map": map[string]any{"k": true, "a": false}},
		ByNumber: map[int]string{2: "two", 1: "one"}, Pages: map[string]page{"p": {"/p", at}}, Anything: "any", Text: ptrText{"text"},
		Opt: "there", OptN: 2, Tuple: tuple{A: 1, B: "b"},
	}
}

func comparer(t testing.TB) codec.Comparer {
	c, ok := codec.MsgPack.(codec.Comparer)
	require.True(t, ok)
	return c
}

func encoded(t testing.TB, v any) []byte {
	data, err := codec.MsgPack.Append(nil, v)
	require.NoError(t, err)
	return data
}

// TestCompareSame compares values with their own encodings: full ones, zero
// ones, and those that are empty but not nil.
func TestCompareSame(t *testing.T) {
	empty := &everything{
		Bytes: []byte{}, Strings: []string{}, Nested: []page{}, Texts: map[string]string{}, Any: map[string]any{},
		ByNumber: map[int]string{}, Anything: []any{},
	}
	for name, v := range map[string]*everything{"full": full(), "zero": {}, "empty": empty} {
		equal, certain := comparer(t).Compare(encoded(t, v), v)
		require.True(t, equal, name)
		require.True(t, certain, name)
	}
}

// TestCompareDifferent changes one thing at a time, deep ones too, and compares
// in both directions.
func TestCompareDifferent(t *testing.T) {
	two := 2
	unsure := map[string]bool{ // what has to be encoded to be compared
		"ByNumber": true, "Pages": true, "Text": true, "Anything": true, "in an any": true, "deep in an any": true,
	}
	for name, change := range map[string]func(*everything){
		"Bool":           func(v *everything) { v.Bool = false },
		"Int":            func(v *everything) { v.Int++ },
		"Int8":           func(v *everything) { v.Int8++ },
		"Uint16":         func(v *everything) { v.Uint16++ },
		"Float32":        func(v *everything) { v.Float32++ },
		"sign":           func(v *everything) { v.Float64 = 0 },
		"String":         func(v *everything) { v.String = "x" + v.String[1:] },
		"Bytes":          func(v *everything) { v.Bytes[0]++ },
		"nil bytes":      func(v *everything) { v.Bytes = nil },
		"no bytes":       func(v *everything) { v.Bytes = []byte{} },
		"Array":          func(v *everything) { v.Array[2]++ },
		"Time":           func(v *everything) { v.Time = v.Time.Add(1) },
		"element":        func(v *everything) { v.Strings[1] = "c" },
		"longer":         func(v *everything) { v.Strings = append(v.Strings, "c") },
		"nil slice":      func(v *everything) { v.Strings = nil },
		"no element":     func(v *everything) { v.Strings = []string{} },
		"Pair":           func(v *everything) { v.Pair[1]++ },
		"pointed to":     func(v *everything) { v.Pointer = &two },
		"nil pointer":    func(v *everything) { v.Pointer = nil },
		"Nested":         func(v *everything) { v.Nested[1].At = time.Time{} },
		"ToStruct":       func(v *everything) { v.ToStruct.Path = "/d" },
		"no struct":      func(v *everything) { v.ToStruct = nil },
		"map value":      func(v *everything) { v.Texts["a"] = "4" },
		"map key":        func(v *everything) { delete(v.Texts, "a"); v.Texts["c"] = "1" },
		"map entry":      func(v *everything) { v.Texts["d"] = "" },
		"nil map":        func(v *everything) { v.Texts = nil },
		"Flags":          func(v *everything) { v.Flags["x"] = false },
		"Counts":         func(v *everything) { v.Counts["n"]++ },
		"Long":           func(v *everything) { v.Long["l"]++ },
		"Rates":          func(v *everything) { v.Rates["r"] = 1 },
		"in an any":      func(v *everything) { v.Any["list"].([]any)[0] = 2 },
		"deep in an any": func(v *everything) { v.Any["map"].(map[string]any)["a"] = true },
		"ByNumber":       func(v *everything) { v.ByNumber[1] = "eins" },
		"Pages":          func(v *everything) { v.Pages["p"] = page{} },
		"Anything":       func(v *everything) { v.Anything = nil },
		"Text":           func(v *everything) { v.Text.s = "other" },
		"Opt":            func(v *everything) { v.Opt = "else" },
		"OptN":           func(v *everything) { v.OptN = 0 },
		"Tuple":          func(v *everything) { v.Tuple.B = "c" },
	} {
		t.Run(name, func(t *testing.T) {
			before, after := full(), full()
			change(after)
			equal, certain := comparer(t).Compare(encoded(t, before), after)
			require.False(t, equal)
			require.True(t, certain || unsure[name], "it is not sure of it")
			equal, _ = comparer(t).Compare(encoded(t, after), before)
			require.False(t, equal)
		})
	}
}

// TestCompareUncertain shows it data that Append would write otherwise: after
// a change of T, or by another program. It must not claim to know.
func TestCompareUncertain(t *testing.T) {
	type t2 struct {
		N int
		S string
		M map[string]int
		O int `msgpack:",omitempty"`
	}
	for name, data := range map[string]string{
		"a field is missing":      "\x82\xa1N\x01\xa1S\xa1x",
		"another order":           "\x83\xa1S\xa1x\xa1N\x01\xa1M\xc0",
		"a field too many":        "\x84\xa1N\x01\xa1S\xa1x\xa1M\xc0\xa1X\x01",
		"a long number":           "\x83\xa1N\xcd\x00\x01\xa1S\xa1x\xa1M\xc0",
		"a long string":           "\x83\xa1N\x01\xa1S\xd9\x01x\xa1M\xc0",
		"bytes for a string":      "\x83\xa1N\x01\xa1S\xc4\x01x\xa1M\xc0",
		"nil for a number":        "\x83\xa1N\xc0\xa1S\xa1x\xa1M\xc0",
		"keys out of order":       "\x83\xa1N\x01\xa1S\xa1x\xa1M\x82\xa1b\x01\xa1a\x01",
		"a key twice":             "\x83\xa1N\x01\xa1S\xa1x\xa1M\x82\xa1a\x01\xa1a\x01",
		"a long map":              "\x83\xa1N\x01\xa1S\xa1x\xa1M\xde\x00\x01\xa1a\x01",
		"empty for all omitempty": "\x84\xa1N\x01\xa1S\xa1x\xa1M\xc0\xa1O\x00",
		"cut short":               "\x83\xa1N\x01\xa1S\xa1x\xa1M",
		"bytes behind it":         "\x83\xa1N\x01\xa1S\xa1x\xa1M\xc0\xc0",
		"nothing":                 "",
		"an array":                "\x93\x01\xa1x\xc0",
	} {
		equal, certain := comparer(t).Compare([]byte(data), &t2{N: 1, S: "x"})
		require.False(t, equal, name)
		require.False(t, certain, name)
	}
	equal, certain := comparer(t).Compare([]byte("\x80"), nil)
	require.False(t, equal || certain)
}

// FuzzMsgPackCompare checks both answers against Append itself.
func FuzzMsgPackCompare(f *testing.F) {
	f.Add(encoded(f, full()))
	f.Add(encoded(f, new(everything)))
	for i, data := 0, encoded(f, full()); i < len(data); i += 7 {
		f.Add(append(bytes.Clone(data[:i]), data[min(i+1, len(data)):]...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v := new(everything)
		if codec.MsgPack.Decode(data, v) != nil {
			return
		}
		again, err := codec.MsgPack.Append(nil, v)
		if err != nil {
			return
		}
		equal, certain := comparer(t).Compare(data, v)
		require.Equal(t, bytes.Equal(data, again), equal, "of what was decoded from it")
		require.True(t, certain || !equal)
		other := full()
		equal, certain = comparer(t).Compare(data, other)
		require.Equal(t, bytes.Equal(data, encoded(t, other)), equal, "of another value")
		if certain {
			require.Equal(t, data, again, "it takes this for canonical")
		}
	})
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

// TestComparePanic has one of the session's own methods panic in the middle.
// The next session must be encoded as if that had not been.
func TestComparePanic(t *testing.T) {
	nested := func(depth int) *any {
		v := any(0)
		for range depth {
			v = []any{v}
		}
		return &v
	}
	deepest := 0
	for ; ; deepest++ {
		if _, err := codec.MsgPack.Append(nil, nested(deepest+1)); err != nil {
			break
		}
	}
	type armed struct{ M map[int]fuse }
	data := encoded(t, &armed{map[int]fuse{1: {}}})
	for range 100 { // a pool under the race detector forgets some
		require.Panics(t, func() { comparer(t).Compare(data, &armed{map[int]fuse{1: {lit: true}}}) })
		_, err := codec.MsgPack.Append(nil, nested(deepest))
		require.NoError(t, err)
	}
}

// TestCompareAllocates holds what Compare is for.
func TestCompareAllocates(t *testing.T) {
	for _, v := range []any{&smallSession, &mediumSession} {
		data := encoded(t, v)
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { comparer(t).Compare(data, v) }), 2.0, reflect.TypeOf(v))
	}
}

// TestDecodeShared shows the difference: one keeps the data, one does not.
func TestDecodeShared(t *testing.T) {
	data := encoded(t, full())
	var own, shared everything
	require.NoError(t, codec.MsgPack.Decode(data, &own))
	require.NoError(t, codec.MsgPack.(codec.Sharer).DecodeShared(data, &shared))
	own.Rates, shared.Rates = nil, nil // NaN is not equal to itself
	require.Equal(t, own, shared)
	clear(data)
	require.Equal(t, full().String, own.String)
	require.NotEqual(t, full().String, shared.String)
	require.Equal(t, full().Bytes, shared.Bytes, "what can be changed is never shared")
}
