package codec

import (
	"cmp"
	"unsafe"

	"github.com/sesame-go/sesame/internal/misfit"
)

// intMap is a map of integers of eight bytes, of whichever type, to elements whose
// memory is that of a V.
type intMap[V any] struct {
	*packMap
	keys *keyKind[uint64]
}

func (mt *intMap[V]) pack(e *packer, p unsafe.Pointer) error {
	m := *(*map[uint64]V)(p)
	if m == nil {
		e.buf = append(e.buf, codeNil)
		return nil
	}
	scratch, n := mt.scratch.Get().(*follower[uint64, V]), 0
	if len(e.like) > 0 {
		scratch.ahead, n = e.ahead(kindMap)
	}
	if err := mt.begin(e, len(m)); err != nil {
		return err
	}
	follow(scratch, e, m, n, mt.keys)
	if err := scratch.pack(e, mt.key, mt.elem); err != nil {
		return err
	}
	e.leave()
	mt.scratch.Put(scratch)
	return nil
}

func (mt *intMap[V]) unpack(d *unpacker, p unsafe.Pointer) error {
	n, err := mt.head(d, p)
	if err != nil || n < 0 {
		return err
	}
	m := make(map[uint64]V, n)
	*(*map[uint64]V)(p) = m
	scratch := mt.scratch.Get().(*follower[uint64, V])
	scratch.entries = append(scratch.entries, followed[uint64, V]{})
	entry := &scratch.entries[0]
	for i := range n {
		last := entry.key
		*entry = followed[uint64, V]{}
		if err := mt.key.unpack(d, unsafe.Pointer(&entry.key)); err != nil {
			return mt.key.failedAt(err, misfit.Key)
		}
		d.loosen(i == 0 || mt.keys.compare(last, entry.key) < 0)
		if err := mt.elem.unpack(d, unsafe.Pointer(&entry.elem)); err != nil {
			return mt.elem.failedAt(err, misfit.Entry)
		}
		m[entry.key] = entry.elem
	}
	d.leave()
	scratch.forget()
	mt.scratch.Put(scratch)
	return nil
}

// compareSigned orders integers by their encoding: those that are not negative,
// then those that take 2, 3, 5 and 9 bytes, then those that take one.
func compareSigned(a, b uint64) int {
	return cmp.Or(cmp.Compare(rankSigned(int64(a)), rankSigned(int64(b))), cmp.Compare(a, b))
}

func rankSigned(n int64) int {
	switch {
	case n >= 0:
		return 0
	case n >= -32:
		return 10
	default:
		return intLen(n)
	}
}
