package codec_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
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
		{&struct{ M []map[sameText]int }{[]map[sameText]int{{1: 1}, {1: 1}}}, ""},
		{cycle, "cycle"},
		{&struct{ V any }{strings.Split(strings.Repeat(",", 3), ",")}, ""},
		{&struct{ V any }{nested(1001)}, "nested deeper"},
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
}

// TestJSONOwnMethods has a type with methods of both kinds, of which encoding/json
// takes those for JSON even if they have a pointer receiver.
func TestJSONOwnMethods(t *testing.T) {
	type session struct {
		D  day
		Ds []day
	}
	v, got := session{day{time.Unix(0, 0).UTC()}, []day{{time.Unix(86400, 0).UTC()}}}, session{}
	data, err := codec.JSON.Append(nil, &v)
	require.NoError(t, err)
	require.Equal(t, `{"D":"1970-01-01","Ds":["1970-01-02"]}`, string(data))
	require.NoError(t, codec.JSON.Decode(data, &got))
	require.Equal(t, v, got)
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

func nested(levels int) (v any) {
	for range levels {
		v = []any{v}
	}
	return v
}

// day has the text methods of time.Time, and its own for JSON.
type day struct{ time.Time }

func (d *day) MarshalJSON() ([]byte, error) { return []byte(d.Format(`"2006-01-02"`)), nil }
func (d *day) UnmarshalJSON(b []byte) (err error) {
	d.Time, err = time.Parse(`"2006-01-02"`, string(b))
	return err
}

type textDay struct{ N int }

func (textDay) MarshalText() ([]byte, error)  { return nil, nil }
func (*textDay) UnmarshalText([]byte) error   { return nil }
func (*textDay) MarshalJSON() ([]byte, error) { return nil, nil }
