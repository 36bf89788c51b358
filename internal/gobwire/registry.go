package gobwire

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"reflect"
	"sync"
)

// known has the types that are registered with gob, as far as they have been
// met, by their names. gob itself registers the first ones.
var known sync.Map // map[string]reflect.Type

func init() {
	for _, v := range []any{
		int(0), int8(0), int16(0), int32(0), int64(0),
		uint(0), uint8(0), uint16(0), uint32(0), uint64(0), uintptr(0),
		float32(0), float64(0), complex64(0), complex128(0), false, "",
		[]int(nil), []int8(nil), []int16(nil), []int32(nil), []int64(nil),
		[]uint(nil), []uint8(nil), []uint16(nil), []uint32(nil), []uint64(nil), []uintptr(nil),
		[]float32(nil), []float64(nil), []complex64(nil), []complex128(nil), []bool(nil), []string(nil),
	} {
		t := reflect.TypeOf(v)
		known.Store(t.String(), t)
	}
}

// maxProbe is how many types may make up a type that is registered: a map of
// slices of arrays of structs is made up of four. The fields of structs do
// not count.
const maxProbe = 16

// registered returns the type of an interface value. gob keeps its registry
// to itself, so the first time that a name is met, a gob.Decoder is asked to
// decode the least value there can be under that name, into an interface.
// All it gets to see is the name and a few definitions without fields.
func (d *decoder) registered(dyn dynamic) (reflect.Type, error) {
	if t, ok := known.Load(string(dyn.name)); ok {
		return t.(reflect.Type), nil
	}
	n := numbering{r: d.reader}
	n.add(dyn.id, true)
	if len(n.order) > maxProbe {
		d.fail("type %q is made up of more than %d types", dyn.name, maxProbe)
	}
	value := d.least(nil, dyn.id)
	if d.err != nil {
		return nil, d.err
	}
	if d.typ(dyn.id).kind != structKind {
		value = append([]byte{0}, value...)
	}
	stream := n.appendDefinitions(nil, true)
	start := len(stream)
	stream = appendInt(stream, int64(interfaceKind))
	stream = append(stream, 0)
	stream = appendBytes(stream, dyn.name)
	stream = appendInt(stream, n.newID(dyn.id))
	stream = appendBytes(stream, value)
	stream = appendLen(stream, start)

	v, err := decodeAny(stream)
	if err != nil {
		return nil, err
	}
	t := reflect.TypeOf(v)
	known.Store(string(dyn.name), t)
	return t, nil
}

func decodeAny(stream []byte) (v any, err error) {
	// The least value of a type with a method is decoded by that method, from
	// bytes that may be hostile, and it is called through gob, which lets its
	// panic pass.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("gob panics: %v", p)
		}
	}()
	err = gob.NewDecoder(bytes.NewReader(stream)).Decode(&v)
	return v, err
}

// least appends the smallest encoding of a value of the type id. For an opaque
// type only its method knows one: the bytes that follow in the stream are one.
func (d *decoder) least(b []byte, id int32) []byte {
	d.enter()
	defer d.leave()
	switch t := d.typ(id); t.kind {
	case complexKind:
		return append(b, 0, 0)
	case gobKind, binaryKind, textKind:
		if len(b) > 0 {
			d.fail("array of %v in an interface", t.kind)
		}
		next := *d.reader
		next.uint()
		return appendBytes(b, next.bytes())
	case arrayKind:
		b = appendUint(b, uint64(t.len))
		for i := 0; i < t.len && d.err == nil; i++ {
			if len(b) > d.remaining() {
				d.fail("%d elements in %d bytes", t.len, d.remaining())
			}
			b = d.least(b, t.elem)
		}
		return b
	default:
		return append(b, 0)
	}
}
