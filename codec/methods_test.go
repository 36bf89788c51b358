package codec_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/sesame-go/sesame/codec"
)

// These keep what they read through the decoder of msgpack/v5.
type (
	heldBytes    struct{ b []byte }
	heldRaw      struct{ b []byte }
	heldBuffered struct{ b []byte }
	heldMsgpack  struct{ b []byte }
)

func (h heldBytes) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeBytes(h.b) }
func (h *heldBytes) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	h.b, err = d.DecodeBytes()
	return err
}

func (h heldRaw) EncodeMsgpack(e *msgpack.Encoder) error { return e.Encode(msgpack.RawMessage(h.b)) }
func (h *heldRaw) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	h.b, err = d.DecodeRaw()
	return err
}

func (h heldBuffered) EncodeMsgpack(e *msgpack.Encoder) error {
	return e.Encode(msgpack.RawMessage(h.b))
}

func (h *heldBuffered) DecodeMsgpack(d *msgpack.Decoder) error {
	_, err := io.Copy((*keepsWritten)(&h.b), d.Buffered())
	return err
}

// keepsWritten is a writer that keeps what it is given.
type keepsWritten []byte

func (w *keepsWritten) Write(b []byte) (int, error) { *w = b; return len(b), nil }

func (h heldMsgpack) MarshalMsgpack() ([]byte, error)     { return h.b, nil }
func (h *heldMsgpack) UnmarshalMsgpack(data []byte) error { h.b = data; return nil }

// TestMsgPackMethodsKeepWhatTheyRead changes what one value has read, and finds
// neither the data nor another value changed.
func TestMsgPackMethodsKeepWhatTheyRead(t *testing.T) {
	msgpack.RegisterExt(78, (*heldMsgpack)(nil))
	defer msgpack.UnregisterExt(78)
	type session struct {
		Bytes, Bytes2       heldBytes
		Raw, Raw2           heldRaw
		Buffered, Buffered2 heldBuffered
		Own, Own2           heldMsgpack
		Any, Any2           any
	}
	text := func() []byte { return []byte("\xa8held raw") }
	v := &session{
		heldBytes{[]byte("one")}, heldBytes{[]byte("two")}, heldRaw{text()}, heldRaw{text()}, heldBuffered{text()}, heldBuffered{text()},
		heldMsgpack{text()}, heldMsgpack{text()}, nil, nil,
	}
	data, err := codec.MsgPack.Append(nil, v)
	require.NoError(t, err)
	extension := string("\xd7\x4e") + "extended" // a value of the registered type, as msgpack/v5 writes it
	data = bytes.ReplaceAll(data, []byte("\xa3Any\xc0"), []byte("\xa3Any"+extension))
	data = bytes.ReplaceAll(data, []byte("\xa4Any2\xc0"), []byte("\xa4Any2"+extension))

	for name, decode := range map[string]func([]byte, any) error{
		"Decode": codec.MsgPack.Decode,
		"DecodeShared": func(data []byte, v any) error {
			_, err := codec.MsgPack.(codec.SharedDecoder).DecodeShared(data, v)
			return err
		},
	} {
		kept := func(s *session) [][]byte {
			return [][]byte{s.Bytes.b, s.Bytes2.b, s.Raw.b, s.Raw2.b, s.Buffered.b, s.Buffered2.b, s.Own.b, s.Own2.b, s.Any.(*heldMsgpack).b, s.Any2.(*heldMsgpack).b}
		}
		var want session
		require.NoError(t, decode(bytes.Clone(data), &want))
		for i := range kept(&want) {
			given, got := bytes.Clone(data), new(session)
			require.NoError(t, decode(given, got))
			b := kept(got)[i]
			require.NotEmpty(t, b)
			clear(b)
			_ = append(b, strings.Repeat("#", 100)...)
			assert.Equal(t, data, given, "%s, value %d", name, i)
			for j, other := range kept(got) {
				if j != i {
					assert.Equal(t, kept(&want)[j], other, "%s: a change of value %d is one of value %d", name, i, j)
				}
			}
		}
	}
}

// TestJSONMethodsKeepWhatTheyRead changes in place what one value has read, and
// finds neither the data nor another value changed.
func TestJSONMethodsKeepWhatTheyRead(t *testing.T) {
	type session struct {
		A, B heldJSON
		C    map[string]*heldJSON
		D    string
	}
	data := []byte(`{"A":[1, 2],"B":"b","C":{"c":"c"},"D":"d"}`)
	given, got := bytes.Clone(data), new(session)
	require.NoError(t, codec.JSON.Decode(given, got))
	require.Equal(t, "[1, 2]", string(got.A))
	clear(got.A)
	clear(*got.C["c"])
	require.Equal(t, data, given)
	require.Equal(t, `"b"`, string(got.B))
	require.Equal(t, "d", got.D)
}

type heldJSON []byte

func (h heldJSON) MarshalJSON() ([]byte, error)     { return h, nil }
func (h *heldJSON) UnmarshalJSON(data []byte) error { *h = data; return nil }
