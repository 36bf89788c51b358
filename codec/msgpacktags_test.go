package codec_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/sesame-go/sesame/codec"
)

// TestMsgPackReadsTagsAsV5 has tags with quotes, values and options, each of
// which means what it means to msgpack/v5.
func TestMsgPackReadsTagsAsV5(t *testing.T) {
	for _, tag := range []string{
		"", "a", "a,omitempty", ",omitempty", "a, omitempty", " a", "-", "-,omitempty",
		"'something:special'", "'a,b'", "'a,b',omitempty", `'D\'Angelo'`, "a:b", "a:b,omitempty", ":a", "a:", "alias:b", "a,alias:b",
		"a,alias:'b,c'", "omitempty", ",,", "a,inline", ",unknown:x(1,2),omitempty",
	} {
		typ := reflect.StructOf([]reflect.StructField{
			{Name: "A", Type: reflect.TypeFor[string](), Tag: reflect.StructTag(`msgpack:"` + tagText(tag) + `"`)},
			{Name: "Z", Type: reflect.TypeFor[int]()},
		})
		for _, text := range []string{"", "text"} {
			v := reflect.New(typ)
			v.Elem().Field(0).SetString(text)
			want := v5Bytes(t, v.Interface())
			got, err := codec.MsgPack.Append(nil, v.Interface())
			require.NoError(t, err, tag)
			require.Equal(t, want, got, tag)

			v5, own := reflect.New(typ), reflect.New(typ)
			require.NoError(t, msgpack.Unmarshal(want, v5.Interface()))
			require.NoError(t, codec.MsgPack.Decode(want, own.Interface()))
			require.Equal(t, v5.Interface(), own.Interface(), tag)
		}
	}
}

// tagText quotes a tag's value.
func tagText(s string) (quoted string) {
	for _, r := range s {
		if r == '\\' || r == '"' {
			quoted += `\`
		}
		quoted += string(r)
	}
	return quoted
}

// once writes one value, twice two; fragile panics and angry fails if it is zero.
type (
	once    struct{ multi }
	twice   struct{ a, b int }
	fragile struct{ n *byte }
	angry   struct{ n int }
)

func (o once) EncodeMsgpack(e *msgpack.Encoder) error {
	if err := e.EncodeArrayLen(2); err != nil {
		return err
	}
	return o.multi.EncodeMsgpack(e)
}

func (o *once) DecodeMsgpack(d *msgpack.Decoder) error {
	if _, err := d.DecodeArrayLen(); err != nil {
		return err
	}
	return o.multi.DecodeMsgpack(d)
}

func (w twice) MarshalMsgpack() ([]byte, error)    { return []byte{1, 2}, nil }
func (w *twice) UnmarshalMsgpack(b []byte) error   { return nil }
func (f fragile) MarshalMsgpack() ([]byte, error)  { return []byte{*f.n}, nil }
func (f *fragile) UnmarshalMsgpack(b []byte) error { return nil }
func (a angry) MarshalMsgpack() ([]byte, error)    { return nil, errors.ErrUnsupported }
func (a *angry) UnmarshalMsgpack(b []byte) error   { return nil }

// TestMsgPackRefusesManyValues has types that write several values in a row,
// behind a pointer that is nil in the zero value.
func TestMsgPackRefusesManyValues(t *testing.T) {
	check := codec.MsgPack.(codec.Checker).Check
	require.ErrorContains(t, check(reflect.TypeFor[struct{ In *struct{ M []*multi } }]()),
		".In.M[] has type codec_test.multi, whose EncodeMsgpack writes more than one value: have it write an array")
	require.ErrorContains(t, check(reflect.TypeFor[struct{ M map[string]twice }]()), "whose MarshalMsgpack writes more than one value")
	require.NoError(t, check(reflect.TypeFor[struct {
		O *once
		F *fragile
		A *angry
	}]()), "whether another value can be written is not known")
}

// TestMsgPackRefusesWhatWouldBeLost has fields that the option inline, by which
// msgpack/v5 leaves out those whose names are taken, would lose.
func TestMsgPackRefusesWhatWouldBeLost(t *testing.T) {
	type forced struct {
		ID   int
		Base `msgpack:",inline"`
	}
	check := codec.MsgPack.(codec.Checker).Check
	require.ErrorContains(t, check(reflect.TypeFor[struct{ F forced }]()), `.F has type codec_test.forced, which has two fields called "ID", of which one would be lost`)
	_, err := codec.MsgPack.Append(nil, &forced{})
	require.ErrorContains(t, err, `two fields called "ID"`)
}
