package gobcodec

import (
	"reflect"

	"github.com/sesame-go/sesame/codec"
)

// DecodeShared implements [codec.SharedDecoder]. It keeps nothing of data. It
// tells of unknown fields by the types that a gob defines before its value, so
// also of those that are zero.
func (c gobCodec) DecodeShared(data []byte, v any) (codec.Found, error) {
	if err := c.Decode(data, v); err != nil {
		return codec.Found{}, err
	}
	types, root := definitions(data)
	w := walk{types, map[visit]bool{}}
	return codec.Found{Unknown: w.unknown(reflect.TypeOf(v).Elem(), root)}, nil
}

// definition is a type as a gob defines it, under an ID of its own.
type definition struct {
	fields    map[string]int64 // of a struct, their types
	key, elem int64            // of a map, a slice or an array
}

// definitions reads the types of a gob that has been decoded, up to its value.
func definitions(data []byte) (types map[int64]definition, root int64) {
	types = make(map[int64]definition)
	r := reader{data: data}
	for !r.bad {
		r.uint() // the message's length
		if root = r.int(); root >= 0 {
			break
		}
		types[-root] = r.definition()
	}
	return types, root
}

type visit struct {
	t  reflect.Type
	id int64
}

type walk struct {
	types map[int64]definition
	seen  map[visit]bool
}

// unknown reports whether the type that a gob calls id has a field that t does
// not have.
func (w *walk) unknown(t reflect.Type, id int64) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	def, ok := w.types[id]
	if own, err := dialect.Rule(t); !ok || own || err != nil || w.seen[visit{t, id}] {
		return false
	}
	w.seen[visit{t, id}] = true
	switch t.Kind() {
	case reflect.Struct:
		list, err := dialect.Fields(t)
		if err != nil {
			return false
		}
		known := make(map[string]reflect.Type, len(list))
		for _, f := range list {
			known[f.Key] = f.Type
		}
		for name, of := range def.fields {
			if f, ok := known[name]; !ok || w.unknown(f, of) {
				return true
			}
		}
	case reflect.Map:
		return w.unknown(t.Key(), def.key) || w.unknown(t.Elem(), def.elem)
	case reflect.Slice, reflect.Array:
		return w.unknown(t.Elem(), def.elem)
	}
	return false
}

// reader reads the basic types of a gob.
type reader struct {
	data []byte
	bad  bool // it ended too early
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.data)) {
		r.data, r.bad = nil, true
		return nil
	}
	taken := r.data[:n]
	r.data = r.data[n:]
	return taken
}

func (r *reader) uint() (n uint64) {
	for _, first := range r.take(1) {
		if first < 0x80 {
			return uint64(first)
		}
		for _, b := range r.take(uint64(-int8(first))) {
			n = n<<8 | uint64(b)
		}
	}
	return n
}

func (r *reader) int() int64 {
	n := r.uint()
	if n&1 != 0 {
		return ^int64(n >> 1)
	}
	return int64(n >> 1)
}

// strct reads a struct: f is called with the number of each field that is there,
// from 1, and reads it.
func (r *reader) strct(f func(number uint64)) {
	number := uint64(0)
	for delta := r.uint(); delta > 0 && !r.bad; delta = r.uint() {
		number += delta
		f(number)
	}
}

// Two of the fields of encoding/gob's wireType. Those for arrays and slices come
// before them, and those for types with methods of their own after them.
const (
	structType = 3
	mapType    = 4
)

// definition reads a wireType.
func (r *reader) definition() (def definition) {
	r.strct(func(kind uint64) {
		r.strct(func(number uint64) {
			switch {
			case number == 1: // its name and ID
				r.named()
			case kind == structType:
				def.fields = make(map[string]int64)
				for n := r.uint(); n > 0 && !r.bad; n-- {
					name, id := r.named()
					def.fields[name] = id
				}
			case kind == mapType && number == 2:
				def.key = r.int()
			case number == 2 || kind == mapType:
				def.elem = r.int()
			default: // the length of an array
				r.int()
			}
		})
	})
	return def
}

// named reads a name and the ID of a type.
func (r *reader) named() (name string, id int64) {
	r.strct(func(number uint64) {
		if number == 1 {
			name = string(r.take(r.uint()))
		} else {
			id = r.int()
		}
	})
	return name, id
}
