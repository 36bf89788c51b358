// Package gobcodec stores sessions as encoding/gob writes them:
//
//	sessions := sesame.New[Session](sesame.WithCodec(gobcodec.Gob))
//
// It is for programs that come from gorilla/sessions, scs or another library
// that keeps gobs, and whose sessions hold Go types in interfaces. Others are
// better off with codec.MsgPack: a gob carries the definitions of its types in
// every record, and reading one takes many times as long.
package gobcodec

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/internal/misfit"
	"github.com/sesame-go/sesame/internal/shape"
)

// Gob is encoding/gob; its ID is 3. Each concrete type that an interface holds
// has to be registered when the program starts, on both sides of a deployment:
//
//	func init() { gob.Register(Cart{}) }
//
// Its bytes are not canonical: maps are in random order, and types have other
// numbers in another process. So each request decodes the stored session once
// more to find that it is unchanged.
//
// It is not hardened against hostile records. One that announces a large map
// makes encoding/gob allocate that much, whatever the record has in it. Decode
// never panics, and refuses a record above 256 KiB, so that values nested in it
// cannot exhaust the stack. Use another codec, or store/sealed, where others can
// write to the store.
//
// Struct tags have no effect. Zero fields are left out: an empty slice comes back
// nil, and so does a pointer to a zero number or string. A nil pointer in a
// slice, an array, a map or an interface is an error, as is a value that refers
// to itself. Of map keys that differ only in unexported fields one is kept.
// Fields that a program does not know are lost when it saves the session; the first
// time is reported by an EventDropped.
//
// A type's own GobEncode or MarshalBinary is used, and needs its counterpart
// for decoding.
var Gob codec.Codec = gobCodec{}

type gobCodec struct{}

func (gobCodec) ID() byte       { return 3 }
func (gobCodec) String() string { return "gob" }

const (
	maxSize  = 256 << 10
	maxDepth = 1000
)

var errSize = fmt.Errorf("gobcodec: a record is larger than %d bytes", maxSize)

// Append implements [codec.Codec].
func (gobCodec) Append(dst []byte, v any) (data []byte, err error) {
	p, err := target(v)
	if err != nil {
		return dst, err
	}
	// encoding/gob follows a cycle until the stack is exhausted.
	if err := dialect.CheckValue(p.Elem(), maxDepth, false); err != nil {
		return dst, fmt.Errorf("gobcodec: %w", err)
	}
	defer func() {
		if r := recover(); r != nil {
			data, err = dst, panicked(r)
		}
	}()
	buf := bytes.NewBuffer(dst)
	if err := gob.NewEncoder(buf).EncodeValue(p); err != nil {
		return dst, withCure(err)
	}
	if buf.Len()-len(dst) > maxSize {
		return dst, errSize
	}
	return buf.Bytes(), nil
}

// Decode implements [codec.Codec].
func (gobCodec) Decode(data []byte, v any) error {
	p, err := target(v)
	switch {
	case err != nil:
		return err
	case len(data) > maxSize:
		return errSize
	}
	r := bytes.NewReader(data)
	if err := read(r, p); err != nil {
		return explain(p.Type().Elem(), data, err)
	}
	if r.Len() > 0 {
		return fmt.Errorf("gobcodec: %d bytes follow the value", r.Len())
	}
	return nil
}

// read decodes, and turns a panic into an error.
func read(r *bytes.Reader, p reflect.Value) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &misfit.Panic{Value: r}
		}
	}()
	return gob.NewDecoder(r).DecodeValue(p)
}

func target(v any) (reflect.Value, error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return p, fmt.Errorf("gobcodec: a pointer that is not nil is needed, not %T", v)
	}
	return p, nil
}

// withCure gives an error its prefix, and the most common one its cure.
func withCure(err error) error {
	if strings.Contains(err.Error(), " not registered for interface: ") {
		return fmt.Errorf("gobcodec: %w; call gob.Register with a value of this type when the program starts", err)
	}
	return fmt.Errorf("gobcodec: %w", err)
}

// panicked makes an error of a panic, that of a method of the session's types
// or of encoding/gob when it calls one on a nil pointer. What the panic says
// may quote the session, and is left out unless the runtime says it.
func panicked(r any) error {
	if cause, ok := r.(runtime.Error); ok {
		return fmt.Errorf("gobcodec: a method of the value panics: %w", cause)
	}
	return fmt.Errorf("gobcodec: a method of the value panics with a value of type %T", r)
}

// Check implements [codec.Checker]. It cannot see what interfaces will hold.
func (gobCodec) Check(t reflect.Type) error {
	if err := dialect.Check(t); err != nil {
		return fmt.Errorf("gobcodec: %w", err)
	}
	return nil
}

var dialect = &shape.Dialect{
	Tag: func(reflect.StructField) (shape.Tag, error) { return shape.Tag{Embed: shape.Keep}, nil },

	Rule: func(t reflect.Type) (own bool, err error) {
		methods, err := shape.Own(ownMethods, t)
		if err != nil || methods != nil {
			return true, err
		}
		switch t.Kind() {
		case reflect.Interface:
			if t.Implements(ownMethods[0].Marshaler) || t.Implements(ownMethods[1].Marshaler) {
				return false, errors.New("which gob encodes but cannot decode: use any")
			}
		case reflect.Map:
			for _, part := range []reflect.Type{t.Key(), t.Elem()} {
				if methods, of := shape.Unaddressed(ownMethods, part, ""); methods != nil {
					return false, fmt.Errorf("where gob cannot call the method %s of *%s: make it a map of pointers", methods.Marshal, of)
				}
			}
		}
		return false, nil
	},
}

// ownMethods are in the order in which encoding/gob asks for them.
var ownMethods = []shape.Methods{
	shape.MethodsOf[gob.GobEncoder, gob.GobDecoder]("GobEncode", "GobDecode",
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("GobEncode") },
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("GobDecode") }),
	shape.Binary,
}
