package cborcodec_test

import (
	"bytes"
	"encoding/hex"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec/cborcodec"
	"github.com/sesame-go/sesame/codec/codectest"
)

func TestConforms(t *testing.T) { codectest.Run(t, cborcodec.CBOR) }

func TestID(t *testing.T) { require.Equal(t, byte(4), cborcodec.CBOR.ID()) }

// encode returns the bytes of a pointer to v.
func encode[V any](t *testing.T, v V) []byte {
	t.Helper()
	data, err := cborcodec.CBOR.Append(nil, &v)
	require.NoError(t, err)
	return data
}

// transcode decodes the bytes of a pointer to v, and makes sure that the result
// has the same.
func transcode[V any](t *testing.T, v V) V {
	t.Helper()
	data := encode(t, v)
	var got V
	require.NoError(t, cborcodec.CBOR.Decode(data, &got))
	require.Equal(t, hex.EncodeToString(data), hex.EncodeToString(encode(t, got)))
	return got
}

func TestBytes(t *testing.T) {
	at := time.Date(2026, 8, 1, 14, 30, 15, 120000000, time.FixedZone("east", 2*60*60))
	for _, c := range []struct {
		want string
		got  []byte
	}{
		{"a1614101", encode(t, struct{ A int }{1})},
		{"a26142f5644c6f6e67f4", encode(t, struct{ Long, B bool }{false, true})},
		{"a16142f6", encode(t, struct{ B []byte }{})},
		{"a1614240", encode(t, struct{ B []byte }{[]byte{}})},
		{"a16146f97e00", encode(t, struct{ F float64 }{math.Float64frombits(0x7ff8000000000123)})},
		{"a16146f98000", encode(t, struct{ F float64 }{math.Copysign(0, -1)})},
		{"a16146f93e00", encode(t, struct{ F float64 }{1.5})},
		{"a16146fa47c35000", encode(t, struct{ F float64 }{100000})},
		{"a16146fb3fb999999999999a", encode(t, struct{ F float64 }{0.1})},
		{"a1614da30a0018640020a0", encode(t, struct{ M map[any]any }{map[any]any{-1: map[string]int{}, 100: 0, 10: 0}})},
		{"a16154c077" + hex.EncodeToString([]byte("2026-08-01T12:30:15.12Z")), encode(t, struct{ T time.Time }{at})},
		{"a16154f6", encode(t, struct{ T time.Time }{})},
		{"a2016161626b6b02", encode(t, struct {
			Text string `cbor:"1,keyasint"`
			JSON int    `json:"kk"`
			Gone int    `cbor:"-"`
		}{"a", 2, 3})},
		{"820102", encode(t, struct {
			_    struct{} `cbor:",toarray"`
			A, B int
		}{A: 1, B: 2})},
	} {
		require.Equal(t, c.want, hex.EncodeToString(c.got))
	}
}

func TestWhatComesBackInAny(t *testing.T) {
	huge := new(big.Int).Lsh(big.NewInt(1), 100)
	at := time.Date(2026, 8, 1, 14, 30, 15, 123456789, time.FixedZone("east", 2*60*60))
	for _, c := range []struct{ put, want any }{
		{nil, nil},
		{true, true},
		{int8(-3), int64(-3)},
		{uint16(300), int64(300)},
		{int64(math.MinInt64), int64(math.MinInt64)},
		{uint64(math.MaxUint64), *new(big.Int).SetUint64(math.MaxUint64)},
		{*huge, *huge},
		{new(big.Int).Neg(huge), *new(big.Int).Neg(huge)},
		{float32(0.1), float64(float32(0.1))},
		{2.0, 2.0},
		{math.Inf(-1), math.Inf(-1)},
		{"text", "text"},
		{[]byte{1, 0xff}, []byte{1, 0xff}},
		{at, at.UTC()},
		{[]string{"a"}, []any{"a"}},
		{map[string]int{"a": 1}, map[string]any{"a": int64(1)}},
		{struct{ A *int }{}, map[string]any{"A": nil}},
		{cbor.RawTag{Number: 1234, Content: cbor.RawMessage{1}}, cbor.Tag{Number: 1234, Content: int64(1)}},
		{[]any{time.Time{}}, []any{nil}},
	} {
		got := transcode(t, struct{ V any }{c.put})
		require.Equal(t, c.want, got.V, "%T", c.put)
	}
}

