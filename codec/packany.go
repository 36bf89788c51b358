package codec

import (
	"reflect"
	"time"
	"unsafe"
)

// packAny writes what an interface holds. What that is decoded as depends only on
// the bytes written, and so do its cost and whether it can be decoded at all.
func packAny(e *packer, p unsafe.Pointer) error {
	x := *(*any)(p)
	if x == nil {
		e.buf = append(e.buf, codeNil)
		return nil
	}
	if e.depth < maxDepth && e.packScalar(x) {
		return nil
	}
	t, err := packTypeOf(reflect.TypeOf(x))
	if err != nil {
		return err
	}
	if err := e.enter(); err != nil {
		return err
	}
	start, before, nested := len(e.buf), e.account, e.generic
	e.generic = true
	err = t.pack(e, t.inInterface(p))
	e.generic = nested
	e.leave()
	if err == nil && !nested {
		r := reader{data: e.buf[start:], depth: e.depth}
		if e.key {
			if err := r.comparable(); err != nil {
				return err
			}
		}
		e.account = before
		err = r.measure(&e.account)
	}
	return err
}

// packScalar writes the types that interfaces hold most often, and adds to the
// account what measure would. For nested values the outermost call does that.
func (e *packer) packScalar(x any) bool {
	cost := boxedNumber
	switch x := x.(type) {
	case string:
		e.str(x)
		cost = boxedString
		if x == "" {
			cost = 0
		}
	case int:
		e.buf = appendInt(e.buf, int64(x))
		cost = boxedInt(int64(x))
	case int64:
		e.buf = appendInt(e.buf, x)
		cost = boxedInt(x)
	case bool:
		e.buf = appendBool(e.buf, x)
		cost = 0
	case float64:
		e.buf = appendFloat64(e.buf, x)
	case time.Time:
		e.buf = appendTime(e.buf, x)
		cost = boxedSlice
	default:
		return false
	}
	if !e.generic {
		e.cost += cost
	}
	return true
}

// boxedInt is the cost of an integer in an interface: small ones are not allocated.
func boxedInt(n int64) int {
	if uint64(n) <= 0xff {
		return 0
	}
	return boxedNumber
}

// inInterface returns a pointer to the value, of type pt, of the interface at p. The
// interface's data word is the value itself if that is a pointer, else a pointer to
// it. A value that methods could change is copied, because values in interfaces are
// immutable.
func (pt *packType) inInterface(p unsafe.Pointer) unsafe.Pointer {
	data := unsafe.Add(p, unsafe.Sizeof(uintptr(0))) // behind the type
	switch kind := pt.typ.Kind(); {
	case pt.typ.PkgPath() != "", kind == reflect.Struct, kind == reflect.Array:
		return copied(reflect.ValueOf(*(*any)(p)))
	case kind == reflect.Pointer, kind == reflect.Map:
		return data
	default:
		return *(*unsafe.Pointer)(data)
	}
}
