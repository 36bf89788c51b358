package merge

import (
	"bytes"
	"math"
	"reflect"
)

// equal compares two values of one type as [reflect.DeepEqual] does, with two
// differences: a NaN equals itself, wherever it is, and 0 does not equal -0. So a
// value that a request did not touch never counts as changed.
func equal(a, b reflect.Value) bool { return new(comparison).equal(a, b) }

// comparison records what it compares deep inside a value, because pointers may form
// cycles.
type comparison struct {
	depth int
	seen  map[pair]bool
}

type pair struct {
	a, b uintptr
	typ  reflect.Type
	len  int // of slices, which may begin at one place
}

// shallow is the depth up to which nothing is recorded.
const shallow = 16

func (c *comparison) equal(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Bool:
		return a.Bool() == b.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return a.Int() == b.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return a.Uint() == b.Uint()
	case reflect.Float32, reflect.Float64:
		return sameFloat(a.Float(), b.Float())
	case reflect.Complex64, reflect.Complex128:
		x, y := a.Complex(), b.Complex()
		return sameFloat(real(x), real(y)) && sameFloat(imag(x), imag(y))
	case reflect.String:
		return a.String() == b.String()
	case reflect.Array:
		return c.elements(a, b)
	case reflect.Struct:
		for i := range a.NumField() {
			if !c.equal(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Func:
		return a.IsNil() && b.IsNil()
	case reflect.Interface, reflect.Pointer, reflect.Slice, reflect.Map:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		if (a.Kind() == reflect.Slice || a.Kind() == reflect.Map) && a.Len() != b.Len() {
			return false
		}
		c.depth++
		same := c.depth > shallow && c.noted(a, b) || c.content(a, b)
		c.depth--
		return same
	default: // a channel, an unsafe pointer
		return a.Pointer() == b.Pointer()
	}
}

func sameFloat(x, y float64) bool {
	return math.Float64bits(x) == math.Float64bits(y) || x != x && y != y
}

// content compares what two references lead to.
func (c *comparison) content(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Interface:
		return a.Elem().Type() == b.Elem().Type() && c.equal(a.Elem(), b.Elem())
	case reflect.Pointer:
		return a.Pointer() == b.Pointer() || c.equal(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.Type().Elem().Kind() == reflect.Uint8 {
			return bytes.Equal(a.Bytes(), b.Bytes())
		}
		return c.elements(a, b)
	default:
		return c.entries(a, b)
	}
}

func (c *comparison) elements(a, b reflect.Value) bool {
	for i := range a.Len() {
		if !c.equal(a.Index(i), b.Index(i)) {
			return false
		}
	}
	return true
}

func (c *comparison) entries(a, b reflect.Value) bool {
	for it := over(a); it.Next(); {
		key, value := it.entry()
		if other := lookup(b, key); !other.IsValid() || !c.equal(value, other) {
			return false
		}
	}
	return true
}

// noted notes two references, and reports whether it has been noted before that
// they are compared: then they are equal unless a difference is found elsewhere.
func (c *comparison) noted(a, b reflect.Value) bool {
	if a.Kind() == reflect.Interface {
		return false // what it holds is noted, if it is a reference
	}
	p := pair{a: a.Pointer(), b: b.Pointer(), typ: a.Type()}
	if a.Kind() == reflect.Slice {
		p.len = a.Len()
	}
	if c.seen[p] {
		return true
	}
	if c.seen == nil {
		c.seen = map[pair]bool{}
	}
	c.seen[p] = true
	return false
}
