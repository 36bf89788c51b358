package codec_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec"
)

// What the older program had in a field is in oldV, oldCart and so on; what a
// newer one wants in newV and so on. The texts and numbers are a user's data.
type (
	oldV[V any] struct{ V V }
	newV[V any] struct{ V V }

	oldCart struct{ Items []oldItem }
	newCart struct{ Items []*newItem }
	oldItem struct{ Price string }
	newItem struct{ Price float64 }

	oldPromoted struct{ ID, Deep string }
	newPromoted struct{ Inner }
	newFar      struct{ *Far }
	Inner       struct{ ID misfitID }
	Far         struct{ Deep misfitDeep }
	misfitID    int
	misfitDeep  struct{ N int }

	oldNode struct {
		Next *oldNode
		V    string
	}
	newNode struct {
		Next *newNode
		V    int
	}
)

var errPicky = errors.New("no s3cret, please")

// picky reads itself, and quotes what it refuses.
type picky struct{ refuse string }

func (p picky) MarshalText() ([]byte, error) { return []byte(p.refuse), nil }

func (p *picky) UnmarshalText(b []byte) error {
	if strings.HasPrefix(string(b), "panic") {
		panic("no " + string(b))
	}
	return errPicky
}

var misfits = []struct {
	name          string
	old, new      any
	msgpack, json string // json: if not the same
}{
	{
		"nested", &oldV[oldCart]{oldCart{[]oldItem{{"s3cret"}}}}, new(newV[newCart]),
		"V.Items[0].Price: stored as text, wanted float64; see WithUpgrade", "",
	},
	{
		"second element", &oldV[[]any]{[]any{1, "s3cret"}}, new(newV[[]int]),
		"V[1]: stored as text, wanted int; see WithUpgrade", "",
	},
	{
		"entry of a map", &oldV[map[string]string]{map[string]string{"s3cret": "s3cret"}}, new(newV[map[string]int]),
		"V[]: stored as text, wanted int; see WithUpgrade", "",
	},
	{
		"entry of a map of structs", &oldV[map[string]oldItem]{map[string]oldItem{"s3cret": {"s3cret"}}}, new(newV[map[string]newItem]),
		"V[].Price: stored as text, wanted float64; see WithUpgrade", "",
	},
	{
		"entry of a map by number", &oldV[map[int]string]{map[int]string{1999: "s3cret"}}, new(newV[map[int]int]),
		"V[]: stored as text, wanted int; see WithUpgrade", "",
	},
	{
		"entry of an unusual map", &oldV[map[int8]string]{map[int8]string{19: "s3cret"}}, new(newV[map[int8]float32]),
		"V[]: stored as text, wanted float32; see WithUpgrade", "",
	},
	{
		"key of a map", &oldV[map[string]int]{map[string]int{"s3cret": 1999}}, new(newV[map[int]int]),
		"V[key]: stored as text, wanted int; see WithUpgrade", "",
	},
	{
		"key of an unusual map", &oldV[map[string]int]{map[string]int{"s3cret": 1999}}, new(newV[map[int8]int8]),
		"V[key]: stored as text, wanted int8; see WithUpgrade",
		"V[]: stored as integer, wanted int8, where it does not fit; see WithUpgrade", // values first
	},
	{
		"behind pointers", &oldV[**oldItem]{new(&oldItem{"s3cret"})}, new(newV[*newItem]),
		"V.Price: stored as text, wanted float64; see WithUpgrade", "",
	},
	{
		"embedded", &oldPromoted{ID: "s3cret"}, new(newPromoted),
		"Inner.ID: stored as text, wanted codec_test.misfitID; see WithUpgrade", "",
	},
	{
		"embedded by pointer", &oldPromoted{Deep: "s3cret"}, new(newFar),
		"Far.Deep: stored as text, wanted codec_test.misfitDeep; see WithUpgrade", "",
	},
	{
		"array", &oldV[[]string]{[]string{"a", "s3cret"}}, new(newV[[2]int]),
		"V[0]: stored as text, wanted int; see WithUpgrade", "",
	},
	{
		"too small", &oldV[int]{1999}, new(newV[int8]),
		"V: stored as integer, wanted int8, where it does not fit; see WithUpgrade", "",
	},
	{
		"negative", &oldV[int]{-1999}, new(newV[uint]),
		"V: stored as integer, wanted uint, where it does not fit; see WithUpgrade", "",
	},
	{
		"float for integer", &oldV[float64]{1.999}, new(newV[int]),
		"V: stored as float, wanted int; see WithUpgrade", "",
	},
	{
		"large float", &oldV[float64]{1.999e300}, new(newV[float32]),
		"V: stored as float, wanted float32, where it does not fit; see WithUpgrade", "",
	},
	{
		"bool for text", &oldV[bool]{true}, new(newV[string]),
		"V: stored as bool, wanted string; see WithUpgrade", "",
	},
	{
		"map for text", &oldV[oldItem]{oldItem{"s3cret"}}, new(newV[string]),
		"V: stored as map, wanted string; see WithUpgrade", "",
	},
	{
		"list for map", &oldV[[]string]{[]string{"s3cret", "s3cret"}}, new(newV[newItem]),
		"V: stored as list, wanted codec_test.newItem; see WithUpgrade", "",
	},
	{
		"text for list", &oldV[string]{"s3cret"}, new(newV[[]string]),
		"V: stored as text, wanted []string; see WithUpgrade", "",
	},
	{
		"text for map", &oldV[string]{"s3cret"}, new(newV[map[string]int]),
		"V: stored as text, wanted map[string]int; see WithUpgrade", "",
	},
	{
		"text for time", &oldV[string]{"s3cret"}, new(newV[time.Time]),
		"V: stored as text, wanted time.Time; see WithUpgrade", "",
	},
	{
		"integer for time", &oldV[int]{1999}, new(newV[[]time.Time]),
		"V: stored as integer, wanted []time.Time; see WithUpgrade", "",
	},
	{
		"time for integer", &oldV[time.Time]{time.Unix(1999, 0)}, new(newV[int]),
		"V: stored as time, wanted int; see WithUpgrade", "V: stored as text, wanted int; see WithUpgrade",
	},
	{
		"bytes for integer", &oldV[[]byte]{[]byte("s3cret")}, new(newV[int]),
		"V: stored as bytes, wanted int; see WithUpgrade", "V: stored as text, wanted int; see WithUpgrade",
	},
	{
		"a method that refuses", &oldV[[]string]{[]string{"s3cret"}}, new(newV[[]picky]),
		"V[0]: stored as text, refused by UnmarshalText of codec_test.picky; see WithUpgrade", "",
	},
	{
		"a method that panics", &oldV[map[string]string]{map[string]string{"a": "panic s3cret"}}, new(newV[map[string]*picky]),
		"V[]: stored as text, on which UnmarshalText of codec_test.picky panics; see WithUpgrade", "",
	},
	{
		"a method that needs text", &oldV[int]{1999}, new(newV[picky]),
		"V: stored as integer, refused by UnmarshalText of codec_test.picky; see WithUpgrade", "",
	},
	{
		"far down", &oldNode{Next: &oldNode{Next: &oldNode{V: "s3cret"}}}, new(newNode),
		"Next.Next.V: stored as text, wanted int; see WithUpgrade", "",
	},
}

