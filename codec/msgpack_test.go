package codec_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/sesame-go/sesame/codec"
)

func TestMsgPackSortsEveryMap(t *testing.T) {
	type point struct{ X, Y int }
	type set map[word]struct{}
	v := &struct {
		Strings map[string]int
		Named   map[word]string
		Set     set
		Ints    map[int]bool
		Points  map[point]int
		Bools   map[bool]int
		Times   map[time.Time]int
		Texts   map[valueText]int
		Any     any
		Keys    map[any]int
	}{
		map[string]int{}, map[word]string{}, set{}, map[int]bool{}, map[point]int{}, map[bool]int{true: 1, false: 0},
		map[time.Time]int{}, map[valueText]int{}, nil, map[any]int{},
	}
	inner := map[int]any{}
	for i := range 50 {
		s := strconv.Itoa(i * i)
		v.Strings[s], v.Named[word(s)], v.Set[word(s)] = i, s, struct{}{}
		v.Ints[i-25], v.Points[point{-i, i}], v.Times[time.Unix(int64(i), 0)], v.Texts[valueText{s}] = true, i, i, i
		v.Keys[i], v.Keys[s], v.Keys[float64(i)+0.5] = i, i, i
		inner[i*100] = map[string]any{s: i, "a": map[bool]int{true: 1, false: 2}}
	}
	v.Any = inner
	want, err := codec.MsgPack.Append(nil, v)
	require.NoError(t, err)
	for range 200 {
		got, err := codec.MsgPack.Append(nil, v)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	got := reflect.New(reflect.TypeOf(v).Elem()).Interface()
	require.NoError(t, codec.MsgPack.Decode(want, got))
	again, err := codec.MsgPack.Append(nil, got)
	require.NoError(t, err)
	assert.Equal(t, want, again)
}

// TestMsgPackSortsAsV5 holds for the maps that msgpack/v5 sorts.
func TestMsgPackSortsAsV5(t *testing.T) {
	v := &struct {
		S map[string]string
		B map[string]bool
		A map[string]any
	}{map[string]string{}, map[string]bool{}, map[string]any{}}
	for i := range 300 {
		s := string(bytes.Repeat([]byte{byte('a' + i%26)}, i))
		v.S[s], v.B[s], v.A[s] = s, true, map[string]any{s: i, "x": s}
	}
	got, err := codec.MsgPack.Append(nil, v)
	require.NoError(t, err)
	assert.Equal(t, v5Bytes(t, v), got)
}

func TestMsgPackAnyKeepsWhatItCan(t *testing.T) {
	when := time.Date(2026, 8, 1, 12, 0, 0, 5, time.FixedZone("", 3600))
	for _, c := range []struct{ in, out any }{
		{nil, nil}, {true, true}, {7, 7}, {int64(-7), -7}, {uint8(200), 200}, {uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{float32(1.5), float32(1.5)}, {2.0, 2.0}, {"s", "s"}, {word("w"), "w"}, {[]byte{1}, []byte{1}}, {when, when.UTC()},
		{[]string{"a"}, []any{"a"}}, {map[string]int{"a": 1}, map[string]any{"a": 1}}, {map[int]string{1: "a"}, map[any]any{1: "a"}},
		{Named{"n"}, map[string]any{"Name": "n"}}, {ptr(5), 5}, {[]any{}, []any{}}, {map[string]any{}, map[string]any{}},
		{map[any]any{1: 1, "a": 2}, map[any]any{1: 1, "a": 2}},
	} {
		data, err := codec.MsgPack.Append(nil, &struct{ V any }{c.in})
		require.NoError(t, err)
		var got struct{ V any }
		require.NoError(t, codec.MsgPack.Decode(data, &got))
		assert.Equal(t, c.out, got.V, "%T", c.in)
		again, err := codec.MsgPack.Append(nil, &got)
		require.NoError(t, err)
		assert.Equal(t, data, again, "%T", c.in)
	}
}

type multi struct{ a, b int }

func (m multi) EncodeMsgpack(e *msgpack.Encoder) error  { return e.EncodeMulti(m.a, m.b) }
func (m *multi) DecodeMsgpack(d *msgpack.Decoder) error { return d.DecodeMulti(&m.a, &m.b) }

type onlyWrites struct{ A int }

func (onlyWrites) MarshalText() ([]byte, error) { return []byte("x"), nil }

func TestMsgPackErrors(t *testing.T) {
	type loop struct{ Next *loop }
	cycle := &loop{}
	cycle.Next = cycle
	for _, c := range []struct {
		v    any
		says string
	}{
		{loop{}, "needs a pointer"},
		{&struct{ C chan int }{}, "chan int"},
		{cycle, "refers to itself"},
		{&struct{ A any }{make(chan int)}, "cannot carry chan int"},
		{&struct{ M multi }{}, "wrote more than one value"},
		{&struct{ O onlyWrites }{}, "MarshalText but no UnmarshalText"},
		{&struct{ M map[any]int }{map[any]int{1: 1, int64(1): 2}}, "same encoding"},
		{&struct{ M any }{map[[1]int]int{{1}: 1}}, "cannot be one when decoded"},
		{&struct {
			A int `msgpack:"x"`
			B int `msgpack:"x"`
		}{}, `called "x"`},
		{&struct{ E error }{}, "only the empty interface"},
		{&struct{ S [][]string }{make([][]string, 20000)}, "too dense"},
		{&struct{ S any }{make([]map[string]int, 200000)}, ""}, // nil maps are nil in any
	} {
		_, err := codec.MsgPack.Append(nil, c.v)
		if c.says == "" {
			assert.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, c.says, "%T", c.v)
		assert.ErrorContains(t, err, "codec: ")
	}
	for data, v := range map[string]any{
		"\x81\xa1A\xcd\x01\x00":     &struct{ A uint8 }{},
		"\x81\xa1A\xff":             &struct{ A uint }{},
		"\x81\xa1A\xa1x":            &struct{ A int }{},
		"\x81\xa1A\x01":             &struct{ A string }{},
		"\x81\xa1A\x93\x01\x02\x03": &struct{ A [2]int }{},
		"\x81\xa1A\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00": &struct{ A float32 }{},
		"\x81\x01\x01":                          &struct{ A int }{},
		"\x81\xa1A\xd6\xff\x00\x00\x00\x00\x00": &struct{ A time.Time }{}, // a byte too many
		"\x80\x80":                              &struct{ A int }{},
		"":                                      &struct{ A int }{},
	} {
		assert.ErrorContains(t, codec.MsgPack.Decode([]byte(data), v), "codec: msgpack: ", "%q", data)
	}
}

// TestMsgPackDense writes and reads values that are as dense as may be: one of
// them has no strings, whose copy need not be counted.
func TestMsgPackDense(t *testing.T) {
	for name, v := range map[string]any{
		"bools in interfaces": &struct{ V []any }{slices.Repeat([]any{true}, 50_000)},
		"empty strings":       &struct{ V []string }{make([]string, 50_000)},
		"short strings":       &struct{ V []string }{slices.Repeat([]string{"x"}, 50_000)},
	} {
		data, err := codec.MsgPack.Append(nil, v)
		require.NoError(t, err, name)
		got := reflect.New(reflect.TypeOf(v).Elem()).Interface()
		require.NoError(t, codec.MsgPack.Decode(data, got), name)
		require.Equal(t, v, got, name)
	}
	_, err := codec.MsgPack.Append(nil, &struct{ V []any }{append(slices.Repeat([]any{true}, 50_000), "x")})
	require.ErrorContains(t, err, "too dense", "with one more string it takes a copy of them all")
}

// TestMsgPackKeysInInterfaces writes no key that would come back as what cannot
// be one, such as a slice.
func TestMsgPackKeysInInterfaces(t *testing.T) {
	type inner struct{ A any }
	for _, k := range []any{[2]byte{1, 2}, [2]int{1, 2}, inner{1}, netip.MustParseAddr("::1")} {
		for _, v := range []any{
			&struct{ M map[any]int }{map[any]int{k: 1}},
			&struct{ M map[inner]int }{map[inner]int{{k}: 1}},
			&struct{ M map[[1]any]int }{map[[1]any]int{{k}: 1}},
			&struct{ M any }{map[any]int{k: 1}},
		} {
			_, err := codec.MsgPack.Append(nil, v)
			assert.ErrorContains(t, err, "map's key", "%T of %T", v, k)
		}
	}
	for _, k := range []any{nil, true, 1, 1.5, "one", time.UnixMilli(1).UTC()} {
		v := &struct{ M map[any]any }{map[any]any{k: []any{"arrays are values", []byte("too")}}}
		data, err := codec.MsgPack.Append(nil, v)
		require.NoError(t, err, "%T", k)
		got := *v
		got.M = nil
		require.NoError(t, codec.MsgPack.Decode(data, &got), "%T", k)
		require.Equal(t, *v, got)
	}
	for _, data := range []string{"\x81\xa1M\x81\x90\x01", "\x81\xa1M\x81\x80\x01", "\x81\xa1M\x81\xc4\x00\x01"} {
		err := codec.MsgPack.Decode([]byte(data), &struct{ M map[any]int }{})
		assert.ErrorContains(t, err, "codec: msgpack: ", "%q", data)
	}
}

// Emptied may contain itself, where omitempty looks for what is empty.
type Emptied struct {
	V any `msgpack:",omitempty"`
}

func TestMsgPackDepthOfEmpties(t *testing.T) {
	type holder struct{ *Emptied }
	cycle := &Emptied{}
	cycle.V = holder{cycle}
	_, err := codec.MsgPack.Append(nil, &holder{cycle})
	require.ErrorContains(t, err, "refers to itself")

	deep := Emptied{}
	for range 5_000_000 {
		deep = Emptied{deep}
	}
	_, err = codec.MsgPack.Append(nil, &deep)
	require.ErrorContains(t, err, "nested deeper")
}

func TestMsgPackDepth(t *testing.T) {
	type loop struct{ Next *loop }
	for levels, ok := range map[int]bool{400: true, 2000: false} {
		v := &loop{}
		for range levels {
			v = &loop{v}
		}
		data, err := codec.MsgPack.Append(nil, v)
		if !ok {
			assert.Error(t, err)
			continue
		}
		require.NoError(t, err)
		assert.NoError(t, codec.MsgPack.Decode(data, &loop{}))
	}
}

func TestMsgPackEvolves(t *testing.T) {
	data, err := codec.MsgPack.Append(nil, &struct {
		Old  string `msgpack:"name"`
		Gone map[string][]int
		N    int8
	}{"ada", map[string][]int{"x": {1}}, 5})
	require.NoError(t, err)
	var got struct {
		N    float64
		Nick string `msgpack:"nick,alias:name"`
		New  []int
	}
	require.NoError(t, codec.MsgPack.Decode(data, &got))
	assert.Equal(t, "ada", got.Nick)
	assert.Equal(t, 5.0, got.N)
}

func TestMsgPackRandomValues(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	for range 2000 {
		v := reflect.New(reflect.TypeFor[fuzzed]())
		randomise(rnd, v.Elem(), 4)
		data, err := codec.MsgPack.Append(nil, v.Interface())
		require.NoError(t, err)
		got := new(fuzzed)
		require.NoError(t, codec.MsgPack.Decode(data, got))
		again, err := codec.MsgPack.Append(nil, got)
		require.NoError(t, err)
		require.Equal(t, data, again)
	}
}

// randomise fills v, nested up to depth levels.
func randomise(rnd *rand.Rand, v reflect.Value, depth int) {
	if !v.CanSet() || rnd.IntN(5) == 0 {
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.Unix(rnd.Int64N(1<<35)-1<<34, rnd.Int64N(1e9))
		return
	case *ptrText:
		x.s = strconv.Itoa(rnd.Int())
		return
	case *any:
		*x = []any{nil, true, rnd.Int(), -rnd.IntN(1000), rnd.Float64(), "text", []byte("bytes"), time.Unix(rnd.Int64N(1e10), 0),
			[]string{"a", "b"}, map[string]any{"k": rnd.IntN(9), "j": []any{}}, map[int]bool{1: true, rnd.Int(): false}}[rnd.IntN(11)]
		if v.Kind() == reflect.Interface && depth < 0 { // a key
			*x = []any{1, "k", 2.5, true}[rnd.IntN(4)]
		}
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(rnd.Uint64()) >> rnd.IntN(64))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(rnd.NormFloat64())
	case reflect.String:
		v.SetString(string(make([]byte, rnd.IntN(40))) + strconv.Itoa(rnd.Int()))
	case reflect.Pointer:
		if depth > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			randomise(rnd, v.Elem(), depth-1)
		}
	case reflect.Slice:
		if depth > 0 {
			v.Set(reflect.MakeSlice(v.Type(), rnd.IntN(4), 4))
		}
		for i := range v.Len() {
			randomise(rnd, v.Index(i), depth-1)
		}
	case reflect.Array:
		for i := range v.Len() {
			randomise(rnd, v.Index(i), depth-1)
		}
	case reflect.Map:
		if depth <= 0 {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for range rnd.IntN(20) {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			randomise(rnd, k, -1)
			randomise(rnd, e, depth-1)
			v.SetMapIndex(k, e)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			randomise(rnd, v.Field(i), depth)
		}
	}
}
