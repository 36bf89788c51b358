package codec

import (
	"reflect"
	"time"
	"unsafe"
)

// Values are written and read through pointers of whose type the packType is
// proof, not through reflect.Value: that is several times as fast, and it is
// what most of a request's time would otherwise go to.

// packer appends values to buf.
type packer struct {
	account
	buf     []byte
	depth   int  // see maxDepth
	generic bool // inside an interface: what is written will be decoded without knowing its type
	key     bool // inside the key of a map
	last    lastType
}

// enter and leave enclose what is nested in a value.
func (e *packer) enter() error {
	if e.depth++; e.depth > maxDepth {
		return errTooDeep
	}
	return nil
}

func (e *packer) leave() { e.depth-- }

func packBool(e *packer, p unsafe.Pointer) error {
	e.buf = appendBool(e.buf, *(*bool)(p))
	return nil
}

func packInt[N int | int8 | int16 | int32 | int64](e *packer, p unsafe.Pointer) error {
	e.buf = appendInt(e.buf, int64(*(*N)(p)))
	return nil
}

func packUint[N uint | uint8 | uint16 | uint32 | uint64 | uintptr](e *packer, p unsafe.Pointer) error {
	e.buf = appendUint(e.buf, uint64(*(*N)(p)))
	return nil
}

func packFloat32(e *packer, p unsafe.Pointer) error {
	e.buf = appendFloat32(e.buf, *(*float32)(p))
	return nil
}

func packFloat64(e *packer, p unsafe.Pointer) error {
	e.buf = appendFloat64(e.buf, *(*float64)(p))
	return nil
}

func packString(e *packer, p unsafe.Pointer) error {
	e.str(*(*string)(p))
	return nil
}

func (e *packer) str(s string) {
	e.text = e.text || s != ""
	e.buf = appendStr(e.buf, s)
}

func packBytes(e *packer, p unsafe.Pointer) error {
	b := *(*[]byte)(p)
	if b == nil {
		e.buf = append(e.buf, codeNil)
		return nil
	}
	e.cost += sliceSize(len(b), 1)
	e.buf = append(appendBinLen(e.buf, len(b)), b...)
	return nil
}

func packTime(e *packer, p unsafe.Pointer) error {
	e.buf = appendTime(e.buf, *(*time.Time)(p))
	return nil
}

// slice is what a slice of any type is in memory.
type slice struct {
	data     unsafe.Pointer
	len, cap int
}

func packSlice(e *packer, p unsafe.Pointer, elem *packType) error {
	s := (*slice)(p)
	if s.data == nil {
		e.buf = append(e.buf, codeNil)
		return nil
	}
	e.cost += sliceSize(s.len, int(elem.size))
	return packElems(e, s.data, s.len, elem)
}

func packElems(e *packer, p unsafe.Pointer, n int, elem *packType) error {
	if err := e.enter(); err != nil {
		return err
	}
	e.buf = appendArrayLen(e.buf, n)
	for i := range n {
		if err := elem.pack(e, unsafe.Add(p, uintptr(i)*elem.size)); err != nil {
			return err
		}
	}
	e.leave()
	return nil
}

func packPointer(e *packer, p unsafe.Pointer, elem *packType) error {
	p = *(*unsafe.Pointer)(p)
	if p == nil {
		e.buf = append(e.buf, codeNil)
		return nil
	}
	if err := e.enter(); err != nil {
		return err
	}
	e.cost += allocSize(int(elem.size))
	err := elem.pack(e, p)
	e.leave()
	return err
}

// packAny writes what an interface holds. It will come back as whatever the
// wire says, so its cost, and whether it can be read at all, is told by the
// wire too.
func packAny(e *packer, p unsafe.Pointer) error {
	x := *(*any)(p)
	if x == nil {
		e.buf = append(e.buf, codeNil)
		return nil
	}
	v := reflect.ValueOf(x)
	t, err := packTypeOf(v.Type())
	if err != nil {
		return err
	}
	if err := e.enter(); err != nil {
		return err
	}
	start, before, nested := len(e.buf), e.account, e.generic
	e.generic = true
	err = t.pack(e, copied(v))
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
