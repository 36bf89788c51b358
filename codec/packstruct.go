package codec

import (
	"reflect"
	"unsafe"

	"github.com/sesame-go/sesame/internal/misfit"
)

// in finds the field in a struct, nil if an embedded pointer on the way is and
// alloc is not set.
func (f *packField) in(p unsafe.Pointer, alloc bool) unsafe.Pointer {
	for _, h := range f.path {
		at := (*unsafe.Pointer)(unsafe.Add(p, h.off))
		if *at == nil {
			if !alloc {
				return nil
			}
			*at = reflect.New(h.elem).UnsafePointer()
		}
		p = *at
	}
	return unsafe.Add(p, f.off)
}

func (f *packField) omitted(strct unsafe.Pointer, depth int) bool {
	if !f.omit && f.path == nil {
		return false
	}
	p := f.in(strct, false)
	return p == nil || f.omit && f.isEmptyAt(p, depth)
}

// count is the number of fields that pack writes.
func (fs *packFields) count(p unsafe.Pointer, depth int) int {
	if !fs.omits {
		return len(fs.list)
	}
	n := 0
	for _, f := range fs.list {
		if !f.omitted(p, depth) {
			n++
		}
	}
	return n
}

// pack writes a struct as a map in the order of its fields. Inside an
// interface it comes back as a map, and would be written again as one: there
// the order is that of the names from the start.
func (fs *packFields) pack(e *packer, p unsafe.Pointer) error {
	if err := e.enter(); err != nil {
		return err
	}
	at, ahead := 0, 0
	if fs.guided && len(e.like) > 0 {
		at, ahead = e.keysAhead()
	}
	if fs.plain && !e.generic {
		e.buf = appendMapLen(e.buf, len(fs.list))
		for _, f := range fs.list {
			start := len(e.buf)
			e.buf = append(e.buf, f.key...)
			if ahead > 0 && f.guided {
				at = e.seek(start, at, ahead)
			}
			if err := f.pack(e, unsafe.Add(p, f.off)); err != nil {
				return err
			}
		}
		e.leave()
		return nil
	}
	list, omits := fs.list, fs.omits
	switch {
	case fs.asArray:
		e.buf = appendArrayLen(e.buf, len(list))
		omits = false
	case e.generic:
		list = fs.sorted
		fallthrough
	default:
		e.buf = appendMapLen(e.buf, fs.count(p, e.depth))
	}
	for _, f := range list {
		if omits && f.omitted(p, e.depth) {
			continue
		}
		if !fs.asArray {
			start := len(e.buf)
			e.buf = append(e.buf, f.key...)
			if ahead > 0 && f.guided {
				at = e.seek(start, at, ahead)
			}
		}
		field := f.in(p, false)
		if field == nil {
			e.buf = append(e.buf, codeNil)
			continue
		}
		e.cost += f.side
		if err := f.pack(e, field); err != nil {
			return err
		}
	}
	e.leave()
	return nil
}

// unpack reads a struct. Fields that only the data has are skipped; fields that only
// the struct has stay zero.
func (fs *packFields) unpack(d *unpacker, p unsafe.Pointer) error {
	h, err := d.head()
	switch {
	case err != nil:
		return err
	case h.kind == kindNil || h.kind == kindArray && h.n == 0:
		d.loosen(h.kind == kindArray && fs.asArray && len(fs.list) == 0)
		reflect.NewAt(fs.typ, p).Elem().SetZero()
		return nil
	case h.kind == kindArray && h.n != len(fs.list) || h.kind != kindArray && h.kind != kindMap:
		return misfit.New(h.String(), fs.typ)
	}
	d.loosen(fs.asArray == (h.kind == kindArray))
	if err := d.enter(); err != nil {
		return err
	}
	if h.kind == kindArray {
		err = fs.unpackArray(d, p)
	} else {
		err = fs.unpackMap(d, p, h.n)
	}
	d.leave()
	return err
}

func (fs *packFields) unpackArray(d *unpacker, p unsafe.Pointer) error {
	for _, f := range fs.list {
		if err := f.unpackIn(d, p); err != nil {
			return f.failed(err)
		}
	}
	return nil
}

// unpackMap reads n fields, most often those of the struct in their order.
func (fs *packFields) unpackMap(d *unpacker, p unsafe.Pointer, n int) error {
	next := 0
	if fs.plain {
		for _, f := range fs.list[:min(n, len(fs.list))] {
			if !d.passes(f.key) {
				break
			}
			if err := f.unpack(d, unsafe.Add(p, f.off)); err != nil {
				return f.failed(err)
			}
			next++
		}
	}
	for range n - next {
		var f *packField
		var err error
		if next < len(fs.list) && d.passes(fs.list[next].key) {
			f = fs.list[next]
		} else if f, err = fs.find(d); f != nil {
			d.loosen(f.order > next && (d.loose || fs.leaveOut(d, p, next, f.order)))
		}
		switch {
		case err != nil:
			return err
		case f == nil:
			d.unknown = true
			if err := d.skip(); err != nil {
				return err
			}
		default:
			next = f.order + 1
			if err := f.unpackIn(d, p); err != nil {
				return f.failed(err)
			}
			if f.omit && !d.loose {
				d.loosen(!f.isEmptyAt(unsafe.Add(p, f.off), d.depth)) // it is there although empty
			}
		}
	}
	d.loosen(next == len(fs.list) || fs.leaveOut(d, p, next, len(fs.list)))
	return nil
}

// leaveOut reports whether pack would write none of the fields from i to j.
func (fs *packFields) leaveOut(d *unpacker, p unsafe.Pointer, i, j int) bool {
	for ; i < j; i++ {
		if f := fs.list[i]; !f.omit || f.path != nil || !f.isEmptyAt(unsafe.Add(p, f.off), d.depth) {
			return false
		}
	}
	return true
}

// find reads the name of a field and finds it, nil if there is none.
func (fs *packFields) find(d *unpacker) (*packField, error) {
	h, err := d.head()
	if err != nil {
		return nil, err
	}
	if h.kind != kindStr && h.kind != kindBin {
		return nil, misfit.New(h.String(), reflect.TypeFor[string]()).At(misfit.Key)
	}
	d.loosen(h.kind == kindStr)
	name := d.bytes(h.n)
	f := fs.byName[string(name)]
	d.loosen(f != nil && f.name == string(name)) // not by its alias
	return f, nil
}

// unpackIn reads the field of a struct. An embedded pointer is set only for a
// field that is not nil, since the fields of a nil one are written so.
func (f *packField) unpackIn(d *unpacker, strct unsafe.Pointer) error {
	if f.path == nil {
		return f.unpack(d, unsafe.Add(strct, f.off))
	}
	d.loose = true // it is not known which of them were nil
	if f.in(strct, false) == nil {
		if d.passes(nilKey) {
			return nil
		}
		if err := d.charge(f.side); err != nil {
			return err
		}
	}
	return f.unpack(d, f.in(strct, true))
}

var nilKey = []byte{codeNil}
