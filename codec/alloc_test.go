//go:build !race

// The race detector empties pools at random, so that allocations can be
// counted only without it. scripts/test runs the tests both ways.

package codec_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec"
)

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
	data, err := codec.MsgPack.Append(nil, &smallSession)
	require.NoError(t, err)
	n := testing.AllocsPerRun(200, func() {
		if err := codec.MsgPack.Decode(data, new(small)); err != nil {
			t.Fatal(err)
		}
	})
	assert.LessOrEqual(t, n, 2.0) // the struct, all strings
}
