package codec_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
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

type hexString string

func (s hexString) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, []byte(s)), nil }
func (s *hexString) UnmarshalText(b []byte) error {
	b, err := hex.AppendDecode(nil, b)
	*s = hexString(b)
	return err
}

type numbered int

func (n *numbered) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "n%d", int(*n)), nil }
func (n *numbered) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "n%d", (*int)(n))
	return err
}

type jsonString string

func (jsonString) MarshalJSON() ([]byte, error)  { return []byte("1"), nil }
func (*jsonString) UnmarshalJSON(b []byte) error { return nil }

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

// treeNode leads in circles, but for its methods.
type treeNode struct {
	Name   string
	Parent *treeNode
	Kids   []*treeNode
}

type treeText struct {
	Name string
	Kids []*treeNode
}

func (n *treeNode) MarshalJSON() ([]byte, error) { return json.Marshal(treeText{n.Name, n.Kids}) }

func (n *treeNode) UnmarshalJSON(b []byte) error {
	var text treeText
	err := json.Unmarshal(b, &text)
	n.Name, n.Kids = text.Name, text.Kids
	for _, kid := range n.Kids {
		kid.Parent = n
	}
	return err
}

func TestJSONOfWhatLeadsInCircles(t *testing.T) {
	type session struct {
		S string
		T *treeNode
	}
	root := &treeNode{Name: "root"}
	root.Kids = []*treeNode{{Name: "kid", Parent: root}}
	v, got := session{"\ufffd", root}, session{}
	data, err := codec.JSON.Append(nil, &v)
	require.NoError(t, err)
	require.NoError(t, codec.JSON.Decode(data, &got))
	assert.Equal(t, v, got)

	type twin struct{ Link *twin }
	type Other struct{ Link *twin }
	type hiding struct { // encoding/json writes neither Link
		S string
		twin
		Other
	}
	cycle := &twin{}
	cycle.Link = cycle
	assert.ErrorContains(t, codec.JSON.(codec.Checker).Check(reflect.TypeFor[hiding]()), `two fields called "Link"`)
	_, err = codec.JSON.Append(nil, &hiding{S: "\ufffd", twin: *cycle})
	assert.ErrorContains(t, err, "refers to itself")
}

func TestJSONHiddenUTF8(t *testing.T) {
	type session struct {
		S string `json:",string"`
	}
	_, err := codec.JSON.Append(nil, &session{"a\xffb"})
	assert.ErrorContains(t, err, "not valid UTF-8")
	for _, s := range []string{"\ufffd", `\ufffd`, `\\ufffd`, `"`} {
		v, got := session{s}, session{}
		data, err := codec.JSON.Append(nil, &v)
		require.NoError(t, err)
		require.NoError(t, codec.JSON.Decode(data, &got))
		assert.Equal(t, v, got)
	}
}

func empties(n int) []any {
	s := make([]any, n)
	for i := range s {
		s[i] = map[string]any{}
	}
	return s
}

type (
	invoice       struct{ Total big.Int }
	embedsInvoice struct{ invoice }
	point         struct{ X int }
	point2        struct{ X int }
	stamped       struct{ time.Time }
	stamped2      struct{ time.Time }
	Point         struct{ X int }
)

func TestChecksNameTheField(t *testing.T) {
	type hidden struct{ n int }
	type stampedN struct {
		time.Time
		N int
	}
	for _, c := range []struct {
		codec codec.Codec
		v     any
		says  string
	}{
		{codec.MsgPack, stampedN{}, "would be written by MarshalBinary of the embedded time.Time, without the field N"},
		{codec.JSON, stampedN{}, "would be written by MarshalJSON of the embedded time.Time, without the field N"},
		{codec.Gob, stampedN{}, "would be written by GobEncode of the embedded time.Time, without the field N"},
		{codec.MsgPack, struct{ *time.Time }{}, "of the embedded *time.Time, which may be nil"},
		{codec.JSON, struct{ *time.Time }{}, "of the embedded *time.Time, which may be nil"},
		{codec.Gob, struct{ *time.Time }{}, "of the embedded *time.Time, which may be nil"},
		{codec.MsgPack, stamped{}, ""},
		{codec.JSON, stamped{}, ""},
		{codec.Gob, stamped{}, ""},
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
		{codec.JSON, struct{ M map[string][1]big.Int }{}, "method MarshalJSON of *big.Int: make it a map of pointers"},
		{codec.JSON, struct{ M map[string]invoice }{}, "method MarshalJSON of *big.Int: make it a map of pointers"},
		{codec.JSON, struct{ M map[string]embedsInvoice }{}, "make it a map of pointers"},
		{codec.JSON, struct{ M map[string]*invoice }{}, ""},
		{codec.JSON, struct{ M map[string][]invoice }{}, ""},
		{codec.JSON, struct {
			M map[string]struct {
				T time.Time
				P *invoice
			}
		}{}, ""},
		{codec.JSON, struct{ *point }{}, "which embeds *codec_test.point, which cannot be set when decoding: embed it without the pointer"},
		{codec.JSON, struct {
			*point `json:"p"`
		}{}, "embed it without the pointer"},
		{codec.JSON, struct {
			*point `json:"-"`
			point2 `json:"p"`
			*int
			*Point
		}{}, ""},
		{codec.JSON, struct {
			Numbers
			Point
		}{}, `which has two fields called "X", of which encoding/json takes neither: rename one`},
		{codec.JSON, struct {
			stamped
			stamped2
		}{}, "which embeds codec_test.stamped, whose methods have no effect there: give the field a name"},
		{codec.JSON, struct{ M map[hexString]int }{}, "writes as they are, but reads with UnmarshalText: use plain strings"},
		{codec.JSON, struct{ M map[numbered]int }{}, "reads with UnmarshalText, but writes without MarshalText: give it a value receiver"},
		{codec.JSON, struct{ M map[*time.Time]int }{}, "whose keys JSON cannot carry"},
		{codec.JSON, struct{ M map[any]int }{}, "whose keys JSON cannot carry"},
		{codec.JSON, struct {
			M map[time.Time]int
			S map[sameText]int
			J map[jsonString]int
			W map[time.Weekday]int
		}{}, ""},
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
