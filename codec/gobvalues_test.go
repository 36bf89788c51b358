package codec_test

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec"
)

// gobNode is part of a tree whose nodes know their parents. Its own methods
// leave that out.
type gobNode struct {
	Name   string
	Parent *gobNode
	Kids   []*gobNode
}

type gobPlainNode struct {
	Name string
	Kids []*gobNode
}

func (n *gobNode) GobEncode() ([]byte, error) {
	var buf bytes.Buffer
	err := gob.NewEncoder(&buf).Encode(gobPlainNode{n.Name, n.Kids})
	return buf.Bytes(), err
}

func (n *gobNode) GobDecode(data []byte) error {
	var plain gobPlainNode
	err := gob.NewDecoder(bytes.NewReader(data)).Decode(&plain)
	n.Name, n.Kids = plain.Name, plain.Kids
	for _, kid := range n.Kids {
		kid.Parent = n
	}
	return err
}

func TestGobOwnMethodsMayHideCycles(t *testing.T) {
	gob.Register(new(gobNode))
	root := &gobNode{Name: "root"}
	root.Kids = []*gobNode{{Name: "kid", Parent: root}}
	type Session struct {
		Tree  *gobNode
		Trees []*gobNode
		Any   any
	}
	want := Session{root, []*gobNode{root}, root}
	var got Session
	require.NoError(t, codec.Gob.Decode(gobAppend(t, &want), &got))
	require.Equal(t, want, got)
}

// gobKey keeps in an any what its methods were given.
type gobKey struct{ v any }

func (k gobKey) GobEncode() ([]byte, error) { return []byte(fmt.Sprint(k.v)), nil }
func (k *gobKey) GobDecode(data []byte) error {
	if k.v = string(data); k.v == "slice" {
		k.v = data
	}
	return nil
}

func TestGobKeysThatCannotBeCompared(t *testing.T) {
	type Session struct{ M map[gobKey]int }
	want := Session{map[gobKey]int{{"a"}: 1}}
	var got Session
	require.NoError(t, codec.Gob.Decode(gobAppend(t, &want), &got))
	require.Equal(t, want, got)

	_, err := codec.Gob.Append(nil, &Session{map[gobKey]int{{"slice"}: 1}})
	require.ErrorContains(t, err, "map key that cannot be compared")
}

func TestGobNilPointers(t *testing.T) {
	type inner struct{ At []*time.Time }
	at, none, noNumber := time.Unix(1, 0).UTC(), (*time.Time)(nil), (*big.Int)(nil)
	for _, c := range []struct {
		v    any
		says string
	}{
		{&struct{ T []*time.Time }{[]*time.Time{&at, nil}}, "nil pointer of type *time.Time where a value is needed, as in a slice, an array or a map"},
		{&struct{ T [1]*time.Time }{}, "type *time.Time"},
		{&struct{ T map[string]*time.Time }{map[string]*time.Time{"a": nil}}, "type *time.Time"},
		{&struct{ T map[*time.Time]int }{map[*time.Time]int{nil: 1}}, "type *time.Time"},
		{&struct{ T []**time.Time }{[]**time.Time{&none}}, "type *time.Time"},
		{&struct{ T *[]map[int]inner }{&[]map[int]inner{{1: {At: []*time.Time{nil}}}}}, "type *time.Time"},
		{&struct{ N []*big.Int }{[]*big.Int{nil}}, "type *big.Int"},
		{&struct{ N map[string]*big.Int }{map[string]*big.Int{"a": nil}}, "type *big.Int"},
		{&struct{ N any }{[]any{noNumber}}, "inside interface"},
		{&struct{ N []*gobTree }{[]*gobTree{nil}}, "nil"},
		{&none, "type *time.Time"},
		{&noNumber, "type *big.Int"},
	} {
		var err error
		require.NotPanics(t, func() { _, err = codec.Gob.Append(nil, c.v) }, "%T", c.v)
		if assert.ErrorContains(t, err, "codec: gob: ", "%T", c.v) {
			assert.ErrorContains(t, err, c.says, "%T", c.v)
		}
	}

	type Session struct {
		At  *time.Time
		Num **big.Int
		In  []inner
	}
	var got Session
	require.NoError(t, codec.Gob.Decode(gobAppend(t, &Session{Num: &noNumber, In: make([]inner, 1)}), &got))
	require.Equal(t, Session{In: make([]inner, 1)}, got)
}

type gobPanics struct{ Secret string }

func (p gobPanics) GobEncode() ([]byte, error) { panic("cannot encode " + p.Secret) }
func (p *gobPanics) GobDecode([]byte) error    { return nil }

func TestGobAppendRecovers(t *testing.T) {
	var err error
	var data []byte
	require.NotPanics(t, func() { data, err = codec.Gob.Append([]byte("head"), &struct{ P gobPanics }{gobPanics{"xyzzy"}}) })
	require.ErrorContains(t, err, "codec: gob: a method of the value panics")
	require.NotContains(t, err.Error(), "xyzzy")
	require.Equal(t, "head", string(data))

	type embeds struct{ *time.Time } // is encoded by the methods of what may be nil
	require.NotPanics(t, func() { _, err = codec.Gob.Append(nil, &struct{ T []embeds }{make([]embeds, 1)}) })
	require.ErrorContains(t, err, "codec: gob: ")
	require.ErrorContains(t, err, "nil pointer")
}

// TestGobKeysThatLookAlike has maps of which an entry would be lost.
func TestGobKeysThatLookAlike(t *testing.T) {
	type key struct{ A, b int }
	one, uno := 1, 1
	for _, v := range []any{
		&map[key]int{{1, 2}: 1, {1, 3}: 2},
		&map[*int]int{&one: 1, &uno: 2},
		&map[float64]int{math.NaN(): 1, math.NaN(): 2},
		&struct{ M []map[string]map[key]string }{[]map[string]map[key]string{{"a": {{1, 2}: "x", {1, 3}: "x"}}}},
	} {
		_, err := codec.Gob.Append(nil, v)
		require.ErrorContains(t, err, "codec: gob: two keys of a map have the same encoding", "%T", v)
	}
	v, got := map[any]int{1: 1, int8(1): 2, "1": 3}, map[any]int{}
	require.NoError(t, codec.Gob.Decode(gobAppend(t, &v), &got))
	require.Equal(t, v, got)
}
