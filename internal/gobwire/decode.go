package gobwire

import (
	"bytes"
	"errors"
	"math"
	"math/bits"
	"reflect"
)

// Decode reads stream, which holds one value and nothing behind it, into v,
// which is settable and zero. It follows the rules of a gob.Decoder: struct
// fields are matched by name, unknown ones skipped, pointers made on the way.
// Only a type that has changed goes unnoticed as long as no value of it is
// there.
//
// It allocates no more than 16 bytes per byte of the stream and 64 KiB. What
// the methods of opaque types allocate is not counted, nor what is made once
// in a process for each type.
func Decode(stream []byte, v reflect.Value) error {
	if len(stream) > (math.MaxInt-budgetFixed)/budgetPerByte {
		return errors.New("too large")
	}
	d := decoder{newReader(stream, budgetFixed+budgetPerByte*len(stream))}
	d.top(d.typeSequence(false), v)
	return d.end()
}

type decoder struct{ *reader }

// top decodes a value that stands alone. In front of all but structs, there
// is a zero.
func (d *decoder) top(id int32, v reflect.Value) {
	if t := d.typ(id); t.kind != structKind {
		if d.uint() != 0 {
			d.fail("no zero in front of a single value")
		}
	} else if v = d.indirect(v); v.Kind() == reflect.Struct && unrelated(t, v.Type()) {
		d.fail("%v has none of the fields", v.Type())
	}
	d.value(id, v)
}

// indirect follows the pointer v, and those it leads to, to a value, making
// what is not there.
func (d *decoder) indirect(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer && d.err == nil {
		if v.IsNil() {
			elem := v.Type().Elem()
			if d.charge(int(elem.Size())); d.err != nil {
				break
			}
			v.Set(reflect.New(elem))
		}
		v = v.Elem()
	}
	return v
}

// value decodes a value of the type id into v.
func (d *decoder) value(id int32, v reflect.Value) {
	d.enter()
	defer d.leave()
	v = d.indirect(v)
	t := d.typ(id)
	if d.err != nil {
		return
	}
	if k := opaqueKind(v.Type()); k != 0 || t.kind >= gobKind {
		if k != t.kind {
			d.mismatch(t, v)
			return
		}
		d.opaque(k, v)
		return
	}
	switch {
	case t.kind == boolKind && v.Kind() == reflect.Bool:
		v.SetBool(d.uint() != 0)
	case t.kind == intKind && v.CanInt():
		x := d.int()
		if v.OverflowInt(x) {
			d.fail("%d does not fit in %v", x, v.Type())
		}
		v.SetInt(x)
	case t.kind == uintKind && v.CanUint():
		x := d.uint()
		if v.OverflowUint(x) {
			d.fail("%d does not fit in %v", x, v.Type())
		}
		v.SetUint(x)
	case t.kind == floatKind && v.CanFloat():
		x := d.float()
		if v.OverflowFloat(x) {
			d.fail("%g does not fit in %v", x, v.Type())
		}
		v.SetFloat(x)
	case t.kind == complexKind && v.CanComplex():
		re := d.float()
		x := complex(re, d.float())
		if v.OverflowComplex(x) {
			d.fail("%g does not fit in %v", x, v.Type())
		}
		v.SetComplex(x)
	case t.kind == stringKind && v.Kind() == reflect.String:
		b := d.bytes()
		if d.charge(len(b)); d.err == nil {
			v.SetString(string(b))
		}
	case t.kind == bytesKind && v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		b := d.bytes()
		if d.charge(len(b)); d.err == nil && len(b) > 0 {
			v.SetBytes(bytes.Clone(b))
		}
	case t.kind == arrayKind && v.Kind() == reflect.Array:
		if n := d.count(); n != t.len || n != v.Len() {
			d.fail("array of %d elements for %v", n, v.Type())
			return
		}
		d.elements(t.elem, v)
	case t.kind == sliceKind && v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		d.slice(t, v)
	case t.kind == mapKind && v.Kind() == reflect.Map:
		d.mapping(t, v)
	case t.kind == structKind && v.Kind() == reflect.Struct:
		d.structure(t, v)
	case t.kind == interfaceKind && v.Kind() == reflect.Interface:
		d.iface(v)
	default:
		d.mismatch(t, v)
	}
}

