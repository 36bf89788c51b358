package codec

import (
	"reflect"
	"time"
	"unsafe"
)

// The maps that sessions have are most often from strings or integers to
// something simple. For these the compiler makes the code, which is several
// times as fast as reflection. To a map, keys and elements are so many bytes, of
// which some are pointers; so a few types stand for all.

// compileMap gives a map functions of its own if its key, which has no methods
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
