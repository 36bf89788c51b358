package codec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

// packFields are the fields of a struct as they are written: embedded structs
// dissolved, names and options from the tags.
type packFields struct {
	typ     reflect.Type
	list    []*packField          // in the order of the source
	sorted  []*packField          // by name, see [packFields.pack]
	byName  map[string]*packField // aliases too
	omits   bool                  // some field has omitempty
	asArray bool
}

type packField struct {
	*packType
	name  string
	alias string
	key   []byte  // the name, encoded
	index []int   // as in reflect.StructField, from the outermost struct
	path  []hop   // the embedded pointers on the way
	off   uintptr // from the last of them, or from the struct
	omit  bool
	side  int // bytes that embedded pointers on the way take
}

// hop is an embedded pointer: where it is, and to what.
type hop struct {
	off  uintptr
	elem reflect.Type
}

func (b packBuilder) fillStruct(pt *packType) error {
	fs, err := b.fieldsOf(pt.typ, nil)
	if err != nil {
		return err
	}
	fs.byName = make(map[string]*packField)
	for _, f := range fs.list {
		if fs.byName[f.name] != nil {
			return fmt.Errorf("codec: two fields of %s are called %q", pt.typ, f.name)
		}
		fs.byName[f.name] = f
		fs.omits = fs.omits || f.omit
		f.walk(pt.typ)
	}
	for _, f := range fs.list {
		if f.alias != "" && fs.byName[f.alias] == nil {
			fs.byName[f.alias] = f
		}
	}
	fs.sorted = slices.SortedFunc(slices.Values(fs.list), func(a, b *packField) int {
		return strings.Compare(a.name, b.name)
	})
	pt.fields, pt.pack, pt.unpack, pt.compare = fs, fs.pack, fs.unpack, fs.compare
	return nil
}

// fieldsOf lists the fields of t as msgpack/v5 does. An embedded struct gives
// its fields to the outer one, unless one of their names is taken: then it is a
// field of its own, under its type's name, and nothing is lost. The option
// inline makes it give those whose names are free, noinline makes it give none.
//
// v5 minds only the names that come before the embedded struct, and writes
// those that come after it twice. Here all of the outer struct's count.
func (b packBuilder) fieldsOf(t reflect.Type, outer []reflect.Type) (*packFields, error) {
	if slices.Contains(outer, t) {
		return nil, fmt.Errorf("codec: %s embeds itself", t)
	}
	outer = append(outer, t)

	fs := &packFields{typ: t}
	var omitAll bool
	taken := map[string]bool{}
	for f := range t.Fields() {
		tag := parsePackTag(f)
		if f.Name == "_msgpack" {
			fs.asArray = tag.asArray
			omitAll = tag.omitEmpty
		}
		if !f.Anonymous && f.IsExported() && tag.name != "-" {
			taken[tag.name] = true
		}
	}

	for f := range t.Fields() {
		tag := parsePackTag(f)
		if tag.name == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		if f.Anonymous && !tag.noInline {
			inlined, err := b.inline(f, outer)
			if err != nil {
				return nil, err
			}
			free := func(f *packField) bool { return !taken[f.name] }
			all := inlined != nil && !slices.ContainsFunc(inlined, func(f *packField) bool { return !free(f) })
			if all || inlined != nil && tag.inline {
				for _, inner := range inlined {
					if free(inner) {
						taken[inner.name] = true
						inner.index = append(slices.Clone(f.Index), inner.index...)
						fs.list = append(fs.list, inner)
					}
				}
				continue
			}
		}
		if !f.IsExported() {
			if f.Type.Kind() == reflect.Struct {
				return nil, fmt.Errorf("codec: %s embeds %s, which is not exported and cannot give it its fields", t, f.Type)
			}
			continue // embedded and not a struct: out of reach, as in encoding/json
		}
		ft, err := b.build(f.Type)
		if err != nil {
			return nil, err
		}
		taken[tag.name] = true
		fs.list = append(fs.list, &packField{
			packType: ft,
			name:     tag.name,
			alias:    tag.alias,
			key:      appendStr(nil, tag.name),
			index:    f.Index,
			omit:     tag.omitEmpty || omitAll,
		})
	}
	return fs, nil
}

