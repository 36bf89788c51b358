package cborcodec_test

import (
	"bytes"
	"encoding/hex"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec/cborcodec"
)

// hostile has what hostile data may do most with.
type hostile struct {
	Int   int8
	Uint  uint8
	Float float32
	Bool  bool
	Text  string
	Bytes []byte
	Array [2]int
	Time  time.Time
	Times []time.Time
	Any   any
	Maps  map[string]map[int]string
	Keys  map[any]any
	Wide  []wide
	Ptrs  []*hostile
	Tuple struct {
		_    struct{} `cbor:",toarray"`
		A, B int
	}
}

type wide struct{ A, B, C, D, E, F, G, H [4]string }

func key(name string) string {
	return "a1" + hex.EncodeToString(append([]byte{0x60 + byte(len(name))}, name...))
}

var refused = []struct{ name, data, says string }{
	{"nothing", "", "EOF"},
	{"cut head", "19", "EOF"},
	{"reserved head", "1c", "invalid additional information"},
	{"array of 2^20", key("Any") + "9a00100000", "EOF"},
	{"array of 2^31", key("Any") + "9a80000000", "exceeded max number of elements"},
	{"array of structs of 2^20", key("Wide") + "9a00100000", "EOF"},
	{"array of 2^64-1", key("Any") + "9bffffffffffffffff", "too large"},
	{"map of 2^20", key("Keys") + "ba00100000", "EOF"},
	{"map of 2^63", key("Any") + "bb8000000000000000", "too large"},
	{"text of 2^64-1", key("Text") + "7bffffffffffffffff", "too large"},
	{"bytes of 2^31", key("Bytes") + "5a80000000", "EOF"},
	{"array without end", key("Any") + "9f01ff", "indefinite"},
	{"text without end", key("Text") + "7f6161ff", "indefinite"},
	{"map without end", "bfff", "indefinite"},
	{"a key twice", "a263496e740163496e7402", "which has a key twice"},
	{"a lost field twice", "a261780161780" + "2", "which has a key twice"},
	{"a key twice in any", key("Any") + "a2616101616102", "which has a key twice"},
	{"a key twice in a map", key("Maps") + "a26161a06161a0", "which has a key twice"},
	{"an int key in any", key("Any") + "a10102", "Any: stored as map, wanted any, where it does not fit"},
	{"an array as a key", key("Keys") + "a18002", "Keys: stored as map, which has a key that no map of Go can have"},
	{"too large for int8", key("Int") + "1880", "Int: stored as integer, wanted int8, where it does not fit"},
	{"text for int", key("Int") + "6161", "Int: stored as text, wanted int8"},
	{"a tuple too short", key("Tuple") + "8101", "Tuple: stored as list, wanted "},
	{"time without tag", key("Time") + "74323032362d30312d30315430303a30303a30305a", "Time: stored as text, wanted time.Time"},
	{"no time", key("Time") + "c06161", "Time: stored as time, wanted time.Time, where it does not fit"},
	{"invalid UTF-8", key("Text") + "61ff", "Text: stored as text, which is not valid UTF-8"},
	{"more than one value", "a0a0", "extraneous data"},
	{"deep", key("Any") + strings.Repeat("81", 2000) + "01", "exceeded max nested level"},
	{"deep in a lost field", key("x") + strings.Repeat("81", 2000) + "01", "exceeded max nested level"},
	{"deep tags in a lost field", key("x") + strings.Repeat("c6", 2000) + "01", "exceeded max nested level"},
	{"too many entries", key("Any") + "9a00100001" + strings.Repeat("f6", 1<<20+1), "exceeded max number of elements"},
}

// TestDecodeRefuses has data that announces more than it has: no memory is
// allocated for it.
func TestDecodeRefuses(t *testing.T) {
	for _, c := range refused {
		data, err := hex.DecodeString(c.data)
		require.NoError(t, err, c.name)
		_ = cborcodec.CBOR.Decode(data, new(hostile)) // fills caches
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err = cborcodec.CBOR.Decode(data, new(hostile))
		runtime.ReadMemStats(&after)
		require.ErrorContains(t, err, c.says, c.name)
		require.Regexp(t, "^cborcodec: ", err.Error())
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(2*len(data)+64<<10), c.name)
	}
}

// FuzzDecode checks that there is no panic, and that what is accepted can be
// written and read again.
func FuzzDecode(f *testing.F) {
	for _, c := range refused {
		if data, _ := hex.DecodeString(c.data); len(data) < 10_000 {
			f.Add(data)
		}
	}
	at := time.Date(2026, 8, 1, 12, 0, 0, 5, time.UTC)
	for _, v := range []*hostile{
		{},
		{Int: -3, Uint: 200, Float: 0.1, Bool: true, Text: "x", Bytes: []byte{1}, Time: at, Times: []time.Time{at, {}}},
		{Any: []any{1, "x", 2.5, nil, map[string]any{"a": at, "b": uint64(1 << 63)}}, Keys: map[any]any{1: "a", "b": []byte{2}}},
		{Maps: map[string]map[int]string{"m": {1: "a", -2: "b"}}, Wide: []wide{{}}, Ptrs: []*hostile{nil, {Int: 1}}},
	} {
		data, err := cborcodec.CBOR.Append(nil, v)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kept, v := bytes.Clone(data), new(hostile)
		err := cborcodec.CBOR.Decode(data, v)
		require.Equal(t, kept, data)
		if err != nil {
			require.Regexp(t, "^cborcodec: ", err.Error())
			require.NotContains(t, err.Error(), "panic")
			return
		}
		first, err := cborcodec.CBOR.Append(nil, v)
		if err != nil {
			return // such as keys that are different values and encoded alike
		}
		again := new(hostile)
		require.NoError(t, cborcodec.CBOR.Decode(first, again))
		second, err := cborcodec.CBOR.Append(nil, again)
		require.NoError(t, err)
		require.Equal(t, first, second)
	})
}
