package cborcodec_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec/cborcodec"
)

type (
	oldV[V any] struct{ V V }
	newV[V any] struct{ V V }
	oldItem     struct{ Price string }
	newItem     struct{ Price float64 }
	oldNode     struct {
		A *oldNode
		V string
	}
	newNode struct {
		A *newNode
		V int
	}
	Inner struct{ ID int }
)

var errPicky = errors.New("no s3cret, please")

// picky quotes what it refuses.
type picky struct{ refuse string }

func (p picky) MarshalText() ([]byte, error) { return []byte(p.refuse), nil }

func (p *picky) UnmarshalText(b []byte) error {
	if strings.HasPrefix(string(b), "panic") {
		panic("no " + string(b))
	}
	return errPicky
}

// TestMisfits has sessions of an older program whose fields have other types.
func TestMisfits(t *testing.T) {
	for name, m := range map[string]struct {
		old, new any
		want     string
	}{
		"nested":                {&oldV[oldV[[]oldItem]]{oldV[[]oldItem]{[]oldItem{{"s3cret"}}}}, new(newV[newV[[]*newItem]]), "V.V[0].Price: stored as text, wanted float64"},
		"element":               {&oldV[[]any]{[]any{1, "s3cret"}}, new(newV[[]int]), "V[1]: stored as text, wanted int"},
		"element of an array":   {&oldV[[1]string]{[1]string{"s3cret"}}, new(newV[[1]int]), "V[0]: stored as text, wanted int"},
		"entry of a map":        {&oldV[map[string]string]{map[string]string{"s3cret": "s3cret"}}, new(newV[map[string]int]), "V[]: stored as text, wanted int"},
		"within a map":          {&oldV[map[int]oldItem]{map[int]oldItem{1999: {"s3cret"}}}, new(newV[map[int]newItem]), "V[].Price: stored as text, wanted float64"},
		"within an unusual map": {&oldV[map[bool]oldItem]{map[bool]oldItem{true: {"s3cret"}}}, new(newV[map[bool]newItem]), "V[].Price: stored as text, wanted float64"},
		"key of a map":          {&oldV[map[string]int]{map[string]int{"s3cret": 1999}}, new(newV[map[int]int]), "V[key]: stored as text, wanted int"},
		"embedded":              {&struct{ ID string }{"s3cret"}, &struct{ Inner }{}, "Inner.ID: stored as text, wanted int"},
		"keyasint": {&struct {
			V string `cbor:"7,keyasint"`
		}{"s3cret"}, &struct {
			W int `cbor:"7,keyasint"`
		}{}, "W: stored as text, wanted int"},
		"toarray": {&struct {
			_    struct{} `cbor:",toarray"`
			A, B string
		}{B: "s3cret"}, &struct {
			_ struct{} `cbor:",toarray"`
			A string
			B int
		}{}, "B: stored as text, wanted int"},
		"by tag": {&struct {
			V string `json:"v"`
		}{"s3cret"}, &struct {
			W int `cbor:"v"`
		}{}, "W: stored as text, wanted int"},
		"too small":            {&oldV[int]{1999}, new(newV[int8]), "V: stored as integer, wanted int8, where it does not fit"},
		"negative":             {&oldV[int]{-1999}, new(newV[uint]), "V: stored as integer, wanted uint, where it does not fit"},
		"large float":          {&oldV[float64]{1.999e300}, new(newV[float32]), "V: stored as float, wanted float32, where it does not fit"},
		"float for integer":    {&oldV[float64]{1.999}, new(newV[int]), "V: stored as float, wanted int"},
		"bool for text":        {&oldV[bool]{true}, new(newV[string]), "V: stored as bool, wanted string"},
		"bytes for text":       {&oldV[[]byte]{[]byte("s3cret")}, new(newV[string]), "V: stored as bytes, wanted string"},
		"time for text":        {&oldV[time.Time]{time.Unix(1999, 0)}, new(newV[bool]), "V: stored as time, wanted bool"},
		"text for time":        {&oldV[string]{"s3cret"}, new(newV[time.Time]), "V: stored as text, wanted time.Time"},
		"list for struct":      {&oldV[[]string]{[]string{"s3cret"}}, new(newV[newItem]), "V: stored as list, wanted cborcodec_test.newItem"},
		"a method that fails":  {&oldV[[]string]{[]string{"s3cret"}}, new(newV[[]picky]), "V[0]: stored as text, refused by UnmarshalText of cborcodec_test.picky"},
		"a method that panics": {&oldV[string]{"panic s3cret"}, new(newV[*picky]), "V: stored as text, on which UnmarshalText of cborcodec_test.picky panics"},
		"far down":             {&oldNode{A: &oldNode{A: &oldNode{V: "s3cret"}}}, new(newNode), "A.A.V: stored as text, wanted int"},
	} {
		data, err := cborcodec.CBOR.Append(nil, m.old)
		require.NoError(t, err, name)
		require.EqualError(t, cborcodec.CBOR.Decode(data, m.new), "cborcodec: "+m.want+"; see WithUpgrade", name)
	}
	data, err := cborcodec.CBOR.Append(nil, &oldV[string]{"s3cret"})
	require.NoError(t, err)
	require.ErrorIs(t, cborcodec.CBOR.Decode(data, new(newV[picky])), errPicky)
}

// TestMisfitArray: the library drops the elements that an array has no room for.
func TestMisfitArray(t *testing.T) {
	data, err := cborcodec.CBOR.Append(nil, &oldV[[3]int]{[3]int{1, 2, 3}})
	require.NoError(t, err)
	short := new(newV[[2]int])
	require.NoError(t, cborcodec.CBOR.Decode(data, short))
	require.Equal(t, [2]int{1, 2}, short.V)
}
