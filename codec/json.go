package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
	"unicode/utf8"

	"github.com/sesame-go/sesame/internal/misfit"
	"github.com/sesame-go/sesame/internal/shape"
)

// JSON writes what encoding/json writes, without escaping <, > and & and
// without a newline at the end: for sites that read their sessions with the
// database's own shell. Tags and methods are those of encoding/json.
//
// A number in an any comes back as a [json.Number], so that it loses no digit
// and is written again as it was. A time.Time keeps its offset from UTC; in an
// any it comes back as a string. Slices and maps come back nil or empty as they
// were.
//
// What JSON cannot carry is an error, never something else in its place: NaN
// and the infinities, years beyond 9999, and strings that are not valid UTF-8;
// []byte may hold anything, and is written in base64. Objects and arrays nest
// 1000 levels deep at most.
var JSON Codec = jsonCodec{}

type jsonCodec struct{}

func (jsonCodec) ID() byte       { return 2 }
func (jsonCodec) String() string { return "json" }

// Append implements [Codec].
func (jsonCodec) Append(dst []byte, v any) ([]byte, error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return dst, fmt.Errorf("codec: json: Append needs a pointer, not %T", v)
	}
	start := len(dst)
	w := jsonWriters.Get().(*jsonWriter)
	w.buf = dst
	err := w.enc.Encode(v)
	dst = w.buf
	w.buf = nil
	if err != nil {
		return dst, fmt.Errorf("codec: %w", err) // the encoder keeps an error of its writer: it is not pooled
	}
	jsonWriters.Put(w)

	dst = dst[:len(dst)-1] // the newline
	if err := checkJSON(dst[start:], true); err != nil {
		return dst, err
	}
	return dst, checkReplaced(dst[start:], p)
}

// jsonWriter is an encoder that appends to buf.
type jsonWriter struct {
	enc *json.Encoder
	buf []byte
}

func (w *jsonWriter) Write(b []byte) (int, error) {
	w.buf = append(w.buf, b...)
	return len(b), nil
}

var jsonWriters = sync.Pool{New: func() any {
	w := new(jsonWriter)
	w.enc = json.NewEncoder(w)
	w.enc.SetEscapeHTML(false)
	return w
}}

// Decode implements [Codec].
func (jsonCodec) Decode(data []byte, v any) error {
	err := decodeJSON(data, v, false)
	if err == nil || !errors.Is(err, errUnfit) && !errors.Is(err, errJSONText) {
		return err
	}
	why := jsonFinder.Find(reflect.TypeOf(v).Elem(), data, err)
	if why.Path() == "" && errors.Is(err, errJSONText) {
		return err // in a field that is skipped
	}
	return fmt.Errorf("codec: json: %w", why)
}

// DecodeShared implements [SharedDecoder]. It keeps no part of data.
func (c jsonCodec) DecodeShared(data []byte, v any) (Found, error) {
	if decodeJSON(data, v, true) == nil {
		return Found{}, nil
	}
	// An unknown field is the most likely reason; decoding without strict shows it.
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && !p.IsNil() {
		p.Elem().SetZero()
	}
	err := c.Decode(data, v)
	return Found{Unknown: err == nil}, err
}

// jsonError returns the decoder's error for data without what it quotes. It may
// be that of a method, whatever its type.
func jsonError(err error, data []byte) error {
	syntax := (*json.SyntaxError)(nil)
	switch {
	case json.Valid(data):
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("codec: json: %w", io.ErrUnexpectedEOF)
	case errors.As(err, &syntax):
		return fmt.Errorf("codec: json: what is stored is no JSON, from byte %d on", syntax.Offset)
	}
	return fmt.Errorf("%w: %w", errUnfit, err)
}

// errUnfit is for JSON that does not fit the type it is decoded into. What
// encoding/json and the methods of types say of it may quote it.
var errUnfit = errors.New("codec: json: the value does not fit")

// decodeJSON decodes data. If strict is set, unknown fields are an error.
func decodeJSON(data []byte, v any, strict bool) (err error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("codec: json: Decode needs a pointer, not %T", v)
	}
	if err := checkJSON(data, false); err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %w", errUnfit, &misfit.Panic{Value: r})
		}
	}()
	// The decoder reads data into a buffer of its own. It is of that that it
	// gives a part to the methods of types.
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if strict {
		dec.DisallowUnknownFields()
	}
	if err := dec.Decode(v); err != nil {
		return jsonError(err, data)
	}
	if rest := bytes.TrimLeft(data[dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return fmt.Errorf("codec: json: %d bytes follow the value", len(rest))
	}
	return nil
}

var (
	errJSONText = fmt.Errorf("codec: json: %w", shape.ErrText)
	errJSONKeys = errors.New("codec: json: two keys of a map have the same encoding")
)

// checkJSON refuses what is not UTF-8, for which encoding/json would put
// U+FFFD, and what nests too deep; and, if encoding/json has written it, with
// the keys of each map in order, a key that is there twice, of which one value
// would be lost. The rest of the syntax is encoding/json's concern.
func checkJSON(data []byte, written bool) error {
	if !utf8.Valid(data) {
		return errJSONText
	}
	var room [32][]byte
	keys := room[:0] // of each object that is open the last
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			if len(keys) == maxDepth {
				return errTooDeep
			}
			keys = append(keys, nil)
		case '}', ']':
			keys = keys[:max(len(keys)-1, 0)]
		case '"':
			start := i
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if written && i+1 < len(data) && data[i+1] == ':' {
				key, last := data[start:i], &keys[len(keys)-1]
				if bytes.Equal(key, *last) {
					return errJSONKeys
				}
				*last = key
			}
		}
	}
	return nil
}

// checkReplaced checks the strings of the value that data was written for. It
// does so only if data has a U+FFFD, which encoding/json has put where a string
// was not valid UTF-8, as an escape or, if built with GOEXPERIMENT=jsonv2, as
// such. A session may have that character too.
func checkReplaced(data []byte, p reflect.Value) error {
	if !bytes.Contains(data, []byte("\ufffd")) && !bytes.Contains(data, []byte(`\ufffd`)) {
		return nil
	}
	const perLevel = 8 // values to a level of the text: pointers, interfaces, embedded structs
	if err := jsonDialect.CheckValue(p.Elem(), perLevel*maxDepth, true); errors.Is(err, shape.ErrText) {
		return errJSONText
	}
	return nil
}
