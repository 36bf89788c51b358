//go:build !race

// The race detector empties pools at random and makes small allocations bigger,
// so that they can be counted only without it. scripts/test runs the tests both ways.

package codec_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec"
)

// guidePairs is how many pairs of a value and a guide TestGuide tries.
const guidePairs = 20_000

// TestMsgPackAllocates holds the promise that encoding allocates nothing, and
// decoding little more than what the session is made of.
func TestMsgPackAllocates(t *testing.T) {
	buf := make([]byte, 0, 4096)
	for _, v := range []any{&smallSession, &mediumSession} {
		n := testing.AllocsPerRun(200, func() {
			if _, err := codec.MsgPack.Append(buf, v); err != nil {
				t.Fatal(err)
			}
		})
		assert.Zero(t, n, "%T", v)
	}
	like, err := codec.MsgPack.Append(nil, &largeSession)
	require.NoError(t, err)
	buf = make([]byte, 0, 2*len(like))
	for _, like := range [][]byte{nil, like} {
		assert.Zero(t, testing.AllocsPerRun(200, func() {
			if _, err := codec.MsgPack.(codec.LikeAppender).AppendLike(buf, &largeSession, like); err != nil {
				t.Fatal(err)
			}
		}))
	}

	data, err := codec.MsgPack.Append(nil, &smallSession)
	require.NoError(t, err)
	n := testing.AllocsPerRun(200, func() {
		if err := codec.MsgPack.Decode(data, new(small)); err != nil {
			t.Fatal(err)
		}
	})
	assert.LessOrEqual(t, n, 2.0) // the struct, all strings
}

// TestMsgPackSmallest decodes what takes the most room besides its content.
func TestMsgPackSmallest(t *testing.T) {
	bools := struct{ V [][][]bool }{slices.Repeat([][][]bool{{{true}, {true}}}, 40_000)}
	_, err := codec.MsgPack.Append(nil, &bools)
	require.ErrorContains(t, err, "too dense")
	data := append([]byte("\x81\xa1V\xdd\x00\x00\x9c\x40"), bytes.Repeat([]byte("\x92\x91\xc3\x91\xc3"), 40_000)...)
	_, err = decodeWithin(t, data, bools)
	require.ErrorContains(t, err, "too dense")

	data = append([]byte("\x81\xa1V\xdc\x40\x00"), bytes.Repeat([]byte("\x92\xc4\x01x\xc4\x01x"), 1<<14)...)
	_, err = decodeWithin(t, data, struct{ V [][][]byte }{})
	require.NoError(t, err)

	data = append([]byte("\x81\xa1V\xdc\x40\x00"), bytes.Repeat([]byte("\x81\xc3\x90"), 1<<14)...)
	_, err = decodeWithin(t, data, struct{ V []map[bool][0]int }{})
	require.ErrorContains(t, err, "too dense")
}
