package gobwire

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"sync"
)

// Canon appends the canonical form of stream, which holds one value, to dst.
// Streams that hold equal values of the same types have the same canonical
// form.
func Canon(dst, stream []byte) ([]byte, error) {
	c := canonizers.Get().(*canonizer)
	defer c.free()
	c.reader = newReader(stream, math.MaxInt)
	c.r = c.reader

	root := c.typeSequence(false)
	buf, rest := c.buf, c.rest
	c.top(root)
	_ = c.end() // its error is in c.err
	c.add(root, false)
	if len(c.dynamic) > 0 && c.err == nil {
		// The value holds ids, which are known only now.
		for _, name := range slices.Sorted(maps.Keys(c.dynamic)) {
			c.add(c.dynamic[name], false)
		}
		c.out, c.reread = c.out[:0], true
		c.buf, c.rest = buf, rest
		c.top(root)
	}
	if c.err != nil {
		return dst, c.err
	}
	dst = c.appendDefinitions(dst, false)
	start := len(dst)
	dst = appendInt(dst, c.newID(root))
	dst = append(dst, c.out...)
	return appendLen(dst, start), nil
}

// canonizer copies a value from a reader to out, sorting maps, replacing the
// ids of types and leaving out their definitions.
type canonizer struct {
	*reader
	numbering
	out     []byte
	dynamic map[string]int32 // the types in interface values, by their names
	entries []entry          // of the maps being copied, the inner ones last
	scratch []byte
}

var canonizers = sync.Pool{New: func() any { return new(canonizer) }}

// free keeps the buffers of c for the next stream, and nothing of this one.
func (c *canonizer) free() {
	clear(c.order)
	*c = canonizer{
		numbering: numbering{order: c.order[:0]},
		out:       c.out[:0],
		entries:   c.entries[:0],
		scratch:   c.scratch[:0],
	}
	canonizers.Put(c)
}

// entry is where a map's entry begins in out, where its value begins, and
// where it ends.
type entry struct{ key, val, end int }

// top copies a value that stands alone. In front of all but structs, there is
// a zero.
func (c *canonizer) top(id int32) {
	if c.typ(id).kind != structKind {
		if c.uint() != 0 {
			c.fail("no zero in front of a single value")
		}
		c.out = append(c.out, 0)
	}
	c.value(id)
}

func (c *canonizer) value(id int32) {
	c.enter()
	defer c.leave()
	switch t := c.typ(id); t.kind {
	case boolKind, intKind, uintKind, floatKind:
		c.out = appendUint(c.out, c.uint())
	case complexKind:
		c.out = appendUint(c.out, c.uint())
		c.out = appendUint(c.out, c.uint())
	case bytesKind, stringKind, gobKind, binaryKind, textKind:
		c.out = appendBytes(c.out, c.bytes())
	case arrayKind, sliceKind:
		n := c.count()
		if t.kind == arrayKind && n != t.len {
			c.fail("array of the wrong length")
		}
		c.out = appendUint(c.out, uint64(n))
		for i := 0; i < n && c.err == nil; i++ {
			c.value(t.elem)
		}
	case mapKind:
		c.mapValue(t)
	case structKind:
		c.structValue(t)
	case interfaceKind:
		c.interfaceValue()
	}
}

func (c *canonizer) structValue(t *wireType) {
	last := -1
	for {
		f := c.nextField(last, len(t.fields))
		if f < 0 {
			c.out = append(c.out, 0)
			return
		}
		c.out = appendUint(c.out, uint64(f-last))
		c.value(t.fields[f].id)
		last = f
	}
}

func (c *canonizer) mapValue(t *wireType) {
	n := c.count()
	c.out = appendUint(c.out, uint64(n))
	start, outer := len(c.out), len(c.entries)
	for i := 0; i < n && c.err == nil; i++ {
		e := entry{key: len(c.out)}
		c.value(t.key)
		e.val = len(c.out)
		c.value(t.elem)
		e.end = len(c.out)
		c.entries = append(c.entries, e)
	}
	c.sort(start, c.entries[outer:])
	c.entries = c.entries[:outer]
}

// sort brings out[start:], which consists of entries, into order. Keys that
// look alike, such as structs that differ in an unexported field, pointers to
// the same and not-a-numbers, cannot be told apart when decoded.
func (c *canonizer) sort(start int, entries []entry) {
	key := func(e entry) []byte { return c.out[e.key:e.val] }
	order := func(a, b entry) int { return bytes.Compare(key(a), key(b)) }
	sorted := slices.IsSortedFunc(entries, order)
	if !sorted {
		slices.SortFunc(entries, order)
	}
	for i := 1; i < len(entries); i++ {
		if bytes.Equal(key(entries[i-1]), key(entries[i])) {
			c.fail("two keys of a map have the same encoding")
		}
	}
	if sorted {
		return
	}
	c.scratch = c.scratch[:0]
	for _, e := range entries {
		c.scratch = append(c.scratch, c.out[e.key:e.end]...)
	}
	copy(c.out[start:], c.scratch)
}

func (c *canonizer) interfaceValue() {
	d := c.openInterface()
	c.out = appendBytes(c.out, d.name)
	if len(d.name) == 0 || c.err != nil {
		return
	}
	// A name stands for one Go type, and that for one wire type.
	if id, ok := c.dynamic[string(d.name)]; !ok {
		if c.dynamic == nil {
			c.dynamic = make(map[string]int32)
		}
		c.dynamic[string(d.name)] = d.id
	} else if id != d.id {
		c.fail("two types under the name %q", d.name)
	}
	c.out = appendInt(c.out, c.newID(d.id))
	start := len(c.out)
	c.top(d.id)
	c.out = appendLen(c.out, start)
	c.closeInterface(d)
}
