package codec_test

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/sesame-go/sesame/codec"
)

// v5Bytes encodes with msgpack/v5 in the setting that MsgPack agrees with. It
// sorts the maps that it sorts.
func v5Bytes(t *testing.T, v any) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc := msgpack.NewEncoder(&buf)
	enc.UseCompactInts(true)
	enc.SetSortMapKeys(true)
	require.NoError(t, enc.Encode(v))
	return buf.Bytes()
}

type (
	word    string
	number  int16
	base    struct{ ID, Rev int }
	Base    struct{ ID, Rev int }
	Named   struct{ Name string }
	secret  struct{ Key string }
	asArray struct {
		_msgpack struct{} `msgpack:",as_array"`
		A        int
		B        string `msgpack:",omitempty"`
	}
	tagged struct {
		A int        `msgpack:"a"`
		B string     `msgpack:"b,omitempty"`
		C bool       `msgpack:"-"`
		D *int       `msgpack:",omitempty"`
		E []int      `msgpack:"e, omitempty"`
		F string     `msgpack:"alias:old"`
		G Named      `msgpack:",omitempty"`
		H time.Time  `msgpack:",omitempty"`
		I any        `msgpack:",omitempty"`
		J *time.Time `msgpack:",omitempty"`
		K any        `msgpack:",omitempty"`
		h int
	}
	allOmitted struct {
		_msgpack struct{} `msgpack:",omitempty"`
		A        int
		B        *allOmitted
		C        tagged
	}
	inner struct {
		A, B string `msgpack:",omitempty"`
	}
	omitsStruct struct {
		In inner `msgpack:",omitempty"`
		N  int
	}
	inlines struct {
		Base
		*Named
		secret
		X int
	}
	noinlines struct {
		Base  `msgpack:",noinline"`
		Named `msgpack:"n,noinline"`
	}
	collides struct {
		ID int
		Base
	}
	list struct {
		Value int
		Next  *list
		Many  []list
	}
	valueText struct{ s string }
	ptrText   struct{ s string }
	custom    struct{ a, b int }
	marshals  struct{ n int }
	binaryMap map[string]int
)

func (v valueText) MarshalText() ([]byte, error)  { return []byte(v.s), nil }
func (v *valueText) UnmarshalText(b []byte) error { v.s = string(b); return nil }
func (v *ptrText) MarshalText() ([]byte, error)   { return []byte(v.s), nil }
func (v *ptrText) UnmarshalText(b []byte) error   { v.s = string(b); return nil }
func (c *custom) EncodeMsgpack(e *msgpack.Encoder) error {
	if err := e.EncodeArrayLen(2); err != nil {
		return err
	}
	return e.EncodeMulti(c.a, c.b)
}
func (c *custom) DecodeMsgpack(d *msgpack.Decoder) error {
	if n, err := d.DecodeArrayLen(); err != nil || n != 2 {
		return errors.Join(errors.New("custom: not two"), err)
	}
	return d.DecodeMulti(&c.a, &c.b)
}
func (m marshals) MarshalMsgpack() ([]byte, error)     { return msgpack.Marshal(m.n) }
func (m *marshals) UnmarshalMsgpack(b []byte) error    { return msgpack.Unmarshal(b, &m.n) }
func (b binaryMap) MarshalBinary() ([]byte, error)     { return []byte{byte(b["x"])}, nil }
func (b *binaryMap) UnmarshalBinary(data []byte) error { *b = binaryMap{"x": int(data[0])}; return nil }

func ptr[T any](v T) *T { return &v }

