package cborcodec

import (
	"bytes"
	"encoding"
	"errors"
	"io"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// The library gives the methods of types a part of the very data, with all that
// follows it within reach of an append. So a value with such types in it is
// decoded part by part: each value that decodes itself is given a copy, and the
// library decodes what lies between.

// parts decodes data that has been scanned for the same type.
type parts struct {
	scanner
	library *cbor.Decoder // reads next
	next    []byte
}

func decodeParts(data []byte, p *plan, v reflect.Value) error {
	d := &parts{scanner: scanner{data: data}}
	d.library = decoder.NewDecoder(d)
	return d.value(p, v)
}

// Read implements [io.Reader].
func (d *parts) Read(b []byte) (int, error) {
	if len(d.next) == 0 {
		return 0, io.EOF
	}
	n := copy(b, d.next)
	d.next = d.next[n:]
	return n, nil
}

// value decodes the next item into v, which is of p's type.
func (d *parts) value(p *plan, v reflect.Value) error {
	start := d.pos
	h, err := d.head()
	if err != nil {
		return err
	}
	null := h.major == majorSimple && h.width == 0 && h.arg == simpleNull
	switch {
	case !p.apart || null && p.form != ofOwnCBOR:
		d.pos = start
		d.next, err = d.skipped()
		if err != nil {
			return err
		}
		return d.library.Decode(v.Addr().Interface())
	case p.form == ofOwnCBOR:
		d.pos = start
		item, err := d.skipped()
		if err != nil {
			return err
		}
		return v.Addr().Interface().(cbor.Unmarshaler).UnmarshalCBOR(bytes.Clone(item))
	case p.form == ofOwnBytes:
		return v.Addr().Interface().(encoding.BinaryUnmarshaler).UnmarshalBinary(d.content(h))
	case p.form == ofOwnText:
		return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(d.content(h))
	case p.form == ofPointer:
		d.pos = start
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return d.value(p.elem, v.Elem())
	case p.form == ofStruct:
		return d.structure(p, v, int(h.arg))
	case p.form == ofTuple:
		for _, f := range p.fields {
			if err := d.value(f.plan, v.FieldByIndex(f.index)); err != nil {
				return err
			}
		}
		return nil
	case p.form == ofMap:
		return d.entries(p, v, int(h.arg))
	default: // ofSlice, ofArray
		return d.elements(p, v, int(h.arg))
	}
}

// skipped reads over the next item and returns it.
func (d *parts) skipped() ([]byte, error) {
	start := d.pos
	err := d.skip()
	return d.data[start:d.pos], err
}

// content returns a copy of the bytes of a string.
func (d *parts) content(h head) []byte {
	start := d.pos
	d.pos += int(h.arg)
	return bytes.Clone(d.data[start:d.pos])
}

func (d *parts) structure(p *plan, v reflect.Value, n int) error {
	for range n {
		key, err := d.skipped()
		if err != nil {
			return err
		}
		if f := p.names[string(key)]; f == nil {
			_, err = d.skipped()
		} else {
			err = d.value(f.plan, fieldOf(v, f.index))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fieldOf returns a field, making the embedded structs on the way to it.
func fieldOf(v reflect.Value, index []int) reflect.Value {
	for _, i := range index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v
}

var errSameKey = errors.New("two keys of a map are decoded as the same")

func (d *parts) entries(p *plan, v reflect.Value, n int) error {
	v.Set(reflect.MakeMapWithSize(v.Type(), n))
	key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	for range n {
		key.SetZero()
		if err := d.value(p.key, key); err != nil {
			return err
		}
		if v.MapIndex(key).IsValid() {
			return errSameKey
		}
		elem.SetZero()
		if err := d.value(p.elem, elem); err != nil {
			return err
		}
		v.SetMapIndex(key, elem)
	}
	return nil
}

func (d *parts) elements(p *plan, v reflect.Value, n int) error {
	if p.form == ofSlice {
		v.Set(reflect.MakeSlice(v.Type(), n, n))
	}
	for i := range n {
		var err error
		if i < v.Len() {
			err = d.value(p.elem, v.Index(i))
		} else { // an array that is too short
			_, err = d.skipped()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
