package cborcodec_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec/cborcodec"
)

type Wide struct {
	A, B, C, D, E, F, G, H [4]string
	Next                   *Wide
}

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
	Wide  []Wide
	Ptrs  []*hostile
	Tuple struct {
		_    struct{} `cbor:",toarray"`
		A, B int
	}
	Far  []struct{ *Fat }
	Near []*Fat
	Own  map[textCopied][]textCopied
}

type Fat struct {
	A int
	_ [100]int
}

// lost is n fields of numbers for keys.
func lost(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "19%04x00", 0x100+i)
	}
	return b.String()
}

func key(name string) string {
	return "a1" + hex.EncodeToString(append([]byte{0x60 + byte(len(name))}, name...))
}

var refused = []struct{ name, data, says string }{
	{"nothing", "", "incomplete"},
	{"cut head", "19", "incomplete"},
	{"reserved head", "1c", "incomplete"},
	{"array of 2^31", key("Any") + "9a80000000", "incomplete"},
	{"array of 2^64-1", key("Any") + "9bffffffffffffffff", "incomplete"},
	{"map of 2^63", key("Any") + "bb8000000000000000", "incomplete"},
	{"text of 2^64-1", key("Text") + "7bffffffffffffffff", "incomplete"},
	{"bytes of 2^31", key("Bytes") + "5a80000000", "incomplete"},
	{"array without end", key("Any") + "9f01ff", "indefinite"},
	{"text without end", key("Text") + "7f6161ff", "indefinite"},
	{"map without end", "bfff", "indefinite"},
	{"a key twice", "a263496e740163496e7402", "there twice"},
	{"keys out of order", "a2645465787460" + "63496e7401", "out of order"},
	{"a lost field twice", "a261780161780" + "2", "there twice"},
	{"a key twice in any", key("Any") + "a2616101616102", "there twice"},
	{"a key twice in a map", key("Maps") + "a26161a06161a0", "there twice"},
	{"a key in long form", "a1780" + "3496e7401", "not as short"},
	{"an int in long form", key("Int") + "1801", "not as short"},
	{"a length in long form", key("Text") + "7800", "not as short"},
	{"a float in long form", key("Float") + "fa3fc00000", "not as short"},
	{"a double in long form", key("Any") + "fb3ff8000000000000", "not as short"},
	{"a NaN with a message", key("Any") + "f97e01", "not as short"},
	{"an int key in any", key("Any") + "a10102", "not a string"},
	{"bytes as a key", key("Keys") + "a1410102", "cannot be compared"},
	{"an array as a key", key("Keys") + "a18002", "cannot be compared"},
	{"a map as a key", key("Keys") + "a1a002", "cannot be compared"},
	{"a big integer as a key", key("Keys") + "a1c2490100000000000000" + "0002", "cannot be compared"},
	{"too large for int8", key("Int") + "1880", "int8 cannot hold"},
	{"too large for uint8", key("Uint") + "190100", "uint8 cannot hold"},
	{"negative for uint8", key("Uint") + "20", "uint8 cannot hold"},
	{"too large for float32", key("Float") + "fb7e37e43c8800759c", "float32 cannot hold"},
	{"text for int", key("Int") + "6161", "a text where int8"},
	{"bytes for text", key("Text") + "4161", "a byte string where string"},
	{"int for text", key("Text") + "01", "an integer where string"},
	{"float for bool", key("Bool") + "f93c00", "a float where bool"},
	{"bool for int", key("Int") + "f5", "a bool where int8"},
	{"array for a map", key("Maps") + "80", "an array where map"},
	{"map for an array", key("Array") + "a0", "a map where"},
	{"a tuple too short", key("Tuple") + "8101", "an array of 1 where"},
	{"undefined", key("Any") + "f7", "simple value"},
	{"a simple value", key("Any") + "e0", "simple value"},
	{"an unknown tag", key("Any") + "d81e820102", "a tag"},
	{"self-described", "d9d9f7a0", "a tag"},
	{"epoch time", key("Time") + "c100", "a tag"},
	{"time without tag", key("Time") + "74323032362d30312d30315430303a30303a30305a", "a text where time.Time"},
	{"no time", key("Time") + "c06161", "a time that is not"},
	{"no time but Z", key("Time") + "c0615a", "a time that is not"},
	{"a time with an offset", key("Time") + "c07819" + hex.EncodeToString([]byte("2026-01-01T00:00:00+01:00")), "a time that is not"},
	{"a time with ten digits", key("Time") + "c0781f" + hex.EncodeToString([]byte("2026-01-01T00:00:00.1234567890Z")), "a time that is not"},
	{"time elsewhere", key("Text") + "c074323032362d30312d30315430303a30303a30305a", "a time where string"},
	{"big integer elsewhere", key("Int") + "c24101", "a big integer where int8"},
	{"invalid UTF-8", key("Text") + "61ff", "UTF-8"},
	{"invalid UTF-8 in a key", "a161ff01", "UTF-8"},
	{"invalid UTF-8 in any", key("Any") + "61ff", "UTF-8"},
	{"more than one value", "a0a0", "1 bytes follow"},
	{"deep", key("Any") + strings.Repeat("81", 2000) + "01", "deeper"},
	{"deep in a lost field", key("x") + strings.Repeat("81", 2000) + "01", "deeper"},
	{"deep tags in a lost field", key("x") + strings.Repeat("c6", 2000) + "01", "deeper"},
	{"empty structs", key("Wide") + "992000" + strings.Repeat("a0", 0x2000), "too dense"},
	{"empty maps", key("Any") + "992000" + strings.Repeat("a0", 0x2000), "too dense"},
	{"pointers", key("Near") + "992000" + strings.Repeat("a0", 0x2000), "too dense"},
	{"embedded pointers", key("Far") + "992000" + strings.Repeat("a1614101", 0x2000), "too dense"},
	{"lost fields", "b92000" + lost(0x2000), "too dense"},
	{"big integers", key("Any") + "992000" + strings.Repeat("c240", 0x2000), "too dense"},
	{"empty arrays", key("Any") + "992000" + strings.Repeat("80", 0x2000), "too dense"},
	{"too many entries", key("Any") + "9a00100001" + strings.Repeat("f6", 1<<20+1), "too many"},
}

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
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<10), c.name)
	}
}

