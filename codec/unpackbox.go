package codec

import (
	"math"
	"unsafe"
)

// boxes is memory for the values of interfaces. It is allocated for several strings
// or numbers at a time, because a session that has any usually has many.
type boxes struct {
	strings chunk[string]
	numbers chunk[uint64]
}

// chunk is twice as long as the one before, up to sixteen: what one value keeps
// alive with it is little beside the text of all strings.
type chunk[T any] struct {
	left []T
	size int
}

func (c *chunk[T]) next() *T {
	if len(c.left) == 0 {
		c.size = min(max(1, 2*c.size), 16)
		c.left = make([]T, c.size)
	}
	p := &c.left[0]
	c.left = c.left[1:]
	return p
}

func (b *boxes) boxString(s string) any {
	if s == "" {
		return ""
	}
	p := b.strings.next()
	*p = s
	return box("", unsafe.Pointer(p))
}

func (b *boxes) boxFloat(f float64) any {
	p := b.numbers.next()
	*p = math.Float64bits(f)
	return box(0.0, unsafe.Pointer(p))
}

// boxInt returns what most programs put into an interface: an int, where it fits.
func (b *boxes) boxInt(n int64) any {
	switch {
	case int64(int(n)) != n:
		return n
	case uint64(n) <= math.MaxUint8:
		return int(n) // which needs no room
	}
	p := unsafe.Pointer(b.numbers.next())
	*(*int)(p) = int(n)
	return box(0, p)
}

// box returns an interface of like's type that holds what is at p, which must
// never change.
func box(like any, p unsafe.Pointer) any {
	(*[2]unsafe.Pointer)(unsafe.Pointer(&like))[1] = p
	return like
}
