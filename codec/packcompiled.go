package codec

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
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
		m := newCompiledMap(mt, &stringKeys, sortStrings[V])
		pt.pack, pt.unpack = m.pack, func(d *unpacker, p unsafe.Pointer) error { return unpackStringMap(m, d, p) }
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint64, reflect.Uintptr:
		if key.Size() != 8 {
			return
		}
		keys := &unsignedKeys
		if key.Kind() == reflect.Int || key.Kind() == reflect.Int64 {
			keys = &signedKeys
		}
		m := newCompiledMap(mt, keys, func(entries []compiledEntry[uint64, V]) int {
			slices.SortFunc(entries, func(a, b compiledEntry[uint64, V]) int { return keys.compare(a.key, b.key) })
			return 0
		})
		pt.pack, pt.unpack = m.pack, func(d *unpacker, p unsafe.Pointer) error { return unpackIntMap(m, d, p) }
	}
}

// compiledMap is a map whose keys are in memory what a K is, and its elements
// what a V is.
type compiledMap[K comparable, V any] struct {
	*packMap // whose scratch are *compiledScratch[K, V]
	keys     *keyKind[K]
	sort     func([]compiledEntry[K, V]) (first int) // see sortStrings
}

func newCompiledMap[K comparable, V any](mt *packMap, keys *keyKind[K], sort func([]compiledEntry[K, V]) int) *compiledMap[K, V] {
	mt.scratch.New = func() any { return new(compiledScratch[K, V]) }
	return &compiledMap[K, V]{mt, keys, sort}
}

// compiledScratch is what packing a map takes, kept for the next one.
type compiledScratch[K comparable, V any] struct {
	entries []compiledEntry[K, V]
	ahead   reader // of the guide
}

type compiledEntry[K comparable, V any] struct {
	key  K
	elem V
	at   int // where the guide has elem, negative if it has not
}

// forget drops every reference to the session's data, and what is big.
func (s *compiledScratch[K, V]) forget() {
	const many = 1024
	if cap(s.entries) > many {
		s.entries = nil
	}
	clear(s.entries)
	s.entries = s.entries[:0]
}

// fewKeys is up to how many keys are sorted even with a guide: they are often
// in order, see sortStrings.
const fewKeys = 8

func (mt *compiledMap[K, V]) pack(e *packer, p unsafe.Pointer) error {
	m := *(*map[K]V)(p)
	if m == nil {
		e.buf = append(e.buf, codeNil)
		return nil
	}
	s := mt.scratch.Get().(*compiledScratch[K, V])
	guided, at, keys := 0, 0, 0
	switch {
	case len(e.like) == 0:
	case len(m) > fewKeys:
		s.ahead, guided = e.ahead(kindMap)
	case mt.elem.guided:
		at, keys = e.keysAhead()
	}
	if err := mt.begin(e, len(m)); err != nil {
		return err
	}
	first := 0
	if guided > 0 {
		s.follow(e, m, guided, mt.keys)
		s.ahead = reader{}
	} else {
		for key, elem := range m {
			s.entries = append(s.entries, compiledEntry[K, V]{key: key, elem: elem})
		}
		first = mt.sort(s.entries)
	}
	for i := range s.entries {
		if i += first; i >= len(s.entries) {
			i -= len(s.entries)
		}
		entry, start := &s.entries[i], len(e.buf)
		if err := mt.key.pack(e, unsafe.Pointer(&entry.key)); err != nil {
			return err
		}
		if guided > 0 {
			e.expect(entry.at)
		} else if keys > 0 {
			at = e.seek(start, at, keys)
		}
		if err := mt.elem.pack(e, unsafe.Pointer(&entry.elem)); err != nil {
			return err
		}
	}
	e.leave()
	s.forget()
	mt.scratch.Put(s)
	return nil
}

// sortStrings puts entries in order, beginning with the one that it returns and
// going round. Go walks a small map as it was filled, from a random entry on: if
// that was in order, as decoding does it, the entries are in order but for where
// they begin, and need not be moved.
func sortStrings[V any](entries []compiledEntry[string, V]) (first int) {
	descents := 0
	for i := 1; i < len(entries); i++ {
		if entries[i].key < entries[i-1].key {
			first, descents = i, descents+1
		}
	}
	if descents == 0 || descents == 1 && entries[len(entries)-1].key < entries[0].key {
		return first
	}
	slices.SortFunc(entries, func(a, b compiledEntry[string, V]) int { return strings.Compare(a.key, b.key) })
	return 0
}

func unpackStringMap[V any](mt *compiledMap[string, V], d *unpacker, p unsafe.Pointer) error {
	n, err := mt.head(d, p)
	if err != nil || n < 0 {
		return err
	}
	m := make(map[string]V, n)
	*(*map[string]V)(p) = m
	s := mt.scratch.Get().(*compiledScratch[string, V])
	s.entries = append(s.entries, compiledEntry[string, V]{})
	entry := &s.entries[0]
	for i := range n {
		last := entry.key
		*entry = compiledEntry[string, V]{}
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
	s.forget()
	mt.scratch.Put(s)
	return nil
}

func unpackIntMap[V any](mt *compiledMap[uint64, V], d *unpacker, p unsafe.Pointer) error {
	n, err := mt.head(d, p)
	if err != nil || n < 0 {
		return err
	}
	m := make(map[uint64]V, n)
	*(*map[uint64]V)(p) = m
	s := mt.scratch.Get().(*compiledScratch[uint64, V])
	s.entries = append(s.entries, compiledEntry[uint64, V]{})
	entry := &s.entries[0]
	for i := range n {
		last := entry.key
		*entry = compiledEntry[uint64, V]{}
		if err := mt.key.unpack(d, unsafe.Pointer(&entry.key)); err != nil {
			return err
		}
		d.loosen(i == 0 || mt.keys.compare(last, entry.key) < 0)
		if err := mt.elem.unpack(d, unsafe.Pointer(&entry.elem)); err != nil {
			return err
		}
		m[entry.key] = entry.elem
	}
	d.leave()
	s.forget()
	mt.scratch.Put(s)
	return nil
}

// keyKind is what must be known of keys besides how they are written.
type keyKind[K any] struct {
	read    func(*reader) (key K, ok bool) // from a guide
	compare func(a, b K) int               // in the order in which they are written
}

var (
	stringKeys   = keyKind[string]{(*reader).stringKey, strings.Compare}
	unsignedKeys = keyKind[uint64]{(*reader).intKey, cmp.Compare[uint64]}
	signedKeys   = keyKind[uint64]{(*reader).intKey, compareSigned}
)

func (r *reader) stringKey() (key string, ok bool) {
	if key, ok = r.shortString(); ok {
		return key, true
	}
	h, err := r.head()
	if err != nil || h.kind != kindStr {
		return "", false
	}
	return r.str(h.n), true
}

func (r *reader) intKey() (key uint64, ok bool) {
	h, err := r.head()
	return h.num, err == nil && (h.kind == kindInt || h.kind == kindUint)
}

// compareSigned orders integers by their encoding: those that are not negative,
// then those that take 2, 3, 5 and 9 bytes, then those that take one.
func compareSigned(a, b uint64) int {
	return cmp.Or(cmp.Compare(rankSigned(int64(a)), rankSigned(int64(b))), cmp.Compare(a, b))
}

func rankSigned(n int64) int {
	switch {
	case n >= 0:
		return 0
	case n >= -32:
		return 10
	default:
		return intLen(n)
	}
}
