package codec

import (
	"fmt"
	"reflect"
	"sync"
	"time"
	"unsafe"
)

// packType writes and reads values of one type. It is built once for each type.
type packType struct {
	typ    reflect.Type
	size   uintptr
	pack   func(*packer, unsafe.Pointer) error   // the value of typ at the pointer
	unpack func(*unpacker, unsafe.Pointer) error // into a zero value
	zeroer bool                                  // has IsZero() bool
	fields *packFields                           // if the type is a struct that is written field by field
	guided bool                                  // may have large maps, see guide
}

// at is the value at a pointer, for what only reflection can do.
func (pt *packType) at(p unsafe.Pointer) reflect.Value { return reflect.NewAt(pt.typ, p).Elem() }

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

// lastType remembers the type that was used last, because most programs have one
// session type.
type lastType struct {
	pointer reflect.Type
	to      *packType
}

// find returns the packType of what pointers of type t point to.
func (l *lastType) find(t reflect.Type) (_ *packType, err error) {
	if l.pointer != t {
		l.pointer = nil
		if l.to, err = packTypeOf(t.Elem()); err != nil {
			return nil, err
		}
		l.pointer = t
	}
	return l.to, nil
}

// packBuilder holds the types under construction. A type that contains itself is
// found there; none is published before all are complete.
type packBuilder map[reflect.Type]*packType

func (b packBuilder) build(t reflect.Type) (*packType, error) {
	if known, ok := packTypes.Load(t); ok {
		return known.(*packType), nil
	}
	if pt := b[t]; pt != nil {
		return pt, nil
	}
	pt := &packType{typ: t, size: t.Size(), zeroer: t.Implements(zeroerType)}
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
		pt.pack = func(e *packer, p unsafe.Pointer) error { return methods.pack(e, pt.at(p)) }
		pt.unpack = func(d *unpacker, p unsafe.Pointer) error { return methods.unpack(d, pt.at(p)) }
		return nil
	}

	switch pt.typ.Kind() {
	case reflect.Bool:
		pt.pack, pt.unpack = packBool, unpackBool
	case reflect.Int:
		fillInt[int](pt)
	case reflect.Int8:
		fillInt[int8](pt)
	case reflect.Int16:
		fillInt[int16](pt)
	case reflect.Int32:
		fillInt[int32](pt)
	case reflect.Int64:
		fillInt[int64](pt)
	case reflect.Uint:
		fillUint[uint](pt)
	case reflect.Uint8:
		fillUint[uint8](pt)
	case reflect.Uint16:
		fillUint[uint16](pt)
	case reflect.Uint32:
		fillUint[uint32](pt)
	case reflect.Uint64:
		fillUint[uint64](pt)
	case reflect.Uintptr:
		fillUint[uintptr](pt)
	case reflect.Float32:
		pt.pack, pt.unpack = packFloat32, unpackFloat[float32]
	case reflect.Float64:
		pt.pack, pt.unpack = packFloat64, unpackFloat[float64]
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
		pt.pack, pt.unpack, pt.guided = packAny, unpackAny, true
	default:
		return fmt.Errorf("codec: msgpack cannot carry %s", pt.typ)
	}
	return nil
}

func fillInt[N int | int8 | int16 | int32 | int64](pt *packType) {
	pt.pack, pt.unpack = packInt[N], unpackInt[N]
}

func fillUint[N uint | uint8 | uint16 | uint32 | uint64 | uintptr](pt *packType) {
	pt.pack, pt.unpack = packUint[N], unpackUint[N]
}

func (b packBuilder) fillSlice(pt *packType) error {
	if pt.typ.Elem().Kind() == reflect.Uint8 {
		pt.pack, pt.unpack = packBytes, unpackBytes
		return nil
	}
	elem, err := b.build(pt.typ.Elem())
	pt.guided = elem.guided
	pt.pack = func(e *packer, p unsafe.Pointer) error { return packSlice(e, p, elem) }
	pt.unpack = func(d *unpacker, p unsafe.Pointer) error { return unpackSlice(d, p, pt, elem) }
	return err
}

func (b packBuilder) fillArray(pt *packType) error {
	n := pt.typ.Len()
	if pt.typ.Elem().Kind() == reflect.Uint8 {
		pt.pack = func(e *packer, p unsafe.Pointer) error {
			e.buf = append(appendBinLen(e.buf, n), unsafe.Slice((*byte)(p), n)...)
			return nil
		}
		pt.unpack = func(d *unpacker, p unsafe.Pointer) error {
			return unpackByteArray(d, unsafe.Slice((*byte)(p), n))
		}
		return nil
	}
	elem, err := b.build(pt.typ.Elem())
	pt.guided = elem.guided
	pt.pack = func(e *packer, p unsafe.Pointer) error { return packElems(e, p, n, elem) }
	pt.unpack = func(d *unpacker, p unsafe.Pointer) error { return unpackArray(d, p, pt, elem) }
	return err
}

func (b packBuilder) fillPointer(pt *packType) error {
	elem, err := b.build(pt.typ.Elem())
	pt.guided = elem.guided
	pt.pack = func(e *packer, p unsafe.Pointer) error { return packPointer(e, p, elem) }
	pt.unpack = func(d *unpacker, p unsafe.Pointer) error { return unpackPointer(d, p, elem) }
	return err
}

// isEmptyAt reports whether the option omitempty leaves out the value at p,
// which is nested in depth others. The rules are those of msgpack/v5: IsZero
// decides if there is one; a struct is empty if all its fields are left out.
func (pt *packType) isEmptyAt(p unsafe.Pointer, depth int) bool { return pt.isEmpty(pt.at(p), depth) }

func (pt *packType) isEmpty(v reflect.Value, depth int) bool {
	switch kind := v.Kind(); {
	case kind == reflect.Interface:
		if v.IsNil() {
			return true
		}
		if depth > maxDepth { // it is going to be refused
			return false
		}
		elem, err := packTypeOf(v.Elem().Type())
		return err == nil && elem.isEmpty(v.Elem(), depth+1)
	case pt.zeroer:
		if (kind == reflect.Pointer || kind == reflect.Map || kind == reflect.Slice) && v.IsNil() {
			return true
		}
		if v.CanAddr() && kind != reflect.Pointer {
			v = v.Addr() // an interface holds a pointer without allocating
		}
		return v.Interface().(interface{ IsZero() bool }).IsZero()
	case kind == reflect.Struct:
		return pt.fields != nil && pt.fields.count(pointerTo(v), depth) == 0
	case kind == reflect.Array || kind == reflect.Map || kind == reflect.Slice || kind == reflect.String:
		return v.Len() == 0
	case kind == reflect.Float32 || kind == reflect.Float64:
		return v.Float() == 0 // of either sign
	default:
		return v.IsZero()
	}
}

// pointerTo returns a pointer to v, or to a copy of it if v has no address.
func pointerTo(v reflect.Value) unsafe.Pointer {
	if v.CanAddr() {
		return v.Addr().UnsafePointer()
	}
	return copied(v)
}

// copied returns a pointer to a copy of v, for values that have no address.
func copied(v reflect.Value) unsafe.Pointer {
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return p.UnsafePointer()
}
