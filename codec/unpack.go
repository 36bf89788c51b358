package codec

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"
	"unsafe"

	"github.com/sesame-go/sesame/internal/misfit"
)

// unpacker reads values into variables whose type is known, and notes if data
// is not in the form that packing what it has read would give.
type unpacker struct {
	reader
	left   int    // bytes that may still be allocated, see limits.go
	shared string // data as a string, "" if strings are not to be parts of it
	key    bool   // inside the key of a map
	catch  bool   // see decodeMsgPack
	boxes
	last lastType
}

// charge is called before n bytes are allocated.
func (d *unpacker) charge(n int) error {
	if d.left -= n; d.left < 0 {
		return errTooDense
	}
	return nil
}

// takeText makes the text of which all strings are parts, and charges for it, before
// the first string is read. Shared text is charged too, so that decoding has the
// same limits as encoding.
func (d *unpacker) takeText() error {
	if err := d.charge(allocSize(len(d.data))); err != nil {
		return err
	}
	d.text = d.shared
	if d.text == "" {
		d.text = string(d.data)
	}
	return nil
}

// mismatch is the error for a value that does not fit a T.
func mismatch[T any](h head) error { return misfit.New(h.String(), reflect.TypeFor[T]()) }

// failed adds the prefix to an error that names a field. Other errors have it.
func failed(err error) error {
	if m := (*misfit.Error)(nil); errors.As(err, &m) {
		return fmt.Errorf("codec: msgpack: %w", m)
	}
	return err
}

// failedAt notes that an error is that of an element of a slice, or of an entry of a
// map, which are of type pt.
func (pt *packType) failedAt(err error, index int) error {
	if m := (*misfit.Error)(nil); errors.As(err, &m) {
		return m.Wants(pt.typ).At(index)
	}
	return err
}

// failed notes that an error is that of the field.
func (f *packField) failed(err error) error {
	if m := (*misfit.Error)(nil); errors.As(err, &m) {
		return m.Wants(f.typ).In(f.goName)
	}
	return err
}

func unpackBool(d *unpacker, p unsafe.Pointer) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindBool || h.kind == kindNil:
		d.loosen(h.kind == kindBool)
		*(*bool)(p) = h.num != 0
		return nil
	default:
		return mismatch[bool](h)
	}
}

func unpackInt[N int | int8 | int16 | int32 | int64](d *unpacker, p unsafe.Pointer) error {
	h, err := d.head()
	if err != nil {
		return err
	}
	n := N(h.num)
	switch {
	case h.kind != kindInt && h.kind != kindUint && h.kind != kindNil:
		return mismatch[N](h)
	case h.kind == kindUint && h.num > math.MaxInt64 || int64(n) != int64(h.num):
		return mismatch[N](h)
	}
	d.loosen(h.kind != kindNil)
	*(*N)(p) = n
	return nil
}

func unpackUint[N uint | uint8 | uint16 | uint32 | uint64 | uintptr](d *unpacker, p unsafe.Pointer) error {
	h, err := d.head()
	if err != nil {
		return err
	}
	n := N(h.num)
	switch {
	case h.kind != kindInt && h.kind != kindUint && h.kind != kindNil:
		return mismatch[N](h)
	case h.kind == kindInt || uint64(n) != h.num:
		return mismatch[N](h)
	}
	d.loosen(h.kind != kindNil)
	*(*N)(p) = n
	return nil
}

// unpackFloat also takes integers, so that a field may become a float, but no
// float64 where only a float32 fits.
func unpackFloat[F float32 | float64](d *unpacker, p unsafe.Pointer) error {
	h, err := d.head()
	if err != nil {
		return err
	}
	var f F
	switch {
	case h.kind == kindNil || h.kind == kindUint:
		f = F(h.num)
	case h.kind == kindInt:
		f = F(int64(h.num))
	case h.kind == kindFloat32:
		f = F(math.Float32frombits(uint32(h.num)))
	case h.kind == kindFloat64 && unsafe.Sizeof(f) == 8:
		f = F(math.Float64frombits(h.num))
	default:
		return mismatch[F](h)
	}
	d.loosen(h.kind == kindFloat32 && unsafe.Sizeof(f) == 4 || h.kind == kindFloat64)
	*(*F)(p) = f
	return nil
}

