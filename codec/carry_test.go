package codec_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec"
)

// carried encodes older, carries over what stored has besides, and decodes that
// as a Newer.
func carried[Newer, Older any](t *testing.T, c codec.Codec, stored Newer, older Older) (Newer, []string) {
	data, err := c.Append(nil, &stored)
	require.NoError(t, err)
	written, err := c.Append(nil, &older)
	require.NoError(t, err)
	extended, lost := c.(codec.Carrier).Carry(reflect.TypeFor[Older](), written, data)
	var got Newer
	require.NoError(t, c.Decode(extended, &got), "%s", extended)

	// Once more changes nothing, and the older program still reads its own.
	var known Older
	found, err := c.(codec.SharedDecoder).DecodeShared(extended, &known)
	require.NoError(t, err)
	require.False(t, found.Exact && found.Unknown)
	again, err := c.Append(nil, &known)
	require.NoError(t, err)
	require.Equal(t, written, again)
	again, _ = c.(codec.Carrier).Carry(reflect.TypeFor[Older](), written, extended)
	require.Equal(t, string(extended), string(again))
	return got, lost
}

// TestCarryOmitted: a struct that is left out because it is empty is written for
// what it does not know; a pointer that is left out is nil on purpose.
func TestCarryOmitted(t *testing.T) {
	type newPlace struct {
		City  string `json:",omitempty" msgpack:",omitempty"`
		Floor int
	}
	type newer struct {
		In newPlace
		At *newPlace
	}
	type oldPlace struct {
		City string `json:",omitempty" msgpack:",omitempty"`
	}
	type older struct {
		In oldPlace  `json:",omitzero" msgpack:",omitempty"`
		At *oldPlace `json:",omitempty" msgpack:",omitempty"`
	}
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		got, lost := carried(t, c, newer{newPlace{"Rome", 3}, &newPlace{"Oslo", 4}}, older{})
		require.Equal(t, newer{In: newPlace{"", 3}}, got)
		require.Empty(t, lost)
	}
}

// TestCarryNames: what the codec takes for one name is one.
func TestCarryNames(t *testing.T) {
	type newer struct {
		Name string `json:"NAME" msgpack:"was"`
		More int
	}
	type older struct {
		Name string `json:"name" msgpack:"name,alias:was"`
	}
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		got, _ := carried(t, c, newer{"ann", 3}, older{"bob"})
		require.Equal(t, 3, got.More)
		require.NotEqual(t, "ann", got.Name, "what it was called is not carried over beside the new name")
	}
}

// TestCarryFoldedNames: in JSON names that differ in case are one, as
// encoding/json sees it: ς and σ do, İ and i do not.
func TestCarryFoldedNames(t *testing.T) {
	type newer struct {
		Sum  int `json:"ςum"`
		More int `json:"İd"`
	}
	type older struct {
		Sum int `json:"σum"`
		ID  int `json:"id"`
	}
	got, _ := carried(t, codec.JSON, newer{1, 2}, older{7, 8})
	require.Equal(t, newer{7, 2}, got)
}

// TestBridged: what docs/EVOLVING.md says that codecs bridge.
func TestBridged(t *testing.T) {
	type place struct{ City string }
	type older struct {
		N     int8
		Where place
		Other *place
		None  *place
	}
	type newer struct {
		N     int64
		Where *place
		Other place
		None  place
	}
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		data, err := c.Append(nil, &older{-1, place{"Rome"}, &place{"Oslo"}, nil})
		require.NoError(t, err)
		var got newer
		require.NoError(t, c.Decode(data, &got))
		require.Equal(t, newer{-1, &place{"Rome"}, place{"Oslo"}, place{}}, got)

		data, err = c.Append(nil, &newer{-1, nil, place{"Oslo"}, place{"Bonn"}})
		require.NoError(t, err)
		var back older
		require.NoError(t, c.Decode(data, &back))
		require.Equal(t, older{-1, place{}, &place{"Oslo"}, &place{"Bonn"}}, back)

		data, err = c.Append(nil, &newer{N: 300})
		require.NoError(t, err)
		require.Error(t, c.Decode(data, &back))
	}
}

// TestCarryEmbedded: the fields of an embedded struct are the outer one's.
func TestCarryEmbedded(t *testing.T) {
	type Base struct{ ID, More int }
	type newer struct {
		Base
		N int
	}
	type OldBase struct{ ID int }
	type older struct {
		OldBase
		N int
	}
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		got, _ := carried(t, c, newer{Base{1, 2}, 3}, older{OldBase{7}, 8})
		require.Equal(t, newer{Base{7, 2}, 8}, got)
	}
}

// TestCarryLost: what is in slices and maps that changed is named, whatever is
// around it.
func TestCarryLost(t *testing.T) {
	type newItem struct {
		Name        string
		Color, Size string
	}
	type oldItem struct{ Name string }
	type newBox struct{ Items map[string][]*newItem }
	type oldBox struct{ Items map[string][]*oldItem }
	type newer struct {
		Text []string
		Box  newBox
	}
	type older struct {
		Text []string
		Box  oldBox
	}
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		_, lost := carried(t, c, newer{Box: newBox{map[string][]*newItem{"a": {nil, {"tea", "green", ""}, {"milk", "", "1 l"}}}}}, older{})
		require.Equal(t, []string{"Box.Items[][].Color", "Box.Items[][].Size"}, lost)
	}
}

// TestCarryUnchanged: a slice or a map that the older program leaves as it is
// stays whole, whatever is in it.
func TestCarryUnchanged(t *testing.T) {
	type newItem struct{ Name, Color string }
	type oldItem struct{ Name string }
	type newBox struct {
		Items map[string][]*newItem
		List  []newItem
	}
	type oldBox struct {
		Items map[string][]*oldItem
		List  []oldItem
	}
	type newer struct {
		N    int
		Box  newBox
		Both [2]newItem
	}
	type older struct {
		N    int
		Box  oldBox
		Both [2]oldItem
	}
	stored := newer{1, newBox{map[string][]*newItem{"b": {nil, {"tea", "green"}}, "a": {}}, []newItem{{"milk", "white"}}}, [2]newItem{{"x", "red"}}}
	known := older{2, oldBox{map[string][]*oldItem{"b": {nil, {"tea"}}, "a": {}}, []oldItem{{"milk"}}}, [2]oldItem{{"x"}}}
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		got, lost := carried(t, c, stored, known)
		want := stored
		want.N = 2
		require.Equal(t, want, got)
		require.Empty(t, lost)

		changed := known
		changed.Box.List = []oldItem{{"milk"}, {"bread"}}
		got, lost = carried(t, c, stored, changed)
		want.Box.List = []newItem{{"milk", ""}, {"bread", ""}}
		require.Equal(t, want, got)
		require.Equal(t, []string{"Box.List[].Color"}, lost)
	}
}

// TestCarryArrays: a struct that is written as an array has no names.
func TestCarryArrays(t *testing.T) {
	type older struct {
		_msgpack struct{} `msgpack:",as_array"`
		A        int
	}
	written, err := codec.MsgPack.Append(nil, &older{A: 1})
	require.NoError(t, err)
	extended, lost := codec.MsgPack.(codec.Carrier).Carry(reflect.TypeFor[older](), written, []byte{0x81, 0xa1, 'B', 1})
	require.Equal(t, written, extended)
	require.Empty(t, lost)
}
