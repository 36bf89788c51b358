package codec

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"

	"github.com/sesame-go/sesame/internal/gobwire"
	"github.com/sesame-go/sesame/internal/shape"
)

// Gob writes what encoding/gob writes, brought into a canonical order; any
// [gob.Decoder] reads it. It reads what any [gob.Encoder] has written, one
// value per record. It is for sessions with Go types in interfaces, as those
// of gorilla/sessions and scs have them; others are better off with [MsgPack],
// since a gob carries the definitions of its types in every record.
//
// Each concrete type that an interface holds has to be registered when the
// program starts, with its interfaces on both sides of a deployment:
//
//	func init() { gob.Register(Cart{}) }
//
// Without that, Append says "type not registered for interface: shop.Cart",
// and Decode says "name not registered for interface: "shop.Cart"". The
// predeclared types, []byte and slices of predeclared types need no
// registration, but map[string]any and []any do.
//
// Gob loses some distinctions. Zero fields are left out, so that an empty
// slice comes back nil and a pointer to a zero number, string or slice comes
// back as a nil pointer; a pointer to a struct survives, and so does an empty
// map. Pointers are flattened: what two pointers share comes back twice. A
// nil pointer in a slice, an array, a map or an interface is an error, and so
// are keys of a map that differ in nothing that is encoded. Struct tags mean
// nothing, and unexported fields are left out. Values that contain themselves
// are an error, unless methods of their own leave that out.
//
// Complex numbers are fine. Types with a GobEncode or MarshalBinary method
// need the matching GobDecode or UnmarshalBinary; MarshalText is not used.
//
// Values whose encoding is tiny for what they take in memory, such as
// thousands of empty structs, are an error in Append: Decode could not tell
// them from an attack.
var Gob Codec = gobCodec{}

type gobCodec struct{}

func (gobCodec) ID() byte       { return 3 }
func (gobCodec) String() string { return "gob" }

var gobBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Append implements [Codec].
func (gobCodec) Append(dst []byte, v any) (data []byte, err error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return dst, fmt.Errorf("codec: gob: Append needs a pointer, not %T", v)
	}
	if err := gobwire.Check(p); err != nil {
		return dst, gobError(err)
	}
	// The methods of the session's own types may not expect a value that is
	// there, and encoding/gob lets their panics pass.
	defer func() {
		if r := recover(); r != nil {
			data, err = dst, gobPanic(r)
		}
	}()
	buf := gobBuffers.Get().(*bytes.Buffer)
	buf.Reset()
	defer gobBuffers.Put(buf)
	if err := gob.NewEncoder(buf).EncodeValue(p); err != nil {
		return dst, gobError(err)
	}
	data, err = gobwire.Canon(dst, buf.Bytes())
	if err != nil {
		return dst, gobError(err)
	}
	// What cannot be read is not written. To read it is the only way to know,
	// as the methods of the session's types have a say in it.
	if err := gobwire.Decode(data[len(dst):], reflect.New(p.Type().Elem()).Elem()); err != nil {
		return dst, fmt.Errorf("%w (reading back what was written)", gobError(err))
	}
	return data, nil
}

// Decode implements [Codec].
func (gobCodec) Decode(data []byte, v any) error {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("codec: gob: Decode needs a pointer, not %T", v)
	}
	if err := gobwire.Decode(data, p.Elem()); err != nil {
		return gobError(err)
	}
	return nil
}

// gobError gives an error its prefix, and the most common one its cure.
func gobError(err error) error {
	text := err.Error()
	for strings.HasPrefix(text, "gob: ") {
		text = text[len("gob: "):]
	}
	if strings.Contains(text, " not registered for interface: ") {
		text += "; call gob.Register with a value of this type when the program starts"
	}
	return &gobFailure{"codec: gob: " + text, err}
}

type gobFailure struct {
	text string
	err  error
}

func (e *gobFailure) Error() string { return e.text }
func (e *gobFailure) Unwrap() error { return e.err }

// gobPanic makes an error of a panic. What a method of the session says is
// left out, as it may quote the session.
func gobPanic(r any) error {
	if cause, ok := r.(runtime.Error); ok {
		return fmt.Errorf("codec: gob: a method of the value panics: %w", cause)
	}
	return fmt.Errorf("codec: gob: a method of the value panics with a value of type %T", r)
}

// Check implements [Checker]. It cannot see what interfaces will hold.
func (gobCodec) Check(t reflect.Type) error {
	if err := shape.Check(t, noTag, gobRule); err != nil {
		return fmt.Errorf("codec: %w", err)
	}
	return nil
}

const noTag = "" // gob knows none

var gobMethods = pairOf[gob.GobEncoder, gob.GobDecoder]("GobEncode", "GobDecode",
	func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("GobEncode") },
	func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("GobDecode") })

// gobRule tells the walk over a type what gob has its own opinion on.
func gobRule(t reflect.Type) (stop bool, err error) {
	p := reflect.PointerTo(t)
	if p.Implements(gobMethods.marshaler) != p.Implements(gobMethods.unmarshaler) {
		return true, errors.New("which has only one of GobEncode and GobDecode")
	}
	if !p.Implements(gobMethods.marshaler) && p.Implements(binaryMethods.marshaler) != p.Implements(binaryMethods.unmarshaler) {
		return true, errors.New("which has only one of MarshalBinary and UnmarshalBinary")
	}
	if gobwire.EncodesItself(t) {
		methods := &binaryMethods
		if p.Implements(gobMethods.marshaler) {
			methods = &gobMethods
		}
		return true, methods.check(t, noTag)
	}
	switch t.Kind() {
	case reflect.Interface:
		if t.Implements(gobMethods.marshaler) || t.Implements(binaryMethods.marshaler) {
			return true, errors.New("which gob encodes but cannot decode: use any")
		}
	case reflect.Map:
		if needsAddress(t.Key()) || needsAddress(t.Elem()) {
			return true, errors.New("which gob cannot encode, as a method has a pointer receiver: use a map of pointers")
		}
	case reflect.Struct:
		for f := range t.Fields() {
			if f.Anonymous && !f.IsExported() && shape.Promotes(f.Type) {
				return true, fmt.Errorf("which embeds %v, whose fields gob leaves out", f.Type)
			}
		}
	}
	return false, nil
}

// needsAddress reports whether gob cannot encode a value of type t in a map,
// where values have no address that a method could be called with.
func needsAddress(t reflect.Type) bool {
	if gobwire.EncodesItself(t) {
		p := reflect.PointerTo(t)
		return !t.Implements(gobMethods.marshaler) && (p.Implements(gobMethods.marshaler) || !t.Implements(binaryMethods.marshaler))
	}
	switch t.Kind() {
	case reflect.Array:
		return needsAddress(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if f.IsExported() && needsAddress(f.Type) {
				return true
			}
		}
	}
	return false
}
