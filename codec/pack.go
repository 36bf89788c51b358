package codec

import (
	"time"
	"unsafe"
)

// Values are written and read through unsafe pointers, whose type the packType
// guarantees, not through reflect.Value. That is several times as fast, and with
// reflection most of a request's time would go to it.

// packer appends values to buf.
type packer struct {
	account
	guide
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
	if elem.guided && len(e.like) > 0 {
		return packElemsGuided(e, p, n, elem)
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

// packElemsGuided is packElems for elements that may have large maps.
func packElemsGuided(e *packer, p unsafe.Pointer, n int, elem *packType) error {
	r, known := e.ahead(kindArray)
	e.buf = appendArrayLen(e.buf, n)
	for i := range n {
		start, at := len(e.buf), -1
		if i < known {
			at = r.pos
		}
		e.expect(at)
		if err := elem.pack(e, unsafe.Add(p, uintptr(i)*elem.size)); err != nil {
			return err
		}
		if i < known && !r.passes(e.buf[start:]) { // it is the same most often
			err := r.skip()
			if !e.spend(r.pos-at) || err != nil {
				known = 0
			}
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