// TestMisfits has sessions of an older program whose fields have other types.
func TestMisfits(t *testing.T) {
	for name, c := range map[string]codec.Codec{"msgpack": codec.MsgPack, "json": codec.JSON} {
		for _, m := range misfits {
			t.Run(name+"/"+m.name, func(t *testing.T) {
				data, err := c.Append(nil, m.old)
				require.NoError(t, err)
				want := m.msgpack
				if name == "json" && m.json != "" {
					want = m.json
				}
				err = c.Decode(data, m.new)
				_, sharedErr := c.(codec.SharedDecoder).DecodeShared(data, m.new)
				require.EqualError(t, err, "codec: "+name+": "+want)
				require.EqualError(t, sharedErr, err.Error())
			})
		}
	}
}

// TestMisfitsOfTags has fields that are written as their tags say.
func TestMisfitsOfTags(t *testing.T) {
	var tuple struct {
		Tuple struct {
			_msgpack struct{} `msgpack:",as_array"`
			A, B     int
		} `msgpack:"t"`
	}
	var name struct {
		Name int `msgpack:"n,alias:older"`
	}
	for data, want := range map[string]string{
		"\x81\xa1t\x92\x01\xa6s3cret":                           "Tuple.B: stored as text, wanted int; see WithUpgrade",
		"\x81\xa1t\x82\xa1A\x01\xa1B\xa6s3cret":                 "Tuple.B: stored as text, wanted int; see WithUpgrade",
		"\x81\xa1t\x81\x01\x02":                                 "Tuple[key]: stored as integer, wanted string; see WithUpgrade",
		"\x81\xa1t\xd6\x05\x00\x00\x00\x00":                     "Tuple: stored as extension, wanted ",
		"\x91\x93\x01\x02\x03":                                  "Tuple: stored as list, wanted ",
		"\x93\x01\x02\x03":                                      "stored as list, wanted ",
		"\xa6s3cret":                                            "stored as text, wanted ",
		"\x81\xa1t\x92\x01\xcf\xff\xff\xff\xff\xff\xff\xff\xff": "Tuple.B: stored as integer, wanted int, where it does not fit",
	} {
		err := codec.MsgPack.Decode([]byte(data), &tuple)
		require.ErrorContains(t, err, "codec: msgpack: "+want, "%q", data)
	}
	require.EqualError(t, codec.MsgPack.Decode([]byte("\x81\xa5older\xa6s3cret"), &name),
		"codec: msgpack: Name: stored as text, wanted int; see WithUpgrade")

	var quoted struct {
		Before int `json:"before,string"`
		Name   int `json:"name"`
	}
	require.EqualError(t, codec.JSON.Decode([]byte(`{"before":"5","NAME":"s3cret"}`), &quoted),
		"codec: json: Name: stored as text, wanted int; see WithUpgrade")
	require.EqualError(t, codec.JSON.Decode([]byte(`{"before":"s3cret"}`), &quoted),
		"codec: json: Before: stored as text, wanted int; see WithUpgrade")
}

