package codec

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"sync"
	"time"
)

// unpacker reads values into variables whose type is known.
type unpacker struct {
	reader
	left int // bytes that may still be allocated, see limits.go
}

// charge is called before n bytes are allocated.
func (d *unpacker) charge(n int) error {
	if d.left -= n; d.left < 0 {
		return errTooDense
	}
	return nil
}

// passes reports whether the data goes on with b, and reads over it if so.
func (d *unpacker) passes(b []byte) bool {
	if !bytes.HasPrefix(d.data[d.pos:], b) {
		return false
	}
	d.pos += len(b)
	return true
}

func (d *unpacker) mismatch(h head, v reflect.Value) error {
	return fmt.Errorf("codec: msgpack: the %s before byte %d does not fit %s", h.kind, d.pos, v.Type())
}

func (d *unpacker) overflow(h head, v reflect.Value) error {
	if h.kind == kindInt {
		return fmt.Errorf("codec: msgpack: %d does not fit %s", int64(h.num), v.Type())
	}
	return fmt.Errorf("codec: msgpack: %d does not fit %s", h.num, v.Type())
}

func unpackBool(d *unpacker, v reflect.Value) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindBool || h.kind == kindNil:
		v.SetBool(h.num != 0)
		return nil
	default:
		return d.mismatch(h, v)
	}
}

func unpackInt(d *unpacker, v reflect.Value) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind != kindInt && h.kind != kindUint && h.kind != kindNil:
		return d.mismatch(h, v)
	case h.kind == kindUint && h.num > math.MaxInt64 || v.OverflowInt(int64(h.num)):
		return d.overflow(h, v)
	}
	v.SetInt(int64(h.num))
	return nil
}

func unpackUint(d *unpacker, v reflect.Value) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind != kindInt && h.kind != kindUint && h.kind != kindNil:
		return d.mismatch(h, v)
	case h.kind == kindInt || v.OverflowUint(h.num):
		return d.overflow(h, v)
	}
	v.SetUint(h.num)
	return nil
}

// unpackFloat also takes integers, so that a field may become a float, but no
// float64 where only a float32 fits.
func unpackFloat(d *unpacker, v reflect.Value) error {
	h, err := d.head()
	if err != nil {
		return err
	}
	switch h.kind {
	case kindNil, kindUint:
		v.SetFloat(float64(h.num))
	case kindInt:
		v.SetFloat(float64(int64(h.num)))
	case kindFloat32:
		v.SetFloat(float64(math.Float32frombits(uint32(h.num))))
	case kindFloat64:
		if v.Kind() == reflect.Float32 {
			return d.mismatch(h, v)
		}
		v.SetFloat(math.Float64frombits(h.num))
	default:
		return d.mismatch(h, v)
	}
	return nil
}

func unpackString(d *unpacker, v reflect.Value) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindNil:
		v.SetString("")
		return nil
	case h.kind != kindStr && h.kind != kindBin:
		return d.mismatch(h, v)
	}
	if err := d.charge(stringSize(h.n)); err != nil {
		return err
	}
	v.SetString(string(d.bytes(h.n)))
	return nil
}

func unpackBytes(d *unpacker, v reflect.Value) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindNil:
		v.SetZero()
		return nil
	case h.kind != kindStr && h.kind != kindBin:
		return d.mismatch(h, v)
	}
	if err := d.charge(allocSize(h.n)); err != nil {
		return err
	}
	v.SetBytes(bytes.Clone(d.bytes(h.n)))
	return nil
}

func unpackByteArray(d *unpacker, v reflect.Value) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindNil:
		v.SetZero()
		return nil
	case h.kind != kindStr && h.kind != kindBin:
		return d.mismatch(h, v)
	case h.n > v.Len():
		return d.tooLong(h, v)
	}
	v.SetZero()
	copy(v.Bytes(), d.bytes(h.n))
	return nil
}

func (d *unpacker) tooLong(h head, v reflect.Value) error {
	return fmt.Errorf("codec: msgpack: %d elements do not fit %s", h.n, v.Type())
}

func unpackTime(d *unpacker, v reflect.Value) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindNil:
		v.SetZero()
		return nil
	case h.kind != kindExt || h.ext != extTime:
		return d.mismatch(h, v)
	}
	t, err := parseTime(d.bytes(h.n))
	*v.Addr().Interface().(*time.Time) = t
	return err
}

func unpackSlice(d *unpacker, v reflect.Value, elem *packType, empty reflect.Value) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindNil:
		v.SetZero()
		return nil
	case h.kind != kindArray:
		return d.mismatch(h, v)
	case h.n == 0:
		v.Set(empty)
		return nil
	}
	if err := d.charge(sliceSize(h.n, int(elem.typ.Size()))); err != nil {
		return err
	}
	v.SetZero()
	v.Grow(h.n) // unlike MakeSlice, it does not allocate a slice header
	v.SetLen(h.n)
	return d.elems(h, v, elem)
}

func unpackArray(d *unpacker, v reflect.Value, elem *packType) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindNil:
		v.SetZero()
		return nil
	case h.kind != kindArray:
		return d.mismatch(h, v)
	case h.n > v.Len():
		return d.tooLong(h, v)
	}
	v.SetZero()
	return d.elems(h, v, elem)
}

func (d *unpacker) elems(h head, v reflect.Value, elem *packType) error {
	if err := d.enter(); err != nil {
		return err
	}
	for i := range h.n {
		if err := elem.unpack(d, v.Index(i)); err != nil {
			return err
		}
	}
	d.leave()
	return nil
}

func unpackPointer(d *unpacker, v reflect.Value, elem *packType) error {
	if d.passes(nilKey) {
		v.SetZero()
		return nil
	}
	if err := d.charge(allocSize(int(elem.typ.Size()))); err != nil {
		return err
	}
	v.Set(reflect.New(elem.typ))
	return elem.unpack(d, v.Elem())
}

func unpackMap(d *unpacker, v reflect.Value, key, elem *packType, shape mapShape, pool *sync.Pool) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindNil:
		v.SetZero()
		return nil
	case h.kind != kindMap:
		return d.mismatch(h, v)
	}
	if err := d.enter(); err != nil {
		return err
	}
	if err := d.charge(shape.size(h.n)); err != nil {
		return err
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), h.n))
	if h.n == 0 {
		d.leave()
		return nil
	}
	s := pool.Get().(*mapScratch)
	defer pool.Put(s)
	defer s.forget()
	for range h.n {
		s.key.SetZero()
		if err := key.unpack(d, s.key); err != nil {
			return err
		}
		s.elem.SetZero()
		if err := elem.unpack(d, s.elem); err != nil {
			return err
		}
		v.SetMapIndex(s.key, s.elem)
	}
	d.leave()
	return nil
}
