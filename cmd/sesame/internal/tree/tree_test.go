package tree_test

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/cmd/sesame/internal/tree"
	"github.com/sesame-go/sesame/codec"
)

type item struct {
	Name  string
	Price float64
}

type data struct {
	User   string
	Items  []item
	Counts map[int]uint64
	Photo  []byte
	Seen   time.Time
	Odd    float64
	Note   *string
	Tags   []string
}

var now = time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC)

func sample() data {
	return data{
		User: "ann\x1b[2J", Items: []item{{"tea", 1.5}, {"漢字", 2}}, Counts: map[int]uint64{-3: math.MaxUint64, 20: 1},
		Photo: []byte{1, 2, 255}, Seen: now.Add(-time.Minute), Odd: 3.25, Tags: []string{},
	}
}

// The same data reads alike, whichever codec has stored it.
func TestWrite(t *testing.T) {
	d := sample()
	msgpack, err := codec.MsgPack.Append(nil, &d)
	require.NoError(t, err)
	encoded, err := cbor.CoreDetEncOptions().EncMode()
	require.NoError(t, err)
	asCBOR, err := encoded.Marshal(map[string]any{
		"User": d.User, "Items": []any{map[string]any{"Name": "tea", "Price": 1.5}, map[string]any{"Name": "漢字", "Price": 2}},
		"Counts": map[int]any{-3: uint64(math.MaxUint64), 20: 1}, "Photo": d.Photo,
		"Seen": cbor.Tag{Number: 0, Content: d.Seen.Format(time.RFC3339)}, "Odd": 3.25, "Note": nil, "Tags": []any{},
	})
	require.NoError(t, err)
	const want = `Counts  (2)
  -3  18446744073709551615
  20  1
Items  (2)
  [0]  (2)
    Name   "tea"
    Price  1.5
  [1]  (2)
    Name   "漢字"
    Price  2
Note   none
Odd    3.25
Photo  3 bytes: 0102ff
Seen   2026-11-30T03:59:00Z (1 min ago)
Tags   []
User   "ann\x1b[2J"
`
	for id, payload := range map[byte][]byte{1: msgpack, 4: asCBOR} {
		v, err := tree.Decode(id, payload)
		require.NoError(t, err)
		var b strings.Builder
		require.NoError(t, tree.Write(&b, v, now))
		require.Equal(t, want, b.String(), tree.CodecName(id))
		plain, err := json.Marshal(tree.Plain(v))
		require.NoError(t, err)
		require.JSONEq(t, `{"User":"ann\u001b[2J","Items":[{"Name":"tea","Price":1.5},{"Name":"漢字","Price":2}],"Counts":{"-3":18446744073709551615,"20":1},
			"Photo":"AQL/","Seen":"2026-11-30T03:59:00Z","Odd":3.25,"Note":null,"Tags":[]}`, string(plain))
	}

	v, err := tree.Decode(2, []byte(`{"Large":9007199254740993,"Deep":{"\u001b":[true,null]}}`))
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, tree.Write(&b, v, now))
	require.Equal(t, "Deep  (1)\n  \"\\x1b\"  (2)\n    [0]  true\n    [1]  none\nLarge  9007199254740993\n", b.String())
}

// What JSON has no form for is a text, and never an error.
func TestPlain(t *testing.T) {
	for _, v := range []any{math.NaN(), math.Inf(-1), float32(math.Inf(1)), time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), cbor.ByteString("ab"),
		map[any]any{true: 1, 1.5: []byte("x"), nil: nil}, big.NewInt(7), cbor.Tag{Number: 99, Content: map[any]any{1: math.NaN()}}} {
		_, err := json.Marshal(tree.Plain([]any{v}))
		require.NoError(t, err, "%v", v)
	}
}

// Damaged and hostile payloads are errors, and so are those that only the
// program can decode.
func TestDecodeErrors(t *testing.T) {
	for id, payloads := range map[byte][]string{
		1: {"", "\xc1", "\xdd\xff\xff\xff\xff", "\x81\xa1", strings.Repeat("\x91", 1<<20)},
		2: {"", "{", "{} {}", strings.Repeat("[", 1<<20)},
		4: {"", "\xff", "\x9a\xff\xff\xff\xff", strings.Repeat("\x81", 1<<20)},
	} {
		for _, payload := range payloads {
			_, err := tree.Decode(id, []byte(payload))
			require.Error(t, err, "%d: %.20q", id, payload)
			require.NotErrorIs(t, err, tree.ErrOpaque)
		}
	}
	for _, id := range []byte{0, 3, 5, 40, 255} {
		_, err := tree.Decode(id, []byte("x"))
		require.ErrorIs(t, err, tree.ErrOpaque)
	}
}
