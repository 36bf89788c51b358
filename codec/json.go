package codec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
)

// JSON writes what encoding/json writes, without escaping <, > and & and
// without a newline at the end: for sites that read their sessions with the
// database's own shell. Tags and methods are those of encoding/json.
//
// A number in an any comes back as a [json.Number], so that it loses no digit
// and is written again as it was. A time.Time keeps its offset from UTC. Slices
// and maps come back nil or empty as they were.
//
// What JSON cannot carry is an error, never something else in its place: NaN
// and the infinities, years beyond 9999, and strings that are not valid UTF-8;
// []byte may hold anything, and is written in base64.
var JSON Codec = jsonCodec{}

type jsonCodec struct{}

func (jsonCodec) ID() byte       { return 2 }
func (jsonCodec) String() string { return "json" }

// Append implements [Codec].
func (jsonCodec) Append(dst []byte, v any) ([]byte, error) {
	start := len(dst)
	w := jsonWriters.Get().(*jsonWriter)
	w.buf = dst
	err := w.enc.Encode(v)
	dst = w.buf
	w.buf = nil
	if err != nil {
		return dst, fmt.Errorf("codec: %w", err) // the writer is spoilt if it was its error
	}
	jsonWriters.Put(w)

	dst = dst[:len(dst)-1] // the newline
	s := jsonScanner{data: dst[start:], encoded: true}
	return dst, s.check(v)
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
func (jsonCodec) Decode(data []byte, v any) (err error) {
	defer recoverInto(&err)
	s := jsonScanner{data: data}
	if err := s.check(v); err != nil {
		return err
	}
	switch {
	case s.apart:
		err = decodeJSONParts(data, v)
	case !s.sawAny:
		err = json.Unmarshal(data, v)
	default: // only a Decoder can be told to use json.Number
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		err = dec.Decode(v)
	}
	if err != nil {
		return fmt.Errorf("codec: %w", err)
	}
	return nil
}
