package codec

import (
	"bytes"
	"math"
	"reflect"
	"time"
	"unsafe"
)

// Compare implements [Comparer].
func (msgPack) Compare(data []byte, v any) (equal, certain bool) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return false, false
	}
	t, err := packTypeOf(p.Type().Elem())
	if err != nil {
		return false, false
	}
	c := comparers.Get().(*comparer)
	*c = comparer{reader: reader{data: data}, same: true}
	certain = t.compare(c, p.UnsafePointer()) && c.pos == len(data)
	equal = certain && c.same
	*c = comparer{}
	comparers.Put(c)
	return equal, certain
}

// comparer reads over data and compares it with a value on the way. To a
// request that only reads its session that is what encoding is to one that
// changes it, but nothing has to be sorted or written.
//
// The compare functions report whether the data is exact, which is what pack
// writes for what unpack makes of it: shortest forms, all fields, in order. In
// doubt it is not. A value that is not the same clears same. Where there is no
// value to compare with, because the value's slice is shorter for instance, the
// pointer is nil, and data is read only to see if it is exact.
type comparer struct {
	reader
	same bool
}

// is notes whether a value is what the data says.
func (c *comparer) is(same bool) bool {
	c.same = c.same && same
	return true
}

func compareBool(c *comparer, p unsafe.Pointer) bool {
	h, err := c.head()
	return err == nil && h.kind == kindBool && c.is(p != nil && *(*bool)(p) == (h.num != 0))
}

func compareInt[N int | int8 | int16 | int32 | int64](c *comparer, p unsafe.Pointer) bool {
	start := c.pos
	h, err := c.head()
	n := int64(h.num)
	exact := err == nil && (h.kind == kindInt || h.kind == kindUint && n >= 0) && n == int64(N(n)) && c.pos-start == intLen(n)
	return exact && c.is(p != nil && int64(*(*N)(p)) == n)
}

func compareUint[N uint | uint8 | uint16 | uint32 | uint64 | uintptr](c *comparer, p unsafe.Pointer) bool {
	start := c.pos
	h, err := c.head()
	exact := err == nil && h.kind == kindUint && h.num == uint64(N(h.num)) && c.pos-start == uintLen(h.num)
	return exact && c.is(p != nil && uint64(*(*N)(p)) == h.num)
}

// Floats are compared as they are encoded: NaN is itself, and 0 is not -0.

func compareFloat32(c *comparer, p unsafe.Pointer) bool {
	h, err := c.head()
	return err == nil && h.kind == kindFloat32 && c.is(p != nil && math.Float32bits(*(*float32)(p)) == uint32(h.num))
}

func compareFloat64(c *comparer, p unsafe.Pointer) bool {
	h, err := c.head()
	return err == nil && h.kind == kindFloat64 && c.is(p != nil && math.Float64bits(*(*float64)(p)) == h.num)
}

// at is what lies behind p, if there is something to compare with.
func at(p unsafe.Pointer, off uintptr) unsafe.Pointer {
	if p == nil {
		return nil
	}
	return unsafe.Add(p, off)
}

// run reads over a string or bytes.
func (c *comparer) run(k kind) (b []byte, exact bool) {
	start := c.pos
	h, err := c.head()
	if err != nil || h.kind != k || !shortest(c.pos-start, h) {
		return nil, false
	}
	return c.bytes(h.n), true
}

func compareString(c *comparer, p unsafe.Pointer) bool {
	b, exact := c.str()
	return exact && c.is(p != nil && *(*string)(p) == string(b))
}

func (c *comparer) str() (b []byte, exact bool) {
	if n, ok := c.fixStr(); ok {
		return c.bytes(n), true
	}
	return c.run(kindStr)
}

func compareBytes(c *comparer, p unsafe.Pointer) bool {
	if c.passes(nilKey) {
		return c.is(p != nil && *(*[]byte)(p) == nil)
	}
	b, exact := c.run(kindBin)
	return exact && c.is(p != nil && *(*[]byte)(p) != nil && bytes.Equal(*(*[]byte)(p), b))
}

func compareByteArray(c *comparer, p unsafe.Pointer, n int) bool {
	b, exact := c.run(kindBin)
	return exact && len(b) == n && c.is(p != nil && bytes.Equal(unsafe.Slice((*byte)(p), n), b))
}

func compareTime(c *comparer, p unsafe.Pointer) bool {
	start := c.pos
	h, err := c.head()
	if err != nil || h.kind != kindExt || h.ext != extTime {
		return false
	}
	content := c.bytes(h.n)
	raw := c.data[start:c.pos]
	var buf [15]byte
	if p != nil && bytes.Equal(raw, appendTime(buf[:0], *(*time.Time)(p))) {
		return true
	}
	c.same = false
	t, err := parseTime(content)
	return err == nil && bytes.Equal(raw, appendTime(buf[:0], t))
}

func compareSlice(c *comparer, p unsafe.Pointer, elem *packType) bool {
	if c.passes(nilKey) {
		return c.is(p != nil && (*slice)(p).data == nil)
	}
	var s slice
	if p != nil {
		s = *(*slice)(p)
	}
	return c.elems(s.data, s.len, elem)
}

func compareArray(c *comparer, p unsafe.Pointer, n int, elem *packType) bool {
	start := c.pos
	h, err := c.head()
	c.pos = start
	return err == nil && h.n == n && c.elems(p, n, elem)
}

