package cborcodec_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/cborcodec"
)

// carried encodes older, carries over what stored has besides, and decodes that
// as a Newer.
func carried[Newer, Older any](t *testing.T, stored Newer, older Older) (Newer, []string) {
	c, carrier := cborcodec.CBOR, cborcodec.CBOR.(codec.Carrier)
	data, err := c.Append(nil, &stored)
	require.NoError(t, err)
	found, err := carrier.DecodeShared(data, new(Older))
	require.NoError(t, err)
	require.True(t, found.Unknown)
	written, err := c.Append(nil, &older)
	require.NoError(t, err)
	extended, lost := carrier.Carry(reflect.TypeFor[Older](), written, data)
	var got Newer
	require.NoError(t, c.Decode(extended, &got), "%x", extended)
	again, err := c.Append(nil, &got)
	require.NoError(t, err)
	require.Equal(t, again, extended, "as the newer program writes it")
	return got, lost
}

// TestCarryIntegerKeys: fields that are called by integers are carried over, and
// 1 is not "1".
func TestCarryIntegerKeys(t *testing.T) {
	type newPlace struct {
		City  string `cbor:"-1,keyasint"`
		Floor int    `cbor:"-300,keyasint"`
	}
	type newer struct {
		User  string    `cbor:"1,keyasint"`
		Text  string    `cbor:"1"`
		N     int       `cbor:"2,keyasint"`
		Where newPlace  `cbor:"24,keyasint"`
		Other *newPlace `cbor:"256,keyasint"`
	}
	type oldPlace struct {
		City string `cbor:"-1,keyasint"`
	}
	type older struct {
		User  string    `cbor:"1,keyasint"`
		Where oldPlace  `cbor:"24,keyasint"`
		Other *oldPlace `cbor:"256,keyasint"`
	}
	stored := newer{"ann", "one", 2, newPlace{"Rome", 3}, &newPlace{"Oslo", 4}}
	got, lost := carried(t, stored, older{"anna", oldPlace{"Pisa"}, &oldPlace{"Bergen"}})
	require.Equal(t, newer{"anna", "one", 2, newPlace{"Pisa", 3}, &newPlace{"Bergen", 4}}, got)
	require.Empty(t, lost)

	got, lost = carried(t, stored, older{User: "anna"})
	require.Equal(t, newer{User: "anna", Text: "one", N: 2, Where: newPlace{"", 3}}, got)
	require.Empty(t, lost)
}

// TestCarryJSONTags: a field goes by its json tag if it has no other, and names
// that differ in case are two.
func TestCarryJSONTags(t *testing.T) {
	type newer struct {
		User  string `json:"user"`
		Upper string `json:"USER"`
	}
	type older struct {
		User string `json:"user,omitempty"`
	}
	got, _ := carried(t, newer{"ann", "ANN"}, older{"bob"})
	require.Equal(t, newer{"bob", "ANN"}, got)
}

// TestCarryLost: a field within a slice is kept as long as that does not change,
// and then named by its integer.
func TestCarryLost(t *testing.T) {
	type newItem struct {
		Name  string `cbor:"1,keyasint"`
		Color string `cbor:"2,keyasint,omitempty"`
	}
	type oldItem struct {
		Name string `cbor:"1,keyasint"`
	}
	type newer struct {
		N     int
		Items []newItem
	}
	type older struct {
		Items []oldItem
	}
	got, lost := carried(t, newer{1, []newItem{{"tea", "green"}}}, older{[]oldItem{{"tea"}}})
	require.Equal(t, newer{1, []newItem{{"tea", "green"}}}, got)
	require.Empty(t, lost)

	got, lost = carried(t, newer{1, []newItem{{"tea", "green"}}}, older{[]oldItem{{"milk"}}})
	require.Equal(t, newer{1, []newItem{{"milk", ""}}}, got)
	require.Equal(t, []string{"Items[].2 (keyasint)"}, lost)
}
