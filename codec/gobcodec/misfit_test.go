package gobcodec_test

import (
	"bytes"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec/gobcodec"
)

type (
	oldV[V any] struct{ V V }
	newV[V any] struct{ V V }
	oldItem     struct{ Price string }
	newItem     struct{ Price float64 }
	oldNode     struct {
		Next *oldNode
		V    int
	}
	newNode struct {
		Next *newNode
		V    int8
	}
	Base    struct{ ID string }
	numbers struct{ ID int }
)

var errPicky = errors.New("no s3cret, please")

// picky quotes what it refuses.
type picky struct{ refuse string }

func (p picky) GobEncode() ([]byte, error) { return []byte(p.refuse), nil }

func (p *picky) GobDecode(b []byte) error {
	if string(b) == "panic" {
		panic("no s3cret")
	}
	return errPicky
}

// TestMisfits has sessions of an older program whose fields have other types.
// A gob does not tell which element of a slice it is.
func TestMisfits(t *testing.T) {
	for name, m := range map[string]struct {
		old, new any
		want     string
	}{
		"nested":               {&oldV[oldV[[]oldItem]]{oldV[[]oldItem]{[]oldItem{{"s3cret"}}}}, new(newV[newV[[]*newItem]]), "V.V[].Price: stored as text, wanted float64"},
		"element":              {&oldV[[]string]{[]string{"s3cret"}}, new(newV[[]int]), "V[]: stored as text, wanted int"},
		"element of an array":  {&oldV[[1]string]{[1]string{"s3cret"}}, new(newV[[1]int]), "V[]: stored as text, wanted int"},
		"length of an array":   {&oldV[[2]int]{[2]int{1999}}, new(newV[[1]int]), "V: stored as another type, wanted [1]int"},
		"entry of a map":       {&oldV[map[string]string]{map[string]string{"s3cret": "s3cret"}}, new(newV[map[string]int]), "V[]: stored as text, wanted int"},
		"within a map":         {&oldV[map[int]oldItem]{map[int]oldItem{1999: {"s3cret"}}}, new(newV[map[int]newItem]), "V[].Price: stored as text, wanted float64"},
		"key of a map":         {&oldV[map[string]int]{map[string]int{"s3cret": 1999}}, new(newV[map[int]int]), "V[key]: stored as text, wanted int"},
		"embedded":             {&struct{ Base }{Base{"s3cret"}}, &struct{ Base numbers }{}, "Base.ID: stored as text, wanted int"},
		"too small":            {&oldV[int]{1999}, new(newV[int8]), "V: stored as integer, wanted int8, where it does not fit"},
		"too small, far down":  {&oldNode{Next: &oldNode{Next: &oldNode{V: 1999}}}, new(newNode), "Next.Next.V: stored as integer, wanted int8, where it does not fit"},
		"unsigned":             {&oldV[uint]{1999}, new(newV[int]), "V: stored as integer, wanted int, where it does not fit"},
		"float for integer":    {&oldV[float64]{1.999}, new(newV[int]), "V: stored as float, wanted int"},
		"bool for text":        {&oldV[bool]{true}, new(newV[string]), "V: stored as bool, wanted string"},
		"bytes for text":       {&oldV[[]byte]{[]byte("s3cret")}, new(newV[string]), "V: stored as bytes, wanted string"},
		"time for text":        {&oldV[time.Time]{time.Unix(1999, 0)}, new(newV[string]), "V: stored as time, wanted string"},
		"text for time":        {&oldV[string]{"s3cret"}, new(newV[time.Time]), "V: stored as text, wanted time.Time"},
		"struct for text":      {&oldV[oldItem]{oldItem{"s3cret"}}, new(newV[string]), "V: stored as map, wanted string"},
		"list for struct":      {&oldV[[]string]{[]string{"s3cret"}}, new(newV[newItem]), "V: stored as list, wanted gobcodec_test.newItem"},
		"map for struct":       {&oldV[map[string]int]{map[string]int{"s3cret": 1}}, new(newV[newItem]), "V: stored as map, wanted gobcodec_test.newItem, where it does not fit"},
		"text for own method":  {&oldV[string]{"s3cret"}, new(newV[picky]), "V: stored as text, wanted gobcodec_test.picky"},
		"list for own method":  {&oldV[[]string]{[]string{"s3cret"}}, new(newV[picky]), "V: stored as list, wanted gobcodec_test.picky"},
		"deep list for text":   {&oldV[[][]string]{[][]string{{"s3cret"}}}, new(newV[string]), "V: stored as another type, wanted string"},
		"a method that fails":  {&oldV[[]picky]{[]picky{{"s3cret"}}}, new(newV[[]picky]), "V[]: stored as bytes, refused by GobDecode of gobcodec_test.picky"},
		"a method that panics": {&oldV[picky]{picky{"panic"}}, new(newV[picky]), "V: stored as bytes, on which GobDecode of gobcodec_test.picky panics"},
		"nothing left":         {&struct{ A string }{"s3cret"}, new(newNode), "gob: type mismatch: no fields matched compiling decoder for newNode"},
	} {
		data, err := gobcodec.Gob.Append(nil, m.old)
		require.NoError(t, err, name)
		require.EqualError(t, gobcodec.Gob.Decode(data, m.new), "gobcodec: "+m.want+"; see WithUpgrade", name)
	}
	// A record that is damaged is not said to have another type.
	data, err := gobcodec.Gob.Append(nil, &oldV[string]{"s3cret"})
	require.NoError(t, err)
	for i := range data {
		damaged := bytes.Clone(data)
		damaged[i] ^= 0x40
		if err := gobcodec.Gob.Decode(damaged, new(oldV[string])); err != nil {
			require.NotContains(t, err.Error(), "s3cret")
			require.NotContains(t, err.Error(), "stored as text")
		}
	}

	// Where it takes too long to find the field, encoding/gob names it.
	long := make(map[string]bool)
	for i := range 19999 {
		long[strconv.Itoa(i)] = true
	}
	data, err = gobcodec.Gob.Append(nil, &oldV[oldV[map[string]bool]]{oldV[map[string]bool]{long}})
	require.NoError(t, err)
	require.ErrorContains(t, gobcodec.Gob.Decode(data, new(newV[newV[map[string]int]])), "gobcodec: gob: wrong type (map[string]int) for received field ")

	data, err = gobcodec.Gob.Append(nil, &oldV[picky]{picky{"s3cret"}})
	require.NoError(t, err)
	require.ErrorIs(t, gobcodec.Gob.Decode(data, new(newV[picky])), errPicky)
}
