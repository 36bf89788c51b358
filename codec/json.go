package codec

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/sesame-go/sesame/internal/shape"
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

// Check implements [Checker].
func (jsonCodec) Check(t reflect.Type) error {
	if err := shape.Check(t, "json", jsonRule); err != nil {
		return fmt.Errorf("codec: %w", err)
	}
	return nil
}

var (
	jsonMethods = pairOf[json.Marshaler, json.Unmarshaler]()
	textMethods = pairOf[encoding.TextMarshaler, encoding.TextUnmarshaler]()
)

// jsonRule tells the walk over a type what JSON has its own opinion on.
func jsonRule(t reflect.Type) (stop bool, err error) {
	if pair, err := choosePair(t, jsonMethods, textMethods); err != nil || pair >= 0 {
		return true, err
	}
	switch t.Kind() {
	case reflect.Complex64, reflect.Complex128:
		return true, errors.New("which JSON cannot carry")
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return true, errors.New("which cannot be decoded: only the empty interface, any, can")
		}
	case reflect.Map:
		if !isJSONKey(t.Key()) {
			return true, errors.New("whose keys JSON cannot carry: only strings, integers and types with MarshalText can be keys")
		}
		// encoding/json calls methods with pointer receivers on what can be
		// addressed only, but decodes with them everywhere.
		elem := t.Elem()
		if pair, _ := choosePair(elem, jsonMethods, textMethods); pair >= 0 {
			m := []methodPair{jsonMethods, textMethods}[pair]
			if !elem.Implements(m.marshaler) {
				return true, fmt.Errorf("where encoding/json passes over the method %s of *%s: make it a map of pointers", m.marshal, elem)
			}
		}
	}
	return false, nil
}

func isJSONKey(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true
	}
	return t.Implements(textMethods.marshaler) && reflect.PointerTo(t).Implements(textMethods.unmarshaler)
}

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
	if !s.sawAny {
		err = json.Unmarshal(data, v)
	} else { // only a Decoder can be told to use json.Number
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		err = dec.Decode(v)
	}
	if err != nil {
		return fmt.Errorf("codec: %w", err)
	}
	return nil
}
