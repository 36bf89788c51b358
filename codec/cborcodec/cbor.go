// Package cborcodec stores sessions as CBOR, RFC 8949, by means of
// [github.com/fxamacker/cbor/v2]:
//
//	sessions := sesame.New[Session](sesame.WithCodec(cborcodec.CBOR))
//
// It is for sites whose other programs read sessions and speak CBOR. Bytes are
// those of the core deterministic encoding (RFC 8949, section 4.2.1), which
// every implementation of CBOR can write and compare. It is a module of its
// own, so that other programs do not need that package.
package cborcodec

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/internal/misfit"
)

// CBOR writes core deterministic CBOR: keys of maps and structs in bytewise
// order, lengths, integers and floats as short as their values allow, nothing
// of indefinite length. Decode accepts any order and form but indefinite
// lengths, and a key only once. Its ID is 4.
//
// Struct tags are `cbor:"name,omitempty,omitzero,keyasint"`, and `cbor:",toarray"`
// on a field _; a field without a cbor tag goes by its json tag. A struct that is
// written as an array can neither lose nor gain fields later. Names are
// case-sensitive. A type's own methods are used in this order: MarshalCBOR,
// MarshalBinary, MarshalText, each of which needs its counterpart for decoding.
// What MarshalCBOR writes is canonical only if the method makes it so. MarshalJSON is
// not used.
//
// What a value of static type any comes back as depends only on what was written:
// nil, bool, int64 (whatever integer type it was), [math/big.Int] if int64
// does not hold it, float64, string, []byte, time.Time, []any or map[string]any.
// Maps in an any need strings for keys. The zero time in an any comes back as
// nil.
//
// A time.Time keeps its instant, to the nanosecond, and comes back in UTC. Years
// below 0 or beyond 9999 are an error. A nil slice or map stays apart from an
// empty one. A pointer to something that is nil, or to the zero time, comes
// back as nil. NaN, the infinities and -0 are kept; all NaN are one.
//
// A string that is not valid UTF-8 is an error; []byte may hold anything. Values
// nest 1000 levels deep at most, and arrays and maps have at most 1,048,576
// entries.
var CBOR codec.Codec = cborCodec{}

type cborCodec struct{}

func (cborCodec) ID() byte       { return 4 }
func (cborCodec) String() string { return "cbor" }

const (
	maxDepth   = 1000    // of structs, maps, slices, arrays, pointers, interfaces, tags
	maxEntries = 1 << 20 // of an array or a map
)

var (
	encoder = must(func() (cbor.UserBufferEncMode, error) {
		o := cbor.CoreDetEncOptions()
		o.Time = cbor.TimeRFC3339NanoUTC
		o.TimeTag = cbor.EncTagRequired
		o.TextMarshaler = cbor.TextMarshalerTextString
		return o.UserBufferEncMode()
	})

	decoding = cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		TimeTag:           cbor.DecTagRequired,
		MaxNestedLevels:   maxDepth,
		MaxArrayElements:  maxEntries,
		MaxMapPairs:       maxEntries,
		IndefLength:       cbor.IndefLengthForbidden,
		IntDec:            cbor.IntDecConvertSignedOrBigInt,
		DefaultMapType:    reflect.TypeFor[map[string]any](),
		UTF8:              cbor.UTF8RejectInvalid,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		TextUnmarshaler:   cbor.TextUnmarshalerTextString,
	}

	decoder = must(decoding.DecMode)
	strict  = must(func() (cbor.DecMode, error) { // refuses unknown fields
		o := decoding
		o.ExtraReturnErrors = cbor.ExtraDecErrorUnknownField
		return o.DecMode()
	})
)

func must[M any](mode func() (M, error)) M {
	m, err := mode()
	if err != nil {
		panic(fmt.Errorf("cborcodec: %w", err))
	}
	return m
}

// Append implements [codec.Codec].
func (c cborCodec) Append(dst []byte, v any) ([]byte, error) {
	p, err := target(v)
	if err != nil {
		return dst, err
	}
	t := p.Type().Elem()
	if err := c.Check(t); err != nil {
		return dst, err
	}
	// The library follows a cycle until the stack is exhausted, and writes
	// strings that it will not read.
	if err := dialect.CheckValue(p.Elem(), maxDepth, true); err != nil {
		return dst, fmt.Errorf("cborcodec: %w", err)
	}
	start := len(dst)
	if dst, err = marshal(dst, v); err != nil {
		return dst, fmt.Errorf("cborcodec: %w", err)
	}
	// What Decode would refuse must not be stored. If the type does not show it,
	// decoding does.
	if !readable(t) || len(dst)-start > maxEntries {
		if err := c.Decode(dst[start:], reflect.New(t).Interface()); err != nil {
			if why := (*misfit.Error)(nil); errors.As(err, &why) {
				err = fmt.Errorf("cborcodec: %s", why.Reason())
			}
			return dst, fmt.Errorf("%w (reading back what was written)", err)
		}
	}
	return dst, nil
}

// marshal appends what the library writes.
func marshal(dst []byte, v any) (data []byte, err error) {
	// The methods of the session's own types may not expect every value. What
	// they say may quote it, and stays out of the error.
	defer func() {
		switch r := recover().(type) {
		case nil:
		case runtime.Error:
			data, err = dst, fmt.Errorf("a method of the value panics: %w", r)
		default:
			data, err = dst, fmt.Errorf("a method of the value panics with a value of type %T", r)
		}
	}()
	buf := buffers.Get().(*bytes.Buffer)
	*buf = *bytes.NewBuffer(dst)
	err = encoder.MarshalToBuffer(v, buf)
	data = buf.Bytes()
	*buf = bytes.Buffer{}
	buffers.Put(buf)
	return data, err
}

// buffers are pooled because they are passed to an interface, and would be
// allocated each time.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Decode implements [codec.Codec].
func (cborCodec) Decode(data []byte, v any) error {
	err := decode(decoder, data, v)
	if err == nil || !errors.Is(err, errUnfit) {
		return err
	}
	return fmt.Errorf("cborcodec: %w", finder.Find(reflect.TypeOf(v).Elem(), data, err))
}

// errUnfit is for CBOR that does not fit the type it is decoded into. What the
// library and the methods of types say of it may quote it.
var errUnfit = errors.New("cborcodec: the value does not fit")

func decode(mode cbor.DecMode, data []byte, v any) (err error) {
	if _, err := target(v); err != nil {
		return err
	}
	// The methods of the session's own types may not expect damaged data.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %w", errUnfit, &misfit.Panic{Value: r})
		}
	}()
	// The library gives them a part of the very data.
	data = bytes.Clone(data)
	err = mode.Unmarshal(data, v)
	if err != nil && mode.Wellformed(data) == nil {
		return fmt.Errorf("%w: %w", errUnfit, err)
	}
	if err != nil {
		return fmt.Errorf("cborcodec: %w", err)
	}
	return nil
}

var errTarget = errors.New("cborcodec: a pointer that is not nil is needed")

func target(v any) (reflect.Value, error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return p, fmt.Errorf("%w, not %T", errTarget, v)
	}
	return p, nil
}