// elems compares with n elements at p, which is nil if there are none.
func (c *comparer) elems(p unsafe.Pointer, n int, elem *packType) bool {
	start := c.pos
	h, err := c.head()
	if err != nil || h.kind != kindArray || !shortest(c.pos-start, h) || c.enter() != nil {
		return false
	}
	c.is(p != nil && n == h.n)
	for i := range h.n {
		if i == n {
			p = nil
		}
		if !elem.compare(c, at(p, uintptr(i)*elem.size)) {
			return false
		}
	}
	c.leave()
	return true
}

func comparePointer(c *comparer, p unsafe.Pointer, elem *packType) bool {
	if c.passes(nilKey) {
		return c.is(p != nil && *(*unsafe.Pointer)(p) == nil)
	}
	if p != nil {
		p = *(*unsafe.Pointer)(p)
	}
	c.is(p != nil)
	if c.enter() != nil || !elem.compare(c, p) {
		return false
	}
	c.leave()
	return true
}

// compareEncoded encodes the value, for types whose data tells too little about
// what Go would make of it.
func (pt *packType) compareEncoded(c *comparer, p unsafe.Pointer) bool {
	start := c.pos
	if c.skip() != nil || p == nil {
		return false
	}
	e := packers.Get().(*packer)
	*e = packer{buf: e.spare[:0], depth: c.depth}
	err := pt.pack(e, p)
	exact := err == nil && bytes.Equal(e.buf, c.data[start:c.pos])
	clear(e.buf)
	*e = packer{spare: e.buf}
	packers.Put(e) // not if one of the type's own methods panicked
	return exact
}

// compare allows no field to be missing but for those with omitempty that are
// empty, and has its doubts about structs that embed pointers.
func (fs *packFields) compare(c *comparer, p unsafe.Pointer) bool {
	start := c.pos
	h, err := c.head()
	want := kindMap
	if fs.asArray {
		want = kindArray
	}
	if err != nil || h.kind != want || !shortest(c.pos-start, h) || c.enter() != nil {
		return false
	}
	n := 0
	for _, f := range fs.list {
		if f.path != nil {
			return false
		}
		field := at(p, f.off)
		if !fs.asArray {
			if !c.passes(f.key) {
				if f.omit && c.is(field != nil && f.isEmpty(field)) {
					continue
				}
				return false
			}
			if f.omit && (f.zeroer || c.mayBeEmpty()) {
				return false
			}
		}
		if n++; !f.compare(c, field) {
			return false
		}
	}
	c.leave()
	return n == h.n
}

// mayBeEmpty reports whether the next value is one that omitempty leaves out,
// or could be.
func (c *comparer) mayBeEmpty() bool {
	next := c.reader
	h, err := next.head()
	switch {
	case err != nil:
		return true
	case h.kind == kindFloat32:
		return uint32(h.num)<<1 == 0 // of either sign
	case h.kind == kindFloat64:
		return h.num<<1 == 0
	default:
		return h.n == 0 && h.num == 0
	}
}

func (mt *stringMap[V]) compare(c *comparer, p unsafe.Pointer) bool {
	if c.passes(nilKey) {
		return c.is(p != nil && *(*map[string]V)(p) == nil)
	}
	start := c.pos
	h, err := c.head()
	if err != nil || h.kind != kindMap || !shortest(c.pos-start, h) || c.enter() != nil {
		return false
	}
	var m map[string]V
	if p != nil {
		m = *(*map[string]V)(p)
	}
	c.is(m != nil && len(m) == h.n)
	scratch := mt.scratch.Get().(*[]stringEntry[V])
	entries := append(*scratch, stringEntry[V]{})
	defer mt.put(scratch, entries)
	elem := &entries[0].elem
	var last []byte
	for i := range h.n {
		key, exact := c.str()
		if !exact || i > 0 && bytes.Compare(last, key) >= 0 {
			return false
		}
		last = key
		var found bool
		var mine unsafe.Pointer
		if *elem, found = m[string(key)]; c.is(found) && found {
			mine = unsafe.Pointer(elem)
		}
		if !mt.elem.compare(c, mine) {
			return false
		}
	}
	c.leave()
	return true
}

// shortest reports whether size bytes are the least that say h, the head of a
// string, bytes, array or map.
func shortest(size int, h head) bool {
	switch {
	case h.kind == kindStr && h.n < 32 || (h.kind == kindArray || h.kind == kindMap) && h.n < 16:
		return size == 1
	case (h.kind == kindStr || h.kind == kindBin) && h.n <= math.MaxUint8:
		return size == 2
	case h.n <= math.MaxUint16:
		return size == 3
	default:
		return size == 5
	}
}

func intLen(n int64) int {
	switch {
	case n >= 0:
		return uintLen(uint64(n))
	case n >= -32:
		return 1
	case n >= math.MinInt8:
		return 2
	case n >= math.MinInt16:
		return 3
	case n >= math.MinInt32:
		return 5
	default:
		return 9
	}
}

func uintLen(n uint64) int {
	switch {
	case n < 0x80:
		return 1
	case n <= math.MaxUint8:
		return 2
	case n <= math.MaxUint16:
		return 3
	case n <= math.MaxUint32:
		return 5
	default:
		return 9
	}
}
