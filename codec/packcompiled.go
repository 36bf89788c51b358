package codec

import (
	"reflect"
	"time"
	"unsafe"
)

// Most maps in sessions have strings or integers for keys and simple elements. For
// these there is compiled code, which is several times as fast as reflection. A map
// cares only for the size of its elements and where they have pointers, so that a
// few types stand for all.

// compileMap chooses compiled functions for a map if its key, which has no methods
// for encoding, and its elements are of the common kinds.
func compileMap(pt *packType, mt *packMap) {
	switch elem := mt.elem.typ; elem.Kind() {
	case reflect.String:
		compileKeys[string](pt, mt)
	case reflect.Interface:
		compileKeys[any](pt, mt)
	case reflect.Slice:
		compileKeys[[]byte](pt, mt)
	case reflect.Map, reflect.Pointer:
		compileKeys[unsafe.Pointer](pt, mt)
	case reflect.Bool, reflect.Int8, reflect.Uint8:
		compileKeys[uint8](pt, mt)
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint64, reflect.Uintptr, reflect.Float64:
		if elem.Size() == 8 {
			compileKeys[uint64](pt, mt)
		}
	case reflect.Struct:
		if elem == timeType {
			compileKeys[time.Time](pt, mt)
		}
	}
}

func compileKeys[V any](pt *packType, mt *packMap) {
	switch key := mt.key.typ; key.Kind() {
	case reflect.String:
		m := (*stringMap[V])(mt)
		m.scratch.New = func() any { return new(stringScratch[V]) }
		pt.pack, pt.unpack = m.pack, m.unpack
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint64, reflect.Uintptr:
		if key.Size() != 8 {
			return
		}
		m := &intMap[V]{mt, &unsignedKeys}
		if key.Kind() == reflect.Int || key.Kind() == reflect.Int64 {
			m.keys = &signedKeys
		}
		m.scratch.New = func() any { return new(follower[uint64, V]) }
		pt.pack, pt.unpack = m.pack, m.unpack
	}
}
