package codec

import (
	"fmt"
	"reflect"
	"sync"
	"time"
)

// packType knows how values of one type are written and read. It is built once
// for every type, so that Append and Decode only follow it.
type packType struct {
	typ    reflect.Type
	pack   func(*packer, reflect.Value) error
	unpack func(*unpacker, reflect.Value) error // into an addressable, zero value
	zeroer bool                                 // has IsZero() bool
	fields *packFields                          // if the type is a struct that is written field by field
}

var (
	packTypes  sync.Map // reflect.Type to *packType
	timeType   = reflect.TypeFor[time.Time]()
	zeroerType = reflect.TypeFor[interface{ IsZero() bool }]()
)

func packTypeOf(t reflect.Type) (*packType, error) {
	if known, ok := packTypes.Load(t); ok {
		return known.(*packType), nil
	}
	b := packBuilder{}
	pt, err := b.build(t)
	if err != nil {
		return nil, err
	}
	for t, pt := range b {
		packTypes.LoadOrStore(t, pt)
	}
	return pt, nil
}

// packBuilder holds the types under construction. A type that contains itself
// finds itself there; nobody else sees it before it is complete.
type packBuilder map[reflect.Type]*packType

func (b packBuilder) build(t reflect.Type) (*packType, error) {
	if known, ok := packTypes.Load(t); ok {
		return known.(*packType), nil
	}
	if pt := b[t]; pt != nil {
		return pt, nil
	}
	pt := &packType{typ: t, zeroer: t.Implements(zeroerType)}
	b[t] = pt
	return pt, b.fill(pt)
}

func (b packBuilder) fill(pt *packType) error {
	if pt.typ == timeType {
		pt.pack, pt.unpack = packTime, unpackTime
		return nil
	}
	methods, err := ownMethodsOf(pt.typ)
	if err != nil {
		return fmt.Errorf("codec: %s: %w", pt.typ, err)
	}
	if methods != nil {
		pt.pack, pt.unpack = methods.pack, methods.unpack
		return nil
	}

	switch pt.typ.Kind() {
	case reflect.Bool:
		pt.pack, pt.unpack = packBool, unpackBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		pt.pack, pt.unpack = packInt, unpackInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		pt.pack, pt.unpack = packUint, unpackUint
	case reflect.Float32:
		pt.pack, pt.unpack = packFloat32, unpackFloat
	case reflect.Float64:
		pt.pack, pt.unpack = packFloat64, unpackFloat
	case reflect.String:
		pt.pack, pt.unpack = packString, unpackString
	case reflect.Slice:
		return b.fillSlice(pt)
	case reflect.Array:
		return b.fillArray(pt)
	case reflect.Pointer:
		return b.fillPointer(pt)
	case reflect.Map:
		return b.fillMap(pt)
	case reflect.Struct:
		return b.fillStruct(pt)
	case reflect.Interface:
		if pt.typ.NumMethod() > 0 {
			return fmt.Errorf("codec: msgpack cannot decode into %s: only the empty interface, any, works", pt.typ)
		}
		pt.pack, pt.unpack = packAny, unpackAny
	default:
		return fmt.Errorf("codec: msgpack cannot carry %s", pt.typ)
	}
	return nil
}

func (b packBuilder) fillSlice(pt *packType) error {
	if pt.typ.Elem().Kind() == reflect.Uint8 {
		pt.pack, pt.unpack = packBytes, unpackBytes
		return nil
	}
	elem, err := b.build(pt.typ.Elem())
	empty := reflect.MakeSlice(pt.typ, 0, 0)
	pt.pack = func(e *packer, v reflect.Value) error { return packSlice(e, v, elem) }
	pt.unpack = func(d *unpacker, v reflect.Value) error { return unpackSlice(d, v, elem, empty) }
	return err
}

func (b packBuilder) fillArray(pt *packType) error {
	if pt.typ.Elem().Kind() == reflect.Uint8 {
		pt.pack, pt.unpack = packByteArray, unpackByteArray
		return nil
	}
	elem, err := b.build(pt.typ.Elem())
	pt.pack = func(e *packer, v reflect.Value) error { return packElems(e, v, elem) }
	pt.unpack = func(d *unpacker, v reflect.Value) error { return unpackArray(d, v, elem) }
	return err
}

func (b packBuilder) fillPointer(pt *packType) error {
	elem, err := b.build(pt.typ.Elem())
	pt.pack = func(e *packer, v reflect.Value) error { return packPointer(e, v, elem) }
	pt.unpack = func(d *unpacker, v reflect.Value) error { return unpackPointer(d, v, elem) }
	return err
}

// isEmpty reports whether the option omitempty leaves v out. The rules are
// those of msgpack/v5: IsZero decides if there is one; a struct is empty if all
// its fields are left out.
func (pt *packType) isEmpty(v reflect.Value) bool {
	switch kind := v.Kind(); {
	case kind == reflect.Interface:
		if v.IsNil() {
			return true
		}
		elem, err := packTypeOf(v.Elem().Type())
		return err == nil && elem.isEmpty(v.Elem())
	case pt.zeroer:
		if (kind == reflect.Pointer || kind == reflect.Map || kind == reflect.Slice) && v.IsNil() {
			return true
		}
		if v.CanAddr() {
			v = v.Addr() // an interface holds a pointer without allocating
		}
		return v.Interface().(interface{ IsZero() bool }).IsZero()
	case kind == reflect.Struct:
		return pt.fields != nil && pt.fields.count(v) == 0
	case kind == reflect.Array || kind == reflect.Map || kind == reflect.Slice || kind == reflect.String:
		return v.Len() == 0
	case kind == reflect.Float32 || kind == reflect.Float64:
		return v.Float() == 0 // of either sign
	default:
		return v.IsZero()
	}
}