// inline returns the fields of an embedded struct, or pointer to one, nil if
// it is neither or has a form of its own.
func (b packBuilder) inline(f reflect.StructField, outer []reflect.Type) ([]*packField, error) {
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == timeType {
		return nil, nil
	}
	if methods, err := ownMethodsOf(t); err != nil || methods != nil {
		return nil, err
	}
	if f.Type.Kind() == reflect.Pointer && !f.IsExported() {
		return nil, fmt.Errorf("codec: %s embeds %s, which cannot be set when decoding: embed it without the pointer", outer[len(outer)-1], f.Type)
	}
	fs, err := b.fieldsOf(t, outer)
	if err != nil {
		return nil, err
	}
	return fs.list, nil
}

type packTag struct {
	name, alias                          string
	omitEmpty, inline, noInline, asArray bool
}

func parsePackTag(f reflect.StructField) packTag {
	tag := packTag{name: f.Name}
	for i, option := range strings.Split(f.Tag.Get("msgpack"), ",") {
		option, value, _ := strings.Cut(strings.TrimSpace(option), ":")
		switch {
		case option == "alias":
			tag.alias = strings.TrimSpace(value)
		case i == 0 && option != "":
			tag.name = option
		case option == "omitempty":
			tag.omitEmpty = true
		case option == "inline":
			tag.inline = true
		case option == "noinline":
			tag.noInline = true
		case option == "as_array" || option == "asArray":
			tag.asArray = true
		}
	}
	return tag
}

// walk notes the way to the field from a struct of type t.
func (f *packField) walk(t reflect.Type) {
	f.path, f.off, f.side = nil, 0, 0
	for _, index := range f.index {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
			f.path, f.off = append(f.path, hop{f.off, t}), 0
			f.side += allocSize(int(t.Size()))
		}
		field := t.Field(index)
		f.off += field.Offset
		t = field.Type
	}
}

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

func (f *packField) omitted(strct unsafe.Pointer) bool {
	if !f.omit && f.path == nil {
		return false
	}
	p := f.in(strct, false)
	return p == nil || f.omit && f.isEmpty(p)
}

// count is the number of fields that pack writes.
func (fs *packFields) count(p unsafe.Pointer) int {
	if !fs.omits {
		return len(fs.list)
	}
	n := 0
	for _, f := range fs.list {
		if !f.omitted(p) {
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
	list, omits := fs.list, fs.omits
	switch {
	case fs.asArray:
		e.buf = appendArrayLen(e.buf, len(list))
		omits = false
	case e.generic:
		list = fs.sorted
		fallthrough
	default:
		e.buf = appendMapLen(e.buf, fs.count(p))
	}
	for _, f := range list {
		if omits && f.omitted(p) {
			continue
		}
		if !fs.asArray {
			e.buf = append(e.buf, f.key...)
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

// unpack reads a struct. What the wire has and the struct has not is passed
// over; what the struct has and the wire has not stays zero.
func (fs *packFields) unpack(d *unpacker, p unsafe.Pointer) error {
	h, err := d.head()
	if err != nil {
		return err
	}
	switch {
	case h.kind == kindNil || h.kind == kindArray && h.n == 0:
		reflect.NewAt(fs.typ, p).Elem().SetZero()
		return nil
	case h.kind == kindArray && h.n != len(fs.list):
		return fmt.Errorf("codec: msgpack: %s has %d fields, its stored form, an array, has %d", fs.typ, len(fs.list), h.n)
	case h.kind != kindArray && h.kind != kindMap:
		return d.mismatch(h, fs.typ.String())
	}
	if err := d.enter(); err != nil {
		return err
	}
	for i := range h.n {
		var f *packField
		if h.kind == kindArray {
			f = fs.list[i]
		} else if f, err = fs.next(d, i); err != nil {
			return err
		}
		if f == nil {
			err = d.skip()
		} else {
			err = f.unpackIn(d, p)
		}
		if err != nil {
			return err
		}
	}
	d.leave()
	return nil
}

// next reads the name of the i-th field on the wire and finds the field, nil if
// there is none. Most often it is the i-th of the struct too.
func (fs *packFields) next(d *unpacker, i int) (*packField, error) {
	if i < len(fs.list) && d.passes(fs.list[i].key) {
		return fs.list[i], nil
	}
	h, err := d.head()
	if err != nil {
		return nil, err
	}
	if h.kind != kindStr && h.kind != kindBin {
		return nil, fmt.Errorf("codec: msgpack: a field of %s is called by a %s instead of a string", fs.typ, h.kind)
	}
	return fs.byName[string(d.bytes(h.n))], nil
}

// unpackIn reads the field of a struct. An embedded pointer is set only for a
// field that is not nil, since the fields of a nil one are written so.
func (f *packField) unpackIn(d *unpacker, strct unsafe.Pointer) error {
	if f.path != nil && f.in(strct, false) == nil {
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
