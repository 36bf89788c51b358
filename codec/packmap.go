package codec

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"sync"
)

// A map is written in the order of its keys, whatever their type: Go's own
// order is random, and a session must not look changed for it. Strings go
// first and in their natural order, which is what msgpack/v5 does where it
// sorts; other keys go by their encoding.
//
// The entries are first written as they come, straight to the packer's buffer,
// then put in order there. So keys need neither be collected nor looked up.

// mapScratch is what packing a map of one type takes, kept for the next one.
type mapScratch struct {
	iter      reflect.MapIter
	key, elem reflect.Value // addressable
	entries   []mapEntry
	sorted    []byte
}

// mapEntry is where an entry lies in the packer's buffer: the key from start to
// elem, its value from there to end.
type mapEntry struct{ start, elem, end int }

func (b packBuilder) fillMap(pt *packType) error {
	keyType, elemType := pt.typ.Key(), pt.typ.Elem()
	key, err := b.build(keyType)
	if err != nil {
		return err
	}
	elem, err := b.build(elemType)
	if err != nil {
		return err
	}
	shape := mapShapeOf(keyType, elemType)
	pool := &sync.Pool{New: func() any {
		return &mapScratch{key: reflect.New(keyType).Elem(), elem: reflect.New(elemType).Elem()}
	}}

	pt.pack = func(e *packer, v reflect.Value) error {
		if v.IsNil() {
			e.buf = append(e.buf, codeNil)
			return nil
		}
		if err := e.enter(); err != nil {
			return err
		}
		e.cost += shape.size(v.Len())
		e.buf = appendMapLen(e.buf, v.Len())
		if v.Len() > 0 {
			s := pool.Get().(*mapScratch)
			defer pool.Put(s)
			defer s.forget()
			if err := s.pack(e, v, key, elem); err != nil {
				return err
			}
		}
		e.leave()
		return nil
	}
	pt.unpack = func(d *unpacker, v reflect.Value) error {
		return unpackMap(d, v, key, elem, shape, pool)
	}
	return nil
}

func (s *mapScratch) pack(e *packer, m reflect.Value, key, elem *packType) error {
	first := len(e.buf)
	s.iter.Reset(m)
	for s.iter.Next() {
		entry := mapEntry{start: len(e.buf)}
		s.key.SetIterKey(&s.iter)
		if err := key.pack(e, s.key); err != nil {
			return err
		}
		entry.elem = len(e.buf)
		s.elem.SetIterValue(&s.iter)
		if err := elem.pack(e, s.elem); err != nil {
			return err
		}
		entry.end = len(e.buf)
		s.entries = append(s.entries, entry)
	}

	buf := e.buf
	slices.SortFunc(s.entries, func(a, b mapEntry) int {
		return compareKeys(buf[a.start:a.elem], buf[b.start:b.elem])
	})
	for i, entry := range s.entries {
		if i > 0 {
			last := s.entries[i-1]
			if bytes.Equal(buf[last.start:last.elem], buf[entry.start:entry.elem]) {
				return fmt.Errorf("codec: msgpack: two keys of a %s have the same encoding", m.Type())
			}
		}
		s.sorted = append(s.sorted, buf[entry.start:entry.end]...)
	}
	copy(buf[first:], s.sorted)
	return nil
}

// forget drops every reference to the session's data, and big buffers.
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