func v5Samples() []any {
	when := time.Date(2026, 8, 1, 12, 30, 15, 123456789, time.FixedZone("", 7200))
	u, _ := url.Parse("https://example.com/a?b=c")
	var samples []any
	for _, n := range []int64{0, 1, 127, 128, 255, 256, 65535, 65536, 1<<32 - 1, 1 << 32, math.MaxInt64,
		-1, -32, -33, -128, -129, -32768, -32769, math.MinInt32, math.MinInt32 - 1, math.MinInt64} {
		samples = append(samples, &struct {
			A int64
			B int
			C int8
			D int16
			E int32
			F uint64
			G uint
			H uint8
			I uint16
			J uint32
			K float64
			L float32
			M time.Duration
			N number
		}{n, int(n), int8(n), int16(n), int32(n), uint64(n), uint(n), uint8(n), uint16(n), uint32(n), float64(n), float32(n), time.Duration(n), number(n)})
	}
	for _, n := range []int{0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536} {
		m := make(map[string]string)
		for i := range min(n, 300) {
			m[strings.Repeat("x", i)] = strings.Repeat("y", 300-i)
		}
		samples = append(samples, &struct {
			S string
			W word
			B []byte
			A []string
			I []int8
			M map[string]string
			X []struct{}
		}{strings.Repeat("s", n), word(strings.Repeat("w", n)), make([]byte, n), make([]string, n), make([]int8, n), m, make([]struct{}, n)})
	}
	for _, w := range []time.Time{{}, when, when.Truncate(time.Second), time.Unix(0, 0), time.Unix(0, 1), time.Unix(-1, 5),
		time.Unix(1<<32-1, 0), time.Unix(1<<32, 0), time.Unix(1<<34-1, 999999999), time.Unix(1<<34, 0), time.Unix(1<<40, 7), time.Now()} {
		samples = append(samples, &struct {
			T time.Time
			P *time.Time
			L []time.Time
			I any
		}{w, &w, []time.Time{w, w}, w})
	}
	return append(samples,
		&struct{}{},
		&struct {
			B, C  bool
			N     *int
			P     *string
			PP    **int
			A     [3]int
			BA    [4]byte
			E     any
			F     []any
			G     map[string]any
			H     map[string]bool
			Nil   []int
			Empty []int
			NilM  map[string]int
			EmpM  map[string]int
			One   map[int]string
			Set   map[string]struct{}
			NB    []byte
			EB    []byte
			Inf   float64
			NaN   float64
			Neg   float64
		}{B: true, P: ptr("x"), PP: ptr(ptr(7)), A: [3]int{1, 2, 3}, BA: [4]byte{1, 2, 3, 4}, E: 12,
			F: []any{nil, true, "x", 1, -1, uint8(2), 1.5, float32(2.5), []byte{1}, []string{"a"}, map[string]any{"b": 1, "a": 2}, when, ptr(5)},
			G: map[string]any{"z": 1, "a": "b", "aa": []any{1}}, H: map[string]bool{"t": true, "f": false},
			Empty: []int{}, EmpM: map[string]int{}, One: map[int]string{5: "five"}, Set: map[string]struct{}{"only": {}},
			EB: []byte{}, Inf: math.Inf(-1), NaN: math.NaN(), Neg: math.Copysign(0, -1)},
		&asArray{A: 1}, &asArray{A: 1, B: "b"}, &[]asArray{{A: 2}, {B: "x"}},
		&tagged{}, &tagged{A: 1, B: "b", C: true, D: ptr(0), E: []int{}, F: "f", G: Named{"n"}, H: when, I: 0},
		&tagged{D: ptr(4), E: []int{1}, I: "x"}, &tagged{J: &when, K: &when}, &tagged{J: new(time.Time), K: new(time.Time)},
		&allOmitted{}, &allOmitted{A: 1, B: &allOmitted{}, C: tagged{A: 1}},
		&omitsStruct{}, &omitsStruct{In: inner{A: "x"}},
		&inlines{}, &inlines{Base{1, 2}, &Named{"n"}, secret{"k"}, 3},
		&noinlines{Base{1, 2}, Named{"n"}}, &collides{1, Base{2, 3}},
		&list{1, &list{2, nil, nil}, []list{{3, nil, nil}}},
		&struct {
			V  valueText
			VP *valueText
			VS []valueText
			P  ptrText
			PP *ptrText
			PS []ptrText
			M  map[string]valueText
			MK map[valueText]int
		}{V: valueText{"v"}, VP: &valueText{"vp"}, VS: []valueText{{"1"}, {"2"}}, P: ptrText{"p"}, PP: &ptrText{"pp"},
			PS: []ptrText{{"3"}}, M: map[string]valueText{"k": {"m"}}, MK: map[valueText]int{{"mk"}: 1}},
		&struct {
			C   custom
			CP  *custom
			CN  *custom
			M   marshals
			MN  *marshals
			Raw msgpack.RawMessage
			BM  binaryMap
			BN  binaryMap
		}{C: custom{1, 2}, CP: &custom{300, -4}, M: marshals{9}, Raw: msgpack.RawMessage{0x93, 1, 2, 3}, BM: binaryMap{"x": 8}},
		&struct {
			IP   net.IP
			Nil  net.IP
			Addr netip.Addr
			Pfx  netip.Prefix
			URL  *url.URL
			Big  *big.Int
			BigV big.Int
		}{IP: net.IPv4(1, 2, 3, 4), Addr: netip.MustParseAddr("::1"), Pfx: netip.MustParsePrefix("10.0.0.0/8"), URL: u, Big: big.NewInt(1 << 40), BigV: *big.NewInt(-3)},
	)
}

func TestMsgPackWritesWhatV5Writes(t *testing.T) {
	for _, sample := range v5Samples() {
		want := v5Bytes(t, sample)
		got, err := codec.MsgPack.Append(nil, sample)
		require.NoError(t, err, "%T", sample)
		assert.Equal(t, want, got, "%T", sample)
	}
}

// TestMsgPackReadsWhatItWrites also has msgpack/v5 read it, into the same type.
func TestMsgPackReadsWhatItWrites(t *testing.T) {
	for _, sample := range v5Samples() {
		data, err := codec.MsgPack.Append(nil, sample)
		require.NoError(t, err)

		got := reflect.New(reflect.TypeOf(sample).Elem()).Interface()
		require.NoError(t, codec.MsgPack.Decode(data, got), "%T", sample)
		again, err := codec.MsgPack.Append(nil, got)
		require.NoError(t, err)
		assert.Equal(t, data, again, "%T", sample)

		v5 := reflect.New(reflect.TypeOf(sample).Elem()).Interface()
		require.NoError(t, msgpack.Unmarshal(data, v5), "%T", sample)
		again, err = codec.MsgPack.Append(nil, v5)
		require.NoError(t, err)
		if _, ok := sample.(*inlines); !ok { // v5 sets an embedded pointer though all its fields are nil
			assert.Equal(t, data, again, "%T", sample)
		}
	}
}
