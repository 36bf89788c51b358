package codec

import (
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

// The maps that sessions have are maps of strings to something simple. For
// these the compiler makes the code, which is several times as fast as
// reflection. A map of named types is in memory what a map of their underlying
// types is.

// fillStringMap gives a map of strings its own functions, if its elements are
// of one of the common kinds.
func fillStringMap(pt *packType, mt *packMap) {
	switch mt.elem.typ.Kind() {
	case reflect.String:
		useStringMap[string](pt, mt)
	case reflect.Bool:
		useStringMap[bool](pt, mt)
	case reflect.Int:
		useStringMap[int](pt, mt)
	case reflect.Int64:
		useStringMap[int64](pt, mt)
	case reflect.Float64:
		useStringMap[float64](pt, mt)
	case reflect.Interface:
		useStringMap[any](pt, mt)
	}
}

func useStringMap[V any](pt *packType, mt *packMap) {
	m := (*stringMap[V])(mt)
	m.scratch.New = func() any { return new([]stringEntry[V]) }
	pt.pack, pt.unpack = m.pack, m.unpack
}

type stringMap[V any] packMap

type stringEntry[V any] struct {
	key  string
	elem V
}

func (mt *stringMap[V]) pack(e *packer, p unsafe.Pointer) error {
	m := *(*map[string]V)(p)
	if m == nil {
		e.buf = append(e.buf, codeNil)
		return nil
	}
	if err := (*packMap)(mt).begin(e, len(m)); err != nil {
		return err
	}
	scratch := mt.scratch.Get().(*[]stringEntry[V])
	entries := *scratch
	for k, v := range m {
		entries = append(entries, stringEntry[V]{k, v})
	}
	first := sortEntries(entries)
	for i := range entries {
		if i += first; i >= len(entries) {
			i -= len(entries)
		}
		entry := &entries[i]
		e.str(entry.key)
		if err := mt.elem.pack(e, unsafe.Pointer(&entry.elem)); err != nil {
			return err
		}
	}
	e.leave()
	mt.put(scratch, entries)
	return nil
}

// sortEntries puts entries in order, beginning with the one that it returns and
// going round. Go walks a small map as it was filled, from a random entry on: if
// that was in order, as decoding does it, the entries are in order but for where
// they begin, and need not be moved.
func sortEntries[V any](entries []stringEntry[V]) (first int) {
	descents := 0
	for i := 1; i < len(entries); i++ {
		if entries[i].key < entries[i-1].key {
			first, descents = i, descents+1
		}
	}
	if descents == 0 || descents == 1 && entries[len(entries)-1].key < entries[0].key {
		return first
	}
	slices.SortFunc(entries, func(a, b stringEntry[V]) int { return strings.Compare(a.key, b.key) })
	return 0
}

func (mt *stringMap[V]) unpack(d *unpacker, p unsafe.Pointer) error {
	n, err := (*packMap)(mt).head(d, p)
	if err != nil || n < 0 {
		return err
	}
	m := make(map[string]V, n)
	*(*map[string]V)(p) = m
	scratch := mt.scratch.Get().(*[]stringEntry[V])
	entries := append(*scratch, stringEntry[V]{})
	entry := &entries[0]
	for i := range n {
		last := entry.key
		*entry = stringEntry[V]{}
		if err := unpackString(d, unsafe.Pointer(&entry.key)); err != nil {
			return err
		}
		d.loosen(i == 0 || last < entry.key)
		if err := mt.elem.unpack(d, unsafe.Pointer(&entry.elem)); err != nil {
			return err
		}
		m[entry.key] = entry.elem
	}
	d.leave()
	mt.put(scratch, entries)
	return nil
}

// put keeps the room for the next map, and nothing of what was in it.
func (mt *stringMap[V]) put(scratch *[]stringEntry[V], entries []stringEntry[V]) {
	const many = 1024
	if cap(entries) > many {
		return
	}
	clear(entries)
	*scratch = entries[:0]
	mt.scratch.Put(scratch)
}
