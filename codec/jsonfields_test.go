package codec_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec"
)

type Numbers struct{ X int }

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
		}{}, `which has two fields called "ID", of which one would be lost: rename one`},
		{struct {
			A
			ID string
		}{}, `two fields called "ID"`},
		{struct {
			A
			C
		}{}, `two fields called "ID"`},
		{Again{}, "which embeds *codec_test.Again, which embeds itself"},
		{struct {
			low  `json:"a"`
			low2 `json:"b"`
		}{}, "embeds codec_test.low, whose fields would be lost: export the type, or give the field a name"},
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