func TestElementsThatAnArrayHasNoRoomForArePassedOver(t *testing.T) {
	var h hostile
	require.NoError(t, cborcodec.CBOR.Decode([]byte("\xa1\x65Array\x83\x01\x02\x61x"), &h))
	require.Equal(t, [2]int{1, 2}, h.Array)
}

// FuzzDecode checks the memory that decoding takes, and that what is accepted
// can be written and read again.
func FuzzDecode(f *testing.F) {
	for _, c := range refused {
		if data, _ := hex.DecodeString(c.data); len(data) < 10_000 {
			f.Add(data)
		}
	}
	at := time.Date(2026, 8, 1, 12, 0, 0, 5, time.UTC)
	for _, v := range []*hostile{
		{},
		{Int: -3, Uint: 200, Float: 0.1, Bool: true, Text: "x", Bytes: []byte{1}, Time: at, Times: []time.Time{at, {}}, Far: []struct{ *Fat }{{&Fat{A: 1}}, {}}},
		{Any: []any{1, "x", 2.5, nil, map[string]any{"a": at, "b": uint64(1 << 63)}}, Keys: map[any]any{1: "a", "b": []byte{2}}},
		{Maps: map[string]map[int]string{"m": {1: "a", -2: "b"}}, Wide: []Wide{{Next: &Wide{}}}, Ptrs: []*hostile{nil, {Int: 1}}},
	} {
		data, err := cborcodec.CBOR.Append(nil, v)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kept := bytes.Clone(data)
		allocated := uint64(1 << 62)
		var v *hostile
		var err error
		for range 3 { // the fuzzer's own goroutines allocate too
			v = new(hostile)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err = cborcodec.CBOR.Decode(data, v)
			runtime.ReadMemStats(&after)
			allocated = min(allocated, after.TotalAlloc-before.TotalAlloc)
		}
		require.LessOrEqual(t, allocated, uint64(16*len(data)+64<<10))
		require.Equal(t, kept, data)
		if err != nil {
			require.Regexp(t, "^cborcodec: ", err.Error())
			// The account is made to refuse all that the library would.
			require.NotRegexp(t, "^cborcodec: (cbor|panic)", err.Error())
			return
		}
		first, err := cborcodec.CBOR.Append(nil, v)
		if err != nil {
			return // such as a lost field that paid for the room of the others
		}
		again := new(hostile)
		require.NoError(t, cborcodec.CBOR.Decode(first, again))
		second, err := cborcodec.CBOR.Append(nil, again)
		require.NoError(t, err)
		require.Equal(t, first, second)
	})
}
