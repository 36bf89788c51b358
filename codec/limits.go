package codec

import (
	"fmt"
	"math"
	"math/bits"
	"reflect"
)

// Stored bytes are not trusted: a record may be damaged or truncated, or written by
// an attacker with access to the store. So decoding MessagePack has a budget. Every
// allocation is charged before it is made, and data that would cost more than its
// length warrants is refused. Encoding keeps the same account, so that what could
// not be decoded is refused when it is written.

// maxDepth is how deep values may nest. MsgPack counts structs, maps, slices,
// arrays, pointers and interfaces, JSON counts objects and arrays. The limit keeps a
// pointer cycle, or a record that consists of opening brackets, from exhausting the
// stack.
const maxDepth = 1000

// budget is the number of bytes that decoding n bytes may allocate. The
// promise to the callers is 16n + 64 KiB; what is not spent here pays for the
// things that are not worth counting, such as an error's text.
func budget(n int) int { return 16*n + 48<<10 }

// huge is more than any budget, and a few of it still fit in an int.
const huge = math.MaxInt / 8

// account is what decoding a value will allocate.
type account struct {
	cost int  // in bytes, without the text of strings
	text bool // there are strings: all are parts of one copy of the encoding
}

// total is the cost for a value of n bytes.
func (a account) total(n int) int {
	if a.text {
		return a.cost + allocSize(n)
	}
	return a.cost
}

// errTooDense is for values that take far more room in memory than encoded,
// such as ten thousand empty slices.
var errTooDense = fmt.Errorf("codec: value is too dense: decoding it would take more than %d times its encoded size", budget(1)-budget(0))

// errTooDeep is for cycles and for values nested beyond reason.
var errTooDeep = fmt.Errorf("codec: value is nested deeper than %d levels, or refers to itself", maxDepth)

// allocSize is an upper bound of what the runtime uses for an allocation of n bytes,
// by its size classes.
func allocSize(n int) int {
	switch {
	case n <= 8:
		return n
	case n <= 256:
		return (n + 15) &^ 15
	case n <= 32<<10:
		return n + n/5
	default:
		return n + 8<<10
	}
}

// sliceSize is allocSize for n elements of the given size, which grow in steps
// of eight bytes. It never overflows: n is at most the length of the data, but
// size can be anything.
func sliceSize(n, size int) int {
	hi, lo := bits.Mul64(uint64(n), uint64(size))
	switch {
	case hi != 0 || lo > huge:
		return huge
	case lo > 0 && lo < 8:
		return 8
	}
	return allocSize(int(lo))
}

// mapShape is what the cost of a map depends on, apart from its length.
type mapShape struct {
	slot int // bytes of one slot in the table
	side int // bytes allocated beside the table for every entry
}

func mapShapeOf(key, elem reflect.Type) mapShape {
	var s mapShape
	for _, t := range []reflect.Type{key, elem} {
		size := int(t.Size())
		if size > 128 { // the runtime keeps big ones behind a pointer
			s.side += allocSize(size)
			size = 8
		}
		s.slot = (s.slot+t.Align()-1)&^(t.Align()-1) + max(size, 1)
	}
	s.slot = (s.slot + 7) &^ 7
	return s
}

// size is what a map made for n entries takes: a header, and a power of two of slots
// in groups of eight, at most seven eighths of them full.
func (s mapShape) size(n int) int {
	const header = 48
	switch {
	case n == 0:
		return header
	case n <= 8:
		return header + allocSize(8+8*s.slot) + n*s.side
	}
	slots := 1 << bits.Len(uint(n+n/7))
	tables := max(1, slots/1024) // a table has 1024 slots at most
	table := 64 + sliceSize(slots/tables/8, 8+8*s.slot)
	return header + tables*table + n*s.side
}
