package codec_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec"
)

type (
	Numbers struct{ X int }
	Anys    struct {
		Y any `json:"X"`
	}
	Tags struct {
		W any `json:"w"`
		w Numbers
		Z Numbers `json:"W"`
	}
	Twin  struct{ Numbers }
	Shown struct{ X any }
)

// TestJSONFields has fields that are found as encoding/json finds them, or an
// any would not keep each digit. Check is for programs that lose none.
func TestJSONFields(t *testing.T) {
	n := json.Number("9007199254740993")
	for _, c := range []struct {
		v    any
		text string
	}{
		{&struct {
			Numbers
			Anys
		}{Anys: Anys{n}}, `{"X":9007199254740993}`},
		{&struct {
			Twin
			Shown
		}{Shown: Shown{n}}, `{"X":9007199254740993}`},
		{&struct {
			X any
			Numbers
		}{X: n}, `{"X":9007199254740993}`},
		{&Tags{W: n, Z: Numbers{1}}, `{"w":9007199254740993,"W":{"X":1}}`},
		{&struct {
			*Numbers `json:"numbers"`
			X        any `json:",omitempty"`
		}{&Numbers{1}, n}, `{"numbers":{"X":1},"X":9007199254740993}`},
	} {
		data, err := codec.JSON.Append(nil, c.v)
		require.NoError(t, err)
		require.Equal(t, c.text, string(data))
		got := reflect.New(reflect.TypeOf(c.v).Elem()).Interface()
		require.NoError(t, codec.JSON.Decode(data, got))
		require.Equal(t, c.v, got)
	}

	// In other case, a key is that of the first field with the name.
	var tags Tags
	require.NoError(t, codec.JSON.Decode([]byte(`{"\u0057":{"X":1},"Ẁ":3}`), &tags))
	require.Equal(t, Tags{Z: Numbers{1}}, tags)
	type kelvin struct {
		A any `json:"k"`
		B int `json:"K"`
	}
	var k kelvin
	require.NoError(t, codec.JSON.Decode([]byte(`{"\u212a":9007199254740993}`), &k))
	require.Equal(t, kelvin{A: n}, k)
}

// TestJSONTags has tags that go vet would not let pass.
func TestJSONTags(t *testing.T) {
	field := func(name string) reflect.StructField {
		return reflect.StructField{Name: name, Type: reflect.TypeFor[any](), Tag: `json:"b"`}
	}
	err := codec.JSON.(codec.Checker).Check(reflect.StructOf([]reflect.StructField{field("A"), field("B")}))
	require.ErrorContains(t, err, `two fields called "b"`)
}

func TestJSONFieldsThatWouldBeLost(t *testing.T) {
	type A struct{ ID int }
	type B struct{ ID int }
	type C struct{ A }
	type Again struct {
		*Again
		N int
	}
	for _, c := range []struct {
		v    any
		says string
	}{
		{struct {
			A
			B
		}{}, `two fields called "ID", of which encoding/json takes one at most: rename one`},
		{struct {
			A
			ID string
		}{}, `two fields called "ID"`},
		{struct {
			A
			C
		}{}, "embeds codec_test.A a second time, where encoding/json passes over it: give the field a name"},
		{Again{}, "embeds codec_test.Again a second time"},
		{struct {
			low  `json:"a"`
			low2 `json:"b"`
		}{}, "embeds codec_test.low, whose methods have no effect there: give the field a name"},
		{struct {
			A
			B `json:"b"`
		}{}, ""},
		{struct {
			A
			B `json:"-"`
		}{}, ""},
		{struct {
			noCopy
			Uncopied
			N int
		}{}, ""},
	} {
		err := codec.JSON.(codec.Checker).Check(reflect.TypeOf(c.v))
		if c.says == "" {
			require.NoError(t, err, "%T", c.v)
		} else {
			require.ErrorContains(t, err, c.says)
		}
	}
}

type (
	low      struct{ N int }
	low2     struct{ N int }
	noCopy   struct{}
	Uncopied struct {
		noCopy
		M int
	}
)

func (low) MarshalJSON() ([]byte, error)  { return []byte("1"), nil }
func (*low) UnmarshalJSON([]byte) error   { return nil }
func (low2) MarshalJSON() ([]byte, error) { return []byte("2"), nil }
func (*low2) UnmarshalJSON([]byte) error  { return nil }
