package codec_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec"
)

func TestJSONIsPlainJSON(t *testing.T) {
	data, err := codec.JSON.Append([]byte("kept "), &struct {
		S string
		N []int
		E []int
		M map[string]any
	}{"<a & b>\u2028\ufffd", nil, []int{}, map[string]any{"b": 1, "a": int64(math.MaxInt64)}})
	require.NoError(t, err)
	assert.Equal(t, "kept "+`{"S":"<a & b>\u2028`+"\ufffd"+`","N":null,"E":[],"M":{"a":9223372036854775807,"b":1}}`, string(data))
}

func TestJSONKeepsNumbers(t *testing.T) {
	const text = `{"V":[9007199254740993,1.50,1e2,-0]}`
	var got struct{ V any }
	require.NoError(t, codec.JSON.Decode([]byte(text), &got))
	assert.Equal(t, json.Number("9007199254740993"), got.V.([]any)[0])
	again, err := codec.JSON.Append(nil, &got)
	require.NoError(t, err)
	assert.Equal(t, text, string(again))
}

type jsonPtr struct{ n int }

func (p *jsonPtr) MarshalJSON() ([]byte, error) { return json.Marshal(p.n) }
func (p *jsonPtr) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &p.n) }

type sameText int

func (sameText) MarshalText() ([]byte, error)  { return []byte("same"), nil }
func (*sameText) UnmarshalText(b []byte) error { return nil }

func TestJSONErrors(t *testing.T) {
	type loop struct{ Next *loop }
	cycle := &loop{}
	cycle.Next = cycle
	for _, c := range []struct {
		v    any
		says string
	}{
		{&struct{ F float64 }{math.NaN()}, "NaN"},
		{&struct{ F any }{math.Inf(1)}, "Inf"},
		{&struct{ S string }{"a\xffb"}, "not valid UTF-8"},
		{&struct{ M map[string]int }{map[string]int{"\xff": 1}}, "not valid UTF-8"},
		{&struct{ R json.RawMessage }{json.RawMessage("\"\xff\"")}, "not valid UTF-8"},
		{&struct{ T time.Time }{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, "year"},
		{&struct{ C chan int }{}, "chan int"},
		{&struct{ M map[sameText]int }{map[sameText]int{1: 1, 2: 2}}, "same encoding"},
		{cycle, "cycle"},
		{&struct{ V any }{strings.Split(strings.Repeat(",", 3), ",")}, ""},
		{&struct{ V []any }{empties(30000)}, "too dense"},
		{&struct{ S string }{`\ufffd and \\ufffd`}, ""},
	} {
		data, err := codec.JSON.Append(nil, c.v)
		if c.says == "" {
			require.NoError(t, err)
			assert.True(t, json.Valid(data))
			continue
		}
		require.ErrorContains(t, err, c.says, "%T", c.v)
		assert.ErrorContains(t, err, "codec: ")
	}
	for _, data := range []string{"", " ", "{", "{}x", "{} {}", "[", `{"A":1,}`, `{"A"}`, `{A:1}`, `{"A":01}`, `{"A":+1}`, `{"A":tru}`,
		`{"A":[1,]}`, "{\"A\":\"\xff\"}", `{"A":"x}`, `{"A":` + strings.Repeat("[", 1001) + strings.Repeat("]", 1001) + "}", "\x00", "{}\x00"} {
		assert.ErrorContains(t, codec.JSON.Decode([]byte(data), &struct{ A any }{}), "codec: ", "%.40q", data)
	}
}

func empties(n int) []any {
	s := make([]any, n)
	for i := range s {
		s[i] = map[string]any{}
	}
	return s
}

func TestChecksNameTheField(t *testing.T) {
	type hidden struct{ n int }
	for _, c := range []struct {
		codec codec.Codec
		v     any
		says  string
	}{
		{codec.MsgPack, struct{ C complex128 }{}, "C has type complex128, which MessagePack cannot carry"},
		{codec.MsgPack, struct{ E error }{}, "E has type error, which cannot be decoded"},
		{codec.MsgPack, struct{ H []hidden }{}, "H[] has type codec_test.hidden, which has only unexported fields"},
		{codec.MsgPack, struct{ O onlyWrites }{}, "O has type codec_test.onlyWrites, which has MarshalText but no UnmarshalText"},
		{codec.MsgPack, struct {
			Skip chan int `msgpack:"-"`
			Set  map[string]struct{}
		}{}, ""},
		{codec.MsgPack, struct {
			Skip chan int `json:"-"`
		}{}, "Skip has type chan int, which no codec can carry"},
		{codec.JSON, struct {
			Skip chan int `json:"-"`
			Set  map[string]struct{}
		}{}, ""},
		{codec.JSON, struct{ M map[bool]int }{}, "M has type map[bool]int, whose keys JSON cannot carry"},
		{codec.JSON, struct{ M map[string]jsonPtr }{}, "make it a map of pointers"},
		{codec.JSON, struct{ M map[string]*jsonPtr }{}, ""},
		{codec.JSON, struct{ C complex64 }{}, "which JSON cannot carry"},
	} {
		err := c.codec.(codec.Checker).Check(reflect.TypeOf(c.v))
		if c.says == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, c.says)
		}
	}
}
