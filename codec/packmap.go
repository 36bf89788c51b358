package codec

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"unsafe"

	"github.com/sesame-go/sesame/internal/misfit"
)

// A map is written in the order of its keys, whatever their type, because Go's own
// order is random and would make a session look changed. Strings come first, in
// their natural order, as msgpack/v5 sorts them; other keys are ordered by their
// encoding.

func (b packBuilder) fillMap(pt *packType) error {
	key, err := b.build(pt.typ.Key())
	if err != nil {
		return err
	}
	elem, err := b.build(pt.typ.Elem())
	if err != nil {
		return err
	}
	mt := &packMap{typ: pt.typ, key: key, elem: elem, shape: mapShapeOf(key.typ, elem.typ)}
	mt.scratch.New = func() any {
		return &mapScratch{key: reflect.New(key.typ).Elem(), elem: reflect.New(elem.typ).Elem()}
	}
	pt.pack, pt.unpack, pt.guided = mt.pack, mt.unpack, true
	methods, err := ownMethodsOf(key.typ)
	if methods == nil {
		compileMap(pt, mt)
	}
	return err
}

// packMap writes and reads maps of one type.
type packMap struct {
	typ       reflect.Type
	key, elem *packType
	shape     mapShape
	scratch   sync.Pool // of *mapScratch, or of what else is kept for the next map
}

// begin writes the head of a map.
func (mt *packMap) begin(e *packer, n int) error {
	e.cost += mt.shape.size(n)
	e.buf = appendMapLen(e.buf, n)
	return e.enter()
}

// head reads the head of the map that is to be at p. The length of a nil one is
// negative.
func (mt *packMap) head(d *unpacker, p unsafe.Pointer) (n int, err error) {
	h, err := d.head()
	switch {
	case err != nil:
		return 0, err
	case h.kind == kindNil:
		*(*unsafe.Pointer)(p) = nil
		return -1, nil
	case h.kind != kindMap:
		return 0, misfit.New(h.String(), mt.typ)
	}
	if err := d.enter(); err != nil {
		return 0, err
	}
	return h.n, d.charge(mt.shape.size(h.n))
}

// mapScratch is the scratch space for packing a map by reflection.
type mapScratch struct {
	iter      reflect.MapIter
	key, elem reflect.Value // addressable
	entries   []mapEntry
	sorted    []byte
}

// mapEntry is where an entry lies in the packer's buffer: the key from start to
// elem, its value from there to end.
type mapEntry struct{ start, elem, end int }

// pack writes the entries to the packer's buffer as they come, then sorts them
// there, so that keys need neither be collected nor looked up. It has no use for
// a guide, since looking up a key by reflection allocates.
func (mt *packMap) pack(e *packer, p unsafe.Pointer) error {
	m := reflect.NewAt(mt.typ, p).Elem()
	if m.IsNil() {
		e.buf = append(e.buf, codeNil)
		return nil
	}
	if err := mt.begin(e, m.Len()); err != nil {
		return err
	}
	s := mt.scratch.Get().(*mapScratch)
	defer mt.scratch.Put(s)
	defer s.forget()
	keyAt, elemAt := s.key.Addr().UnsafePointer(), s.elem.Addr().UnsafePointer()
	first, like := len(e.buf), e.like
	e.like = nil
	s.iter.Reset(m)
	for s.iter.Next() {
		entry := mapEntry{start: len(e.buf)}
		s.key.SetIterKey(&s.iter)
		if err := mt.packKey(e, keyAt); err != nil {
			return err
		}
		entry.elem = len(e.buf)
		s.elem.SetIterValue(&s.iter)
		if err := mt.elem.pack(e, elemAt); err != nil {
			return err
		}
		entry.end = len(e.buf)
		s.entries = append(s.entries, entry)
	}
	e.like = like
	e.leave()
	return s.sort(e.buf, first, mt.typ)
}

func (mt *packMap) packKey(e *packer, p unsafe.Pointer) error {
	outer := e.key
	e.key = true
	err := mt.key.pack(e, p)
	e.key = outer
	return err
}

func (mt *packMap) unpackKey(d *unpacker, p unsafe.Pointer) error {
	outer := d.key
	d.key = true
	err := mt.key.unpack(d, p)
	d.key = outer
	return err
}

func (s *mapScratch) sort(buf []byte, first int, t reflect.Type) error {
	slices.SortFunc(s.entries, func(a, b mapEntry) int {
		return compareKeys(buf[a.start:a.elem], buf[b.start:b.elem])
	})
	for i, entry := range s.entries {
		if i > 0 {
			last := s.entries[i-1]
			if bytes.Equal(buf[last.start:last.elem], buf[entry.start:entry.elem]) {
				return fmt.Errorf("codec: msgpack: two keys of a %s have the same encoding", t)
			}
		}
		s.sorted = append(s.sorted, buf[entry.start:entry.end]...)
	}
	copy(buf[first:], s.sorted)
	return nil
}

func (mt *packMap) unpack(d *unpacker, p unsafe.Pointer) error {
	n, err := mt.head(d, p)
	if err != nil || n < 0 {
		return err
	}
	m := reflect.MakeMapWithSize(mt.typ, n)
	reflect.NewAt(mt.typ, p).Elem().Set(m)
	s := mt.scratch.Get().(*mapScratch)
	defer mt.scratch.Put(s)
	defer s.forget()
	keyAt, elemAt := s.key.Addr().UnsafePointer(), s.elem.Addr().UnsafePointer()
	var last []byte
	for range n {
		start := d.pos
		s.key.SetZero()
		if err := mt.unpackKey(d, keyAt); err != nil {
			return mt.key.failedAt(err, misfit.Key)
		}
		last = d.ascends(last, d.data[start:d.pos])
		s.elem.SetZero()
		if err := mt.elem.unpack(d, elemAt); err != nil {
			return mt.elem.failedAt(err, misfit.Entry)
		}
		m.SetMapIndex(s.key, s.elem)
	}
	d.loosen(m.Len() == n) // 0.0 and -0.0 are written otherwise, but one key
	d.leave()
	return nil
}

// ascends notes whether a map's key comes after the last one, which is nil at
// first. It returns key, which is last in the next call.
func (r *reader) ascends(last, key []byte) []byte {
	r.loosen(last == nil || compareKeys(last, key) < 0)
	return key
}

// forget drops all references to the session's data, and large buffers.
func (s *mapScratch) forget() {
	s.iter.Reset(reflect.Value{})
	s.key.SetZero()
	s.elem.SetZero()
	clear(s.sorted)
	s.entries, s.sorted = s.entries[:0], s.sorted[:0]
	if cap(s.sorted) > 64<<10 {
		s.entries, s.sorted = nil, nil
	}
}

// compareKeys orders encoded keys: strings first and by their content, all
// else by its encoding.
func compareKeys(a, b []byte) int {
	as, aIsStr := stringContent(a)
	bs, bIsStr := stringContent(b)
	switch {
	case aIsStr && bIsStr:
		return bytes.Compare(as, bs)
	case aIsStr:
		return -1
	case bIsStr:
		return 1
	default:
		return bytes.Compare(a, b)
	}
}

func stringContent(b []byte) ([]byte, bool) {
	switch c := b[0]; {
	case c&0xe0 == codeFixStr:
		return b[1:], true
	case c == codeStr8:
		return b[2:], true
	case c == codeStr16:
		return b[3:], true
	case c == codeStr32:
		return b[5:], true
	default:
		return nil, false
	}
}
