package gobwire

import (
	"errors"
	"fmt"
	"math"
)

var errTruncated = errors.New("unexpected end of data")

// reader reads the parts of a gob stream. Its first error sticks: from then
// on it reads zeros, so that only loops have to look for one.
type reader struct {
	buf  []byte // the rest of the current message
	rest []byte // the messages behind it
	err  error

	types   map[int32]*wireType
	defined int  // the definitions read so far
	reread  bool // definitions are known from an earlier pass

	depth  int
	budget int
}

func newReader(stream []byte, budget int) *reader {
	return &reader{rest: stream, types: make(map[int32]*wireType), budget: budget}
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	r.buf, r.rest = nil, nil
}

// remaining returns the number of bytes that are left. As no value is encoded
// in less than a byte, no more than that many values can follow.
func (r *reader) remaining() int { return len(r.buf) + len(r.rest) }

// charge pays for an allocation of size bytes and for what the allocator adds
// to fill up its size classes.
func (r *reader) charge(size int) {
	switch {
	case size <= 0:
		return
	case size <= 256:
		size = (size + 7) &^ 7
		if size > 8 {
			size = (size + 15) &^ 15
		}
	case size <= 32<<10:
		size += size / 5
	case size < math.MaxInt-8<<10:
		size += 8 << 10
	}
	if r.budget < size {
		r.budget = 0
		r.fail("value takes too much memory for the size of its encoding")
		return
	}
	r.budget -= size
}

// enter counts a level of nesting, leave takes it back.
func (r *reader) enter() {
	if r.depth++; r.depth > maxDepth {
		r.fail("nested deeper than %d levels", maxDepth)
	}
}

func (r *reader) leave() { r.depth-- }

// message makes the next message the current one.
func (r *reader) message() {
	r.buf, r.rest = r.rest, nil
	n := r.uint()
	if r.err == nil && n > uint64(len(r.buf)) {
		r.err = errTruncated
	}
	if r.err != nil {
		r.buf = nil
		return
	}
	r.buf, r.rest = r.buf[:n], r.buf[n:]
}

func (r *reader) uint() uint64 {
	if len(r.buf) == 0 {
		if r.err == nil {
			r.err = errTruncated
		}
		return 0
	}
	b := r.buf[0]
	if b <= 0x7f {
		r.buf = r.buf[1:]
		return uint64(b)
	}
	n := -int(int8(b))
	if n > 8 || n >= len(r.buf) {
		r.fail("bad integer")
		return 0
	}
	var x uint64
	for _, b := range r.buf[1 : 1+n] {
		x = x<<8 | uint64(b)
	}
	r.buf = r.buf[1+n:]
	return x
}

func (r *reader) int() int64 {
	x := r.uint()
	if x&1 != 0 {
		return ^int64(x >> 1)
	}
	return int64(x >> 1)
}

// count reads the number of values that follow.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(r.remaining()) {
		r.fail("%d elements in %d bytes", n, r.remaining())
		return 0
	}
	return int(n)
}

// bytes reads a counted string. It aliases the stream.
func (r *reader) bytes() []byte {
	n := r.uint()
	if n > uint64(len(r.buf)) {
		r.fail("%d bytes wanted, %d left", n, len(r.buf))
		return nil
	}
	b := r.buf[:n:n]
	r.buf = r.buf[n:]
	return b
}

// nextField reads the step to a struct's next field and returns that field,
// or -1 behind the last. Fields are counted from -1, and there are n.
func (r *reader) nextField(field, n int) int {
	delta := r.uint()
	if delta == 0 {
		return -1
	}
	if delta > uint64(n-1-field) {
		r.fail("field out of range")
		return -1
	}
	return field + int(delta)
}

// typeSequence reads type definitions up to the id of the type of the value
// that follows. In an interface value they may end one message, which the
// value then goes on behind, or be followed by the length of the next part.
func (r *reader) typeSequence(inInterface bool) int32 {
	for r.err == nil {
		if len(r.buf) == 0 {
			r.message()
		}
		id := r.int()
		if id >= 0 {
			if id > math.MaxInt32 {
				r.fail("type id out of range")
			}
			return int32(id)
		}
		r.definition(-id)
		if len(r.buf) > 0 {
			if !inInterface {
				r.fail("trailing bytes behind a type definition")
			}
			r.uint()
		}
	}
	return 0
}

// dynamic is the head of an interface value: the name its type is registered
// under and the type's id. An empty name means nil.
type dynamic struct {
	name []byte
	id   int32

	size    uint64 // the length that is declared for the value
	before  int
	defined int
}

func (r *reader) openInterface() dynamic {
	d := dynamic{name: r.bytes()}
	if len(d.name) == 0 {
		return d
	}
	if len(d.name) > maxName {
		r.fail("type name of %d bytes", len(d.name))
	}
	d.id = r.typeSequence(true)
	d.size = r.uint()
	d.before, d.defined = r.remaining(), r.defined
	return d
}

// closeInterface checks the declared length, which means nothing when the
// value was interrupted by definitions.
func (r *reader) closeInterface(d dynamic) {
	if r.err == nil && r.defined == d.defined && uint64(d.before-r.remaining()) != d.size {
		r.fail("interface value has the wrong length")
	}
}

// end checks that nothing follows.
func (r *reader) end() error {
	if r.remaining() > 0 {
		r.fail("trailing bytes")
	}
	return r.err
}