func unpackString(d *unpacker, p unsafe.Pointer) error {
	n, ok := d.fixStr()
	if !ok {
		h, err := d.head()
		switch {
		case err != nil:
			return err
		case h.kind == kindNil:
			d.loose = true
			*(*string)(p) = ""
			return nil
		case h.kind != kindStr && h.kind != kindBin:
			return mismatch[string](h)
		}
		d.loosen(h.kind == kindStr)
		n = h.n
	}
	if n > 0 && d.text == "" {
		if err := d.takeText(); err != nil {
			return err
		}
	}
	*(*string)(p) = d.str(n)
	return nil
}

func unpackBytes(d *unpacker, p unsafe.Pointer) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindNil:
		*(*[]byte)(p) = nil
		return nil
	case h.kind != kindStr && h.kind != kindBin:
		return mismatch[[]byte](h)
	}
	d.loosen(h.kind == kindBin)
	if err := d.charge(sliceSize(h.n, 1)); err != nil {
		return err
	}
	*(*[]byte)(p) = bytes.Clone(d.bytes(h.n))
	return nil
}

func unpackByteArray(d *unpacker, a []byte) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindNil:
		d.loose = true
		clear(a)
		return nil
	case h.kind != kindStr && h.kind != kindBin:
		return misfit.New(h.String(), reflect.ArrayOf(len(a), reflect.TypeFor[byte]()))
	case h.n > len(a):
		return misfit.New(misfit.Bytes, reflect.ArrayOf(len(a), reflect.TypeFor[byte]()))
	}
	d.loosen(h.kind == kindBin && h.n == len(a))
	clear(a[copy(a, d.bytes(h.n)):])
	return nil
}

func unpackTime(d *unpacker, p unsafe.Pointer) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindNil:
		d.loose = true
		*(*time.Time)(p) = time.Time{}
		return nil
	case h.kind != kindExt || h.ext != extTime:
		return mismatch[time.Time](h)
	}
	*(*time.Time)(p), err = d.time(h.n)
	return err
}

// nothing is what empty slices point to: they are not nil.
var nothing [0]byte

func unpackSlice(d *unpacker, p unsafe.Pointer, pt, elem *packType) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindNil:
		*(*slice)(p) = slice{}
		return nil
	case h.kind != kindArray:
		return misfit.New(h.String(), pt.typ)
	case h.n == 0:
		*(*slice)(p) = slice{data: unsafe.Pointer(&nothing)}
		return nil
	}
	if err := d.charge(sliceSize(h.n, int(elem.size))); err != nil {
		return err
	}
	*(*slice)(p) = slice{}
	v := pt.at(p)
	v.Grow(h.n) // unlike MakeSlice, it does not allocate a slice header
	v.SetLen(h.n)
	return d.elems(h, (*slice)(p).data, elem)
}

func unpackArray(d *unpacker, p unsafe.Pointer, pt, elem *packType) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindNil:
		d.loose = true
		pt.at(p).SetZero()
		return nil
	case h.kind != kindArray || h.n > pt.typ.Len():
		return misfit.New(h.String(), pt.typ)
	}
	d.loosen(h.n == pt.typ.Len())
	pt.at(p).SetZero()
	return d.elems(h, p, elem)
}

func (d *unpacker) elems(h head, p unsafe.Pointer, elem *packType) error {
	if err := d.enter(); err != nil {
		return err
	}
	for i := range h.n {
		if err := elem.unpack(d, unsafe.Add(p, uintptr(i)*elem.size)); err != nil {
			return elem.failedAt(err, i)
		}
	}
	d.leave()
	return nil
}

func unpackPointer(d *unpacker, p unsafe.Pointer, elem *packType) error {
	if d.passes(nilKey) {
		*(*unsafe.Pointer)(p) = nil
		return nil
	}
	if err := d.charge(allocSize(int(elem.size))); err != nil {
		return err
	}
	to := reflect.New(elem.typ).UnsafePointer()
	*(*unsafe.Pointer)(p) = to
	return elem.unpack(d, to)
}
