package cborcodec

import (
	"fmt"
	"math"
	"math/bits"
	"reflect"
)

// The library bounds how deep and how long what it decodes may be, but not its
// size in memory: ten thousand times the byte 0xa0 are ten thousand structs, of
// whatever size. So the data is read over before, side by side with the type
// it is meant for, and the allocations that the library will make are added up.
// Encoding keeps the same account, so that what cannot be read back is refused
// when it is written. The estimates are those of package codec.

// maxDepth is how deep values may nest: structs, maps, slices, arrays, tags,
// pointers and interfaces each count.
const maxDepth = 1000

// budget is the number of bytes that decoding n bytes may allocate. The promise
// is 16n + 64 KiB; what is not spent here pays for an error's text and such.
func budget(n int) int { return 16*n + 48<<10 }

// huge is more than any budget, and a few of it still fit in an int.
const huge = math.MaxInt / 8

var (
	errTooDense = fmt.Errorf("cborcodec: value is too dense: decoding it would take more than %d times its encoded size", budget(1)-budget(0))
	errTooDeep  = fmt.Errorf("cborcodec: value is nested deeper than %d levels, or refers to itself", maxDepth)
)

// What a value costs besides its content.
const (
	boxedNumber = 8  // in an interface
	boxedString = 16 // likewise
	boxedSlice  = 32 // a slice header or a time.Time, likewise
	bigNumber   = 128
	anySize     = 16  // of an interface itself
	mapHeader   = 48  // of a map without entries
	lostField   = 112 // an entry of the set of keys that are no field's
)

// ownSize is for a type that decodes itself from n bytes.
func ownSize(n int) int { return 64 + 2*n }

// allocSize is what an allocation of n bytes really takes. It follows the
// runtime's size classes from above.
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

// stringSize is allocSize for a string, of which the shortest are free.
func stringSize(n int) int {
	if n <= 1 {
		return 0
	}
	return allocSize(n)
}

// sliceSize is allocSize for n elements of the given size, which grow in steps
// of eight bytes. It never overflows: n is at most maxEntries, but size can be
// anything.
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
	once int // bytes allocated for the variables that entries are decoded to
}

func mapShapeOf(key, elem reflect.Type) mapShape {
	s := mapShape{once: mapHeader} // the library's own set of keys
	for _, t := range []reflect.Type{key, elem} {
		size := int(t.Size())
		s.once += allocSize(size)
		if size > 128 { // the runtime keeps big ones behind a pointer
			s.side += allocSize(size)
			size = 8
		}
		s.slot = (s.slot+t.Align()-1)&^(t.Align()-1) + max(size, 1)
	}
	s.slot = (s.slot + 7) &^ 7
	return s
}

// size is what a map made for n entries takes: a header, then slots in groups
// of eight, at most seven eighths full, a power of two of them.
func (s mapShape) size(n int) int {
	fixed := mapHeader + s.once + n*s.side
	switch {
	case n == 0:
		return fixed
	case n <= 8:
		return fixed + allocSize(8+8*s.slot)
	}
	slots := 1 << bits.Len(uint(n+n/7))
	tables := max(1, slots/1024) // a table has 1024 slots at most
	return fixed + tables*(64+sliceSize(slots/tables/8, 8+8*s.slot))
}
