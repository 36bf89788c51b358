package codec

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"github.com/sesame-go/sesame/internal/misfit"
	"github.com/sesame-go/sesame/internal/shape"
)

// MsgPack is sesame's default codec: MessagePack as vmihailenco/msgpack/v5
// writes it with UseCompactInts, but for two things. Maps of every type are
// sorted by their keys, and decoding trusts no length.
//
// Struct tags are that package's: `msgpack:"name,omitempty"`, with the options
// alias, inline, noinline and, on a field _msgpack, as_array. The option intern
// is accepted and has no effect. A type's own methods are used in its order:
// EncodeMsgpack, MarshalMsgpack, MarshalBinary, MarshalText, each of which needs
// its counterpart for decoding.
//
// What a value of static type any comes back as depends only on what was written:
// nil, bool, int (whatever integer type it was, unless only uint64 holds
// it), float32, float64, string, []byte, time.Time, []any, map[string]any, or
// map[any]any if a key is not a string.
//
// The strings of a decoded session share one allocation, as large as its encoding.
// Clone a string with strings.Clone to keep it after the request, so that it does
// not keep all of the session in memory.
//
// A time.Time keeps its instant, to the nanosecond, and comes back in UTC.
// Slices and maps come back nil or empty as they were. A pointer to something
// that is nil comes back as nil.
var MsgPack Codec = msgPack{}

type msgPack struct{}

func (msgPack) ID() byte       { return 1 }
func (msgPack) String() string { return "msgpack" }

// Check implements [Checker].
func (msgPack) Check(t reflect.Type) error {
	if err := packDialect.Check(t); err != nil {
		return fmt.Errorf("codec: %w", err)
	}
	_, err := packTypeOf(t)
	return err
}

var packDialect = &shape.Dialect{Tag: packTag, Rule: packRule}

// packRule decides on the types that MessagePack treats in its own way.
func packRule(t reflect.Type) (own bool, err error) {
	if t == timeType {
		return true, nil
	}
	methods, err := ownMethodsOf(t)
	switch {
	case err != nil:
		return false, err
	case methods != nil:
		return true, methods.checkZero(t)
	}
	switch t.Kind() {
	case reflect.Complex64, reflect.Complex128:
		return false, errors.New("which MessagePack cannot carry")
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return false, errors.New("which cannot be decoded: only the empty interface, any, can")
		}
	}
	return false, nil
}

var errManyValues = errors.New("codec: msgpack: the method wrote more than one value")

// checkZero encodes the zero value of t to see whether the method writes one value.
// With msgpack/v5 EncodeMsgpack may write several in a row, whose end cannot be
// found without knowing the type. Other errors may concern only the zero value and
// are ignored.
func (m *ownMethods) checkZero(t reflect.Type) (err error) {
	defer func() {
		if recover() != nil {
			err = nil
		}
	}()
	if err := m.pack(new(packer), reflect.New(t).Elem()); errors.Is(err, errManyValues) {
		return fmt.Errorf("whose %s writes more than one value: have it write an array", m.Marshal)
	}
	return nil
}

// Append implements [Codec].
func (m msgPack) Append(dst []byte, v any) ([]byte, error) { return m.AppendLike(dst, v, nil) }

// AppendLike implements [LikeAppender].
func (msgPack) AppendLike(dst []byte, v any, like []byte) ([]byte, error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return dst, fmt.Errorf("codec: msgpack: Append needs a pointer, not %T", v)
	}
	e := packers.Get().(*packer)
	t, err := e.last.find(p.Type())
	if err != nil {
		return dst, err
	}
	e.buf, e.guide = dst, guidedBy(like, len(dst))
	err = t.pack(e, p.UnsafePointer())
	if n := len(e.buf) - len(dst); err == nil && e.total(n) > budget(n) {
		err = errTooDense
	}
	dst = e.buf
	*e = packer{last: e.last}
	packers.Put(e)
	return dst, err
}

// Decode implements [Codec].
func (msgPack) Decode(data []byte, v any) error {
	_, err := decodeMsgPack(data, "", v, false)
	return err
}

// DecodeShared implements [SharedDecoder].
func (msgPack) DecodeShared(data []byte, v any) (Found, error) {
	return decodeMsgPack(data, unsafe.String(unsafe.SliceData(data), len(data)), v, false)
}

// decodeMsgPack decodes data. Strings become parts of shared, which is data as a
// string, or of a copy if shared is "". If a method panics, data is decoded once
// more with catch set, for an error that names the field: so catching panics costs
// nothing until there is one.
func decodeMsgPack(data []byte, shared string, v any, catch bool) (found Found, err error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return found, fmt.Errorf("codec: msgpack: Decode needs a pointer, not %T", v)
	}
	d := unpackers.Get().(*unpacker)
	t, err := d.last.find(p.Type())
	if err != nil {
		return found, err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("codec: %w", &misfit.Panic{Value: r})
			if !catch {
				_, again := decodeMsgPack(data, "", reflect.New(p.Type().Elem()).Interface(), true)
				err = cmp.Or(again, err)
			}
		}
	}()
	d.reader, d.left, d.shared, d.catch = reader{data: data}, budget(len(data)), shared, catch
	err = t.unpack(d, p.UnsafePointer())
	if err == nil && d.pos != len(data) {
		err = fmt.Errorf("codec: msgpack: %d bytes follow the value", len(data)-d.pos)
	}
	if err == nil {
		found = Found{Exact: !d.loose, Unknown: d.unknown}
	}
	*d = unpacker{last: d.last}
	unpackers.Put(d)
	if err != nil {
		err = failed(err)
	}
	return found, err
}

// packers and unpackers are pooled because they escape to the heap: the functions
// of a packType are called through pointers.
var (
	packers   = sync.Pool{New: func() any { return new(packer) }}
	unpackers = sync.Pool{New: func() any { return new(unpacker) }}
)