// TestMisfitNotUTF8 names the field whose text is not valid UTF-8.
func TestMisfitNotUTF8(t *testing.T) {
	var v struct {
		Names map[string]string
		Any   any
	}
	for data, want := range map[string]string{
		"{\"Names\":{\"a\":\"s3cret\xff\"}}": "codec: json: Names[]: stored as text, which is not valid UTF-8",
		"{\"Names\":{\"s3cret\xff\":\"\"}}":  "codec: json: Names[key]: stored as text, which is not valid UTF-8",
		"{\"Any\":[\"s3cret\xff\"]}":         "codec: json: Any: stored as list, which is not valid UTF-8",
		"{\"Lost\":\"s3cret\xff\"}":          "codec: json: a string is not valid UTF-8; use []byte for data that is no text",
	} {
		require.EqualError(t, codec.JSON.Decode([]byte(data), &v), want)
	}
}

// TestMisfitCauses: what a method said is not in the text, and is found all the
// same.
func TestMisfitCauses(t *testing.T) {
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		data, err := c.Append(nil, &oldV[string]{"s3cret"})
		require.NoError(t, err)
		assert.ErrorIs(t, c.Decode(data, new(newV[picky])), errPicky)
	}
}

// TestMisfitDeep keeps the path short, however deep the data.
func TestMisfitDeep(t *testing.T) {
	old := &oldNode{V: "s3cret"}
	for range 300 {
		old = &oldNode{Next: old}
	}
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		data, err := c.Append(nil, &struct {
			Next *oldNode
		}{old})
		require.NoError(t, err)
		err = c.Decode(data, &struct{ Next *deepNode }{})
		require.ErrorContains(t, err, ": Next.Next.")
		require.Less(t, len(err.Error()), 300)
	}
}

// deepNode has another V than oldNode, which the innermost alone has.
type deepNode struct {
	Next *deepNode
	V    deepText
}

type deepText string

func (deepText) MarshalText() ([]byte, error) { return nil, nil }

func (*deepText) UnmarshalText(b []byte) error {
	if len(b) > 0 {
		return errPicky
	}
	return nil
}

// TestMisfitArray: encoding/json drops the elements that an array has no room
// for.
func TestMisfitArray(t *testing.T) {
	old, short := &oldV[[3]int]{[3]int{1, 2, 3}}, new(newV[[2]int])
	data, err := codec.MsgPack.Append(nil, old)
	require.NoError(t, err)
	require.EqualError(t, codec.MsgPack.Decode(data, short),
		"codec: msgpack: V: stored as list, wanted [2]int, where it does not fit; see WithUpgrade")

	data, err = codec.JSON.Append(nil, old)
	require.NoError(t, err)
	require.NoError(t, codec.JSON.Decode(data, short))
	require.Equal(t, [2]int{1, 2}, short.V)
}