func (d *decoder) mismatch(t *wireType, v reflect.Value) {
	d.fail("%v in the data, %v in the program", t.kind, v.Type())
}

// float reads a floating point number. Its bytes are sent in reverse, as the
// low ones are zero most of the time.
func (d *decoder) float() float64 {
	return math.Float64frombits(bits.ReverseBytes64(d.uint()))
}

func (d *decoder) structure(t *wireType, v reflect.Value) {
	known := fieldsOf(v.Type())
	for f := d.nextField(-1, len(t.fields)); f >= 0; f = d.nextField(f, len(t.fields)) {
		if index, ok := known[string(t.fields[f].name)]; ok {
			d.value(t.fields[f].id, v.FieldByIndex(index))
		} else {
			d.skip(t.fields[f].id)
		}
	}
}

func (d *decoder) slice(t *wireType, v reflect.Value) {
	n := d.count()
	if n == 0 {
		return
	}
	d.charge(24) // reflect.MakeSlice allocates the header too
	d.chargeMany(n, v.Type().Elem().Size())
	if d.err != nil {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	d.elements(t.elem, v)
}

func (d *decoder) elements(id int32, v reflect.Value) {
	for i := 0; i < v.Len() && d.err == nil; i++ {
		d.value(id, v.Index(i))
	}
}

// mapping decodes a map. The variables for key and element are used for all
// its entries.
func (d *decoder) mapping(t *wireType, v reflect.Value) {
	n := d.count()
	mt := v.Type()
	d.chargeMap(n, int(mt.Key().Size()), int(mt.Elem().Size()))
	if d.err != nil {
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeMapWithSize(mt, n))
	}
	if n == 0 {
		return
	}
	key, elem := reflect.New(mt.Key()).Elem(), reflect.New(mt.Elem()).Elem()
	doubtful := mayNotCompare(mt.Key())
	if doubtful {
		d.chargeMany(n, 32) // reflect.Value.Comparable allocates
	}
	for range n {
		d.value(t.key, key)
		d.value(t.elem, elem)
		if d.err != nil {
			return
		}
		if doubtful && !key.Comparable() {
			d.fail("map key that cannot be compared")
			return
		}
		v.SetMapIndex(key, elem)
		key.SetZero()
		elem.SetZero()
	}
}

// iface decodes an interface value into v. The value is made twice: where it
// is decoded, and where the interface holds it.
func (d *decoder) iface(v reflect.Value) {
	dyn := d.openInterface()
	if len(dyn.name) == 0 || d.err != nil {
		return
	}
	t, err := d.registered(dyn)
	if err != nil {
		d.fail("%w", err)
		return
	}
	if !t.AssignableTo(v.Type()) {
		d.fail("%v in the data, %v in the program", t, v.Type())
	}
	d.chargeMany(2, t.Size())
	if d.err != nil {
		return
	}
	elem := reflect.New(t).Elem()
	d.top(dyn.id, elem)
	d.closeInterface(dyn)
	v.Set(elem)
}

// chargeMany pays for n values of the given size.
func (d *decoder) chargeMany(n int, size uintptr) {
	if n > 0 && size > uintptr(d.budget/n) {
		d.charge(math.MaxInt)
		return
	}
	d.charge(n * int(size))
}

// chargeMap pays for a map with room for n entries. Maps consist of groups of
// eight slots, a power of two of them, of which they fill seven eighths. Large
// ones consist of tables, and when these are nearly full, some overflow and
// are replaced by two.
func (d *decoder) chargeMap(n, key, elem int) {
	d.charge(48 + 24) // the map and its table
	if n == 0 {
		return
	}
	d.charge(key)
	d.charge(elem)
	const inline = 128 // larger keys and elements are allocated apart
	for _, p := range []*int{&key, &elem} {
		if *p > inline {
			d.chargeMany(n, uintptr(*p+16))
			*p = 8
		}
	}
	slots := 8
	for slots*7/8 < n && n > 8 {
		slots *= 2
	}
	if slots > 1024 && n > slots*3/4 {
		slots *= 3
	}
	d.chargeMany(slots, uintptr((key+elem+7)&^7+1))
}
