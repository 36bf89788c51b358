package codec

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"unsafe"
)

// The value of an interface is decoded by what the data says it is, in two steps:
// measure finds its cost and whether it can be decoded, for the packer too, and
// value decodes it.

const (
	boxedSlice  = 32 // a slice header or a time.Time in an interface
	boxedString = 16
	boxedNumber = 8
	anySize     = 16
)

var (
	mapStringAny = mapShapeOf(reflect.TypeFor[string](), reflect.TypeFor[any]())
	mapAnyAny    = mapShapeOf(reflect.TypeFor[any](), reflect.TypeFor[any]())
)

func unpackAny(d *unpacker, p unsafe.Pointer) error {
	start := d.pos
	if d.key {
		if err := d.comparable(); err != nil {
			return err
		}
	}
	var a account
	err := d.measure(&a)
	if err == nil {
		err = d.charge(a.cost)
	}
	if err == nil && a.text && d.text == "" {
		err = d.takeText()
	}
	if err != nil {
		return err
	}
	d.pos = start
	*(*any)(p), err = d.value()
	return err
}

// measure skips a value, adds to a what value will allocate for it, and fails if
// value would.
func (r *reader) measure(a *account) error {
	start := r.pos
	h, err := r.head()
	if err != nil {
		return err
	}
	switch h.kind {
	case kindInt, kindFloat32, kindFloat64:
		a.cost += boxedNumber
	case kindUint:
		if h.num > math.MaxUint8 { // smaller ones need no box
			a.cost += boxedNumber
		}
	case kindStr:
		if h.n > 0 {
			a.cost += boxedString
			a.text = true
		}
		r.pos += h.n
	case kindBin:
		a.cost += boxedSlice + sliceSize(h.n, 1)
		r.pos += h.n
	case kindExt:
		if h.ext == extTime {
			a.cost += boxedSlice
			_, err = r.time(h.n)
		} else {
			r.pos += h.n
			a.cost += ownSize(h.n) + 2*decoderSize // here, and when it is read
			_, err = extension(r.data[start:r.pos])
		}
	case kindArray:
		a.cost += boxedSlice + sliceSize(h.n, anySize)
		if err := r.enter(); err != nil {
			return err
		}
		for range h.n {
			if err := r.measure(a); err != nil {
				return err
			}
		}
		r.leave()
	case kindMap:
		return r.measureMap(h, a)
	}
	return err
}

func (r *reader) measureMap(h head, a *account) error {
	if err := r.enter(); err != nil {
		return err
	}
	a.cost += mapStringAny.size(h.n)
	strings := true
	for range h.n {
		if err := r.comparable(); err != nil {
			return err
		}
		if _, isString := stringContent(r.data[r.pos:]); !isString && strings {
			strings = false
			a.cost += mapAnyAny.size(h.n) + boxedString*h.n
		}
		if err := r.measure(a); err != nil {
			return err
		}
		if err := r.measure(a); err != nil {
			return err
		}
	}
	r.leave()
	return nil
}

// comparable fails if the next value, decoded without knowing its type, is none
// that the key of a map can hold.
func (r *reader) comparable() error {
	ahead := *r
	h, err := ahead.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindBin || h.kind == kindArray || h.kind == kindMap || h.kind == kindExt && h.ext != extTime:
		return fmt.Errorf("codec: msgpack: in an interface, a map's key is of kind %s, which cannot be one when decoded", h.kind)
	}
	return nil
}

// value reads a value that has been measured.
func (d *unpacker) value() (any, error) {
	start := d.pos
	h, err := d.head()
	if err != nil {
		return nil, err
	}
	switch h.kind {
	case kindBool:
		return h.num != 0, nil
	case kindInt:
		return d.boxInt(int64(h.num)), nil
	case kindUint:
		if h.num > math.MaxInt64 {
			return h.num, nil
		}
		return d.boxInt(int64(h.num)), nil
	case kindFloat32:
		return math.Float32frombits(uint32(h.num)), nil
	case kindFloat64:
		return d.boxFloat(math.Float64frombits(h.num)), nil
	case kindStr:
		return d.boxString(d.str(h.n)), nil
	case kindBin:
		return bytes.Clone(d.bytes(h.n)), nil
	case kindExt:
		if h.ext == extTime {
			return d.time(h.n)
		}
		d.pos += h.n
		d.loose = true
		return extension(d.data[start:d.pos])
	case kindArray:
		s := make([]any, h.n)
		for i := range s {
			if s[i], err = d.value(); err != nil {
				return nil, err
			}
		}
		return s, nil
	case kindMap:
		return d.mapValue(h.n)
	}
	return nil, nil
}

// mapValue reads a map with n entries, as a map[string]any if it can be one.
func (d *unpacker) mapValue(n int) (any, error) {
	var byString map[string]any
	var byAny map[any]any
	var last []byte
	for i := range n {
		start := d.pos
		var k any
		s, isString := d.shortString() // which needs no box, unlike k
		if !isString {
			var err error
			if k, err = d.value(); err != nil {
				return nil, err
			}
			s, isString = k.(string)
		}
		last = d.ascends(last, d.data[start:d.pos])
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		switch {
		case byAny != nil && isString:
			byAny[s] = v
		case byAny != nil:
			byAny[k] = v
		case !isString:
			byAny = make(map[any]any, n)
			for s, v := range byString {
				byAny[s] = v
			}
			byAny[k] = v
		default:
			if i == 0 {
				byString = make(map[string]any, n)
			}
			byString[s] = v
		}
	}
	switch {
	case byAny != nil:
		d.loosen(len(byAny) == n)
		return byAny, nil
	case byString == nil:
		return map[string]any{}, nil
	}
	return byString, nil
}

// extension reads a value of a type that was registered with msgpack.RegisterExt.
func extension(raw []byte) (any, error) {
	v, err := newDecoder(raw).DecodeInterface()
	if err != nil {
		return nil, fmt.Errorf("codec: msgpack: an extension in an interface cannot be read: an error of type %T", err)
	}
	return v, nil
}
