package codec

import (
	"reflect"
	"time"
)

// packer appends values to buf.
type packer struct {
	buf     []byte
	cost    int  // of decoding what has been written, see limits.go
	depth   int  // see maxDepth
	generic bool // inside an interface: what is written will be decoded without knowing its type
}

// enter and leave enclose what is nested in a value.
func (e *packer) enter() error {
	if e.depth++; e.depth > maxDepth {
		return errTooDeep
	}
	return nil
}

func (e *packer) leave() { e.depth-- }

func packBool(e *packer, v reflect.Value) error {
	e.buf = appendBool(e.buf, v.Bool())
	return nil
}

func packInt(e *packer, v reflect.Value) error {
	e.buf = appendInt(e.buf, v.Int())
	return nil
}

func packUint(e *packer, v reflect.Value) error {
	e.buf = appendUint(e.buf, v.Uint())
	return nil
}

func packFloat32(e *packer, v reflect.Value) error {
	e.buf = appendFloat32(e.buf, float32(v.Float()))
	return nil
}

func packFloat64(e *packer, v reflect.Value) error {
	e.buf = appendFloat64(e.buf, v.Float())
	return nil
}

func packString(e *packer, v reflect.Value) error {
	s := v.String()
	e.cost += stringSize(len(s))
	e.buf = appendStr(e.buf, s)
	return nil
}

func packBytes(e *packer, v reflect.Value) error {
	if v.IsNil() {
		e.buf = append(e.buf, codeNil)
		return nil
	}
	e.packBin(v.Bytes())
	return nil
}

func (e *packer) packBin(b []byte) {
	e.cost += allocSize(len(b))
	e.buf = append(appendBinLen(e.buf, len(b)), b...)
}

func packByteArray(e *packer, v reflect.Value) error {
	e.buf = appendBinLen(e.buf, v.Len())
	if v.CanAddr() {
		e.buf = append(e.buf, v.Bytes()...)
		return nil
	}
	for i := range v.Len() {
		e.buf = append(e.buf, byte(v.Index(i).Uint()))
	}
	return nil
}

func packTime(e *packer, v reflect.Value) error {
	if v.CanAddr() { // an interface holds a pointer without allocating
		e.buf = appendTime(e.buf, *v.Addr().Interface().(*time.Time))
	} else {
		e.buf = appendTime(e.buf, v.Interface().(time.Time))
	}
	return nil
}

func packSlice(e *packer, v reflect.Value, elem *packType) error {
	if v.IsNil() {
		e.buf = append(e.buf, codeNil)
		return nil
	}
	e.cost += sliceSize(v.Len(), int(elem.typ.Size()))
	return packElems(e, v, elem)
}

func packElems(e *packer, v reflect.Value, elem *packType) error {
	if err := e.enter(); err != nil {
		return err
	}
	n := v.Len()
	e.buf = appendArrayLen(e.buf, n)
	for i := range n {
		if err := elem.pack(e, v.Index(i)); err != nil {
			return err
		}
	}
	e.leave()
	return nil
}

func packPointer(e *packer, v reflect.Value, elem *packType) error {
	if v.IsNil() {
		e.buf = append(e.buf, codeNil)
		return nil
	}
	if err := e.enter(); err != nil {
		return err
	}
	e.cost += allocSize(int(elem.typ.Size()))
	err := elem.pack(e, v.Elem())
	e.leave()
	return err
}

// packAny writes what an interface holds. It will come back as whatever the
// wire says, so its cost, and whether it can be read at all, is told by the
// wire too.
func packAny(e *packer, v reflect.Value) error {
	if v.IsNil() {
		e.buf = append(e.buf, codeNil)
		return nil
	}
	v = v.Elem()
	t, err := packTypeOf(v.Type())
	if err != nil {
		return err
	}
	if err := e.enter(); err != nil {
		return err
	}
	start, cost, nested := len(e.buf), e.cost, e.generic
	e.generic = true
	err = t.pack(e, v)
	e.generic = nested
	e.leave()
	if err == nil && !nested {
		r := reader{data: e.buf[start:], depth: e.depth}
		e.cost = cost
		err = r.measure(&e.cost)
	}
	return err
}