func TestRoundTrip(t *testing.T) {
	type inner struct{ A int }
	type Outer struct {
		inner
		B        int
		Nil      []int
		Empty    []int
		NilMap   map[int]string
		EmptyMap map[int]string
		Bytes    []byte
		Hash     [4]byte
		ByBytes  map[[2]byte]int
		ByInt    map[int]string
		BigInt   *big.Int
		NegZero  float64
		Text     cbor.ByteString
		Raw      cbor.RawMessage
		At       time.Time
	}
	want := Outer{
		inner: inner{1}, B: 3, Empty: []int{}, EmptyMap: map[int]string{}, Bytes: []byte{}, Hash: [4]byte{1, 2, 3, 4},
		ByBytes: map[[2]byte]int{{2, 1}: 3, {1, 2}: 4}, ByInt: map[int]string{-1: "a", 70000: "b", 3: "c"},
		BigInt: new(big.Int).Lsh(big.NewInt(-5), 90), NegZero: math.Copysign(0, -1), Text: "\xff", Raw: cbor.RawMessage{0x82, 1, 2},
		At: time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC),
	}
	require.Equal(t, want, transcode(t, want))
	require.True(t, math.Signbit(transcode(t, want).NegZero))

	zero := transcode(t, struct{ At *time.Time }{new(time.Time)})
	require.Nil(t, zero.At)
}

// TestPlainReader shows that the bytes are what any reader of CBOR expects, and
// the other way round.
func TestPlainReader(t *testing.T) {
	type session struct {
		User string
		Cart map[string]int
		Seen time.Time
	}
	want := session{"ada", map[string]int{"tea": 2, "milk": 1}, time.Date(2026, 8, 1, 12, 0, 0, 1, time.UTC)}
	data := encode(t, want)
	var got session
	require.NoError(t, cbor.Unmarshal(data, &got))
	require.Equal(t, want, got)

	options := cbor.CoreDetEncOptions()
	options.Time, options.TimeTag = cbor.TimeRFC3339NanoUTC, cbor.EncTagRequired
	mode, err := options.EncMode()
	require.NoError(t, err)
	plain, err := mode.Marshal(want)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, plain))
}

func TestAppendRefuses(t *testing.T) {
	type node struct {
		Next *node
		Any  any
	}
	at := time.Date(2026, 8, 1, 14, 0, 0, 0, time.FixedZone("east", 60*60))
	ring := &node{}
	ring.Next = &node{Any: ring}
	for want, v := range map[string]any{
		"is not valid UTF-8":                         &struct{ S string }{"\xff"},
		"refers to itself":                           ring,
		"exceeded max number of":                     &struct{ V []bool }{make([]bool, 1<<20+1)},
		"V: stored as map":                           &struct{ V any }{map[int]int{1: 1}},
		"which has a key twice":                      &struct{ M map[any]int }{map[any]int{int8(1): 1, int16(1): 2}},
		"M: stored as map, which has a key twice":    &struct{ M map[time.Time]int }{map[time.Time]int{at: 1, at.UTC(): 2}},
		"year outside of range":                      &struct{ T time.Time }{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"which has a key that no map of Go can have": &struct{ M map[any]int }{map[any]int{[2]int{1, 2}: 1}},
		"which no codec can":                         &struct{ V any }{make(chan int)},
		"only unexported fields":                     &struct{ V any }{hidden{1}},
		"a pointer that is not":                      struct{}{},
	} {
		_, err := cborcodec.CBOR.Append(nil, v)
		require.ErrorContains(t, err, want)
		require.Regexp(t, "^cborcodec: ", err.Error())
	}
}
