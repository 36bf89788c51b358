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
// What a value of static type any comes back as depends on what was written
// only: nil, bool, int (whatever integer type it was, unless only uint64 holds
// it), float32, float64, string, []byte, time.Time, []any, map[string]any, or
// map[any]any if a key is not a string.
//
// The strings of a decoded session are parts of one allocation, as large as its
// encoding. A string that is kept when the request is over should be cloned
// with strings.Clone, so that it does not hold all of it.
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

// packRule is what MessagePack has its own opinion on.
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

var errManyValues = errors.New("codec: msgpack: it must write one value, and wrote more")

// checkZero has the zero value of t write itself, since msgpack/v5 lets
// EncodeMsgpack write several values in a row, whose end cannot be found without
// knowing the type. Any other error may be the zero value's alone.
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

// decodeMsgPack decodes data. Strings become parts of shared, which is data
// again, or "" to have them in a copy. If catch is set, the panic of a method is
// an error that names the field; so it costs nothing until there is one.
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

// These are pooled because they are passed to functions that
// the compiler cannot see through, and would be allocated each time.
var (
	packers   = sync.Pool{New: func() any { return new(packer) }}
	unpackers = sync.Pool{New: func() any { return new(unpacker) }}
)
