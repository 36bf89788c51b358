package gobwire

import (
	"encoding"
	"encoding/gob"
	"fmt"
	"reflect"
	"sync"
)

var (
	gobDecoder        = reflect.TypeFor[gob.GobDecoder]()
	binaryUnmarshaler = reflect.TypeFor[encoding.BinaryUnmarshaler]()
)

// structs has what is known about struct types: by reflect.Type, the exported
// fields by their names, as map[string][]int.
var structs sync.Map

// fieldsOf returns the exported fields of the struct type t, the promoted ones
// included, but for those behind a pointer.
func fieldsOf(t reflect.Type) map[string][]int {
	if f, ok := structs.Load(t); ok {
		return f.(map[string][]int)
	}
	fields := make(map[string][]int)
	for _, f := range reflect.VisibleFields(t) {
		if f.IsExported() && !behindPointer(t, f.Index) {
			fields[f.Name] = f.Index
		}
	}
	f, _ := structs.LoadOrStore(t, fields)
	return f.(map[string][]int)
}

func behindPointer(t reflect.Type, index []int) bool {
	for _, i := range index[:len(index)-1] {
		if t = t.Field(i).Type; t.Kind() == reflect.Pointer {
			return true
		}
	}
	return false
}

// unrelated reports whether a struct of the stream shares none of its fields
// with t, though both have some.
func unrelated(wire *wireType, t reflect.Type) bool {
	if len(wire.fields) == 0 || t.NumField() == 0 || opaqueKind(t) != 0 {
		return false
	}
	known := fieldsOf(t)
	for _, f := range wire.fields {
		if _, ok := known[string(f.name)]; ok {
			return false
		}
	}
	return true
}

// doubtfuls has the answers of mayNotCompare for structs.
var doubtfuls sync.Map // map[reflect.Type]bool

// mayNotCompare reports whether there are values of the type t, one of map
// keys, that cannot be compared: those with a slice in an interface. It may be
// in an unexported field, where a method has put it.
func mayNotCompare(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Array:
		return mayNotCompare(t.Elem())
	case reflect.Struct:
	default:
		return false
	}
	if d, ok := doubtfuls.Load(t); ok {
		return d.(bool)
	}
	d := false
	for f := range t.Fields() {
		d = d || mayNotCompare(f.Type)
	}
	doubtfuls.Store(t, d)
	return d
}

// opaqueKinds has the opaqueKind of types that may have methods.
var opaqueKinds sync.Map

// opaqueKind returns gobKind or binaryKind if values of type t are decoded by
// a method, and zero otherwise.
func opaqueKind(t reflect.Type) kind {
	if t.PkgPath() == "" && t.Kind() != reflect.Struct {
		return 0 // neither a name nor embedded fields, so no methods
	}
	if k, ok := opaqueKinds.Load(t); ok {
		return k.(kind)
	}
	var k kind
	switch p := reflect.PointerTo(t); {
	case p.Implements(gobDecoder):
		k = gobKind
	case p.Implements(binaryUnmarshaler):
		k = binaryKind
	}
	opaqueKinds.Store(t, k)
	return k
}

// opaque hands bytes to the method that decodes v. It gets a copy: it must
// not keep its argument, but might.
func (d *decoder) opaque(k kind, v reflect.Value) {
	b := d.bytes()
	// A method may well allocate something even for a single byte, and often
	// makes a value of its own first. Those of time.Time, big.Int and url.URL
	// make do with this.
	d.charge(32 + 8*len(b))
	d.charge(int(v.Type().Size()))
	if d.err != nil {
		return
	}
	b = append([]byte(nil), b...)
	// The method is not ours, and its bytes may be hostile.
	defer func() {
		if p := recover(); p != nil {
			d.fail("%v panics: %v", v.Type(), p)
		}
	}()
	var err error
	if k == gobKind {
		err = v.Addr().Interface().(gob.GobDecoder).GobDecode(b)
	} else {
		err = v.Addr().Interface().(encoding.BinaryUnmarshaler).UnmarshalBinary(b)
	}
	if err != nil {
		d.fail("%v: %w", v.Type(), err)
	}
}

func (k kind) String() string {
	names := [...]string{
		boolKind: "bool", intKind: "int", uintKind: "uint", floatKind: "float",
		bytesKind: "bytes", stringKind: "string", complexKind: "complex",
		interfaceKind: "interface", arrayKind: "array", sliceKind: "slice",
		structKind: "struct", mapKind: "map", gobKind: "GobEncoder",
		binaryKind: "BinaryMarshaler", textKind: "TextMarshaler",
	}
	if int(k) < len(names) && names[k] != "" {
		return names[k]
	}
	return fmt.Sprintf("kind %d", k)
}
