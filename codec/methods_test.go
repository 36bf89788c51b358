package codec_test

import (
	"bytes"
	"encoding/json"
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

// TestJSONMethodsAsTheLibrary compares what types with methods are given with
// what encoding/json gives them, wherever such a value can be.
func TestJSONMethodsAsTheLibrary(t *testing.T) {
	type inner struct {
		Text  textSeen
		N     int `json:",string"`
		Plain string
	}
	type Embedded struct{ Deep jsonSeen }
	type session struct {
		Text    textSeen
		Ptr     **textSeen
		JSON    jsonSeen
		JSONs   []jsonSeen
		Array   [2]textSeen
		Map     map[string]textSeen
		ByInt   map[int8]jsonSeen
		ByUint  map[uint]textSeen
		Keys    map[textKey]int
		Items   []inner
		Nested  map[string][]*inner
		Any     any
		Bytes   []byte
		Renamed textSeen `json:"other"`
		*Embedded
	}
	for _, text := range []string{
		`{}`,
		`null`,
		`{"Text":"plain","Ptr":"a","JSON":{"a":[1, 2]},"JSONs":[1,"x",null,{} ],"Array":["a","b"]}`,
		`{"Text":"esc\"aped \u00e4\n","Ptr":null,"JSON":null,"JSONs":[],"Array":["a"]}`,
		`{"Text":null,"Ptr":"\ud800","JSON": "text" ,"JSONs":null,"Array":["a","b","c"]}`,
		`{"Map":{"a":"b","c\t":"d","e":null},"ByInt":{"1":1,"-5":"x"},"ByUint":{"7":"x"},"Keys":{"a":1,"b\n":2}}`,
		`{"Map":{},"ByInt":null,"Keys":{}}`,
		`{"Items":[{"Text":"t","N":"5","Plain":"p"},{"Plain":"q","Unknown":[{}],"Text":"u"},null,{}],"Nested":{"a":[{"Text":"x"},null],"b":null}}`,
		` { "Any" : { "n" : 1.50 } , "Bytes" : "AQI=" , "other" : "r" , "OTHER" : "s" , "text" : "case", "Deep" : [1] } `,
		`{"Text":"first","Text":"second"}`,
		// What does not fit.
		`{"Text":5}`, `{"Text":{}}`, `{"Text":[]}`, `{"Text":true}`, `{"JSONs":{}}`, `{"Array":"x"}`, `{"Map":[]}`, `{"Map":"x"}`,
		`{"ByInt":{"300":1}}`, `{"ByInt":{"x":1}}`, `{"ByUint":{"-1":"x"}}`, `{"Items":[{"N":5}]}`, `{"Items":[5]}`, `{"Items":{"Text":"x"}}`,
		`{"ByInt":{"1 2":1}}`, `{"Items":[{"N":"x"}]}`, `{"Keys":{"a":"x"}}`, `{"Ptr":7}`, `[]`, `"x"`, `7`,
		// What is no JSON.
		`{"Text":"a` + "\x01" + `"}`, `{"Text":"\x"}`, `{"JSON":tru}`, `{"JSON":01}`, `{"Text":"a","JSON":[1}`, `{"Text":"a"`,
	} {
		var want, got session
		wantErr := unmarshalNumbers([]byte(text), &want)
		err := codec.JSON.Decode([]byte(text), &got)
		if wantErr != nil {
			assert.Error(t, err, "%s: %v", text, wantErr)
			continue
		}
		if assert.NoError(t, err, text) {
			assert.Equal(t, want, got, text)
		}
	}
}

func unmarshalNumbers(data []byte, v any) error {
	if !json.Valid(data) { // a Decoder would stop at the end of the value
		return json.Unmarshal(data, v)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return dec.Decode(v)
}

// These note what their methods are given.
type (
	textSeen struct{ seen []string }
	jsonSeen struct{ seen []string }
	textKey  struct{ seen string }
)

func (s *textSeen) UnmarshalText(b []byte) error { s.seen = append(s.seen, string(b)); return nil }
func (s textSeen) MarshalText() ([]byte, error)  { return nil, nil }
func (s *jsonSeen) UnmarshalJSON(b []byte) error { s.seen = append(s.seen, string(b)); return nil }
func (s jsonSeen) MarshalJSON() ([]byte, error)  { return nil, nil }
func (k *textKey) UnmarshalText(b []byte) error  { k.seen = string(b); return nil }
func (k textKey) MarshalText() ([]byte, error)   { return nil, nil }

// TestJSONMethodsWithinMemory decodes many small values that decode themselves,
// or are decoded beside such values.
func TestJSONMethodsWithinMemory(t *testing.T) {
	type item struct {
		A int
		T textCopied
		B string
	}
	const n = 5000
	many := func(s string) []byte { return []byte(`{"V":[` + strings.Repeat(s+",", n) + s + `]}`) }
	_, err := decodeWithin(t, codec.JSON, many(`"a"`), struct{ V []textCopied }{})
	assert.ErrorContains(t, err, "too dense")
	_, err = decodeWithin(t, codec.JSON, many(`"a text of some length"`), struct{ V []textCopied }{})
	assert.NoError(t, err)
	_, err = decodeWithin(t, codec.JSON, many(`"a text of more than\u0020some length"`), struct{ V []textCopied }{})
	assert.NoError(t, err)
	_, err = decodeWithin(t, codec.JSON, many(`{}`), struct{ V []item }{})
	assert.ErrorContains(t, err, "too dense")
	_, err = decodeWithin(t, codec.JSON, many(`{"X":"no such field","a":1}`), struct{ V []item }{})
	assert.NoError(t, err)
	_, err = decodeWithin(t, codec.JSON, many(`{"A":1,"T":"text","B":"text"}`), struct{ V []item }{})
	assert.NoError(t, err)
	nested := `{"V":` + strings.Repeat(`{"Next":`, 900) + `{"Text":"x"}` + strings.Repeat(`}`, 901)
	_, err = decodeWithin(t, codec.JSON, []byte(nested), struct{ V nestedText }{})
	assert.NoError(t, err)
}

type nestedText struct {
	Next *nestedText
	Text textCopied
}

type textCopied string

func (s *textCopied) UnmarshalText(b []byte) error { *s = textCopied(b); return nil }
func (s textCopied) MarshalText() ([]byte, error)  { return []byte(s), nil }
