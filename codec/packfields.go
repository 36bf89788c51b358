package codec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/sesame-go/sesame/internal/shape"
)

// packFields are the fields of a struct as they are written: embedded structs
// dissolved, names and options from the tags.
type packFields struct {
	typ     reflect.Type
	list    []*packField          // in the order of the source
	sorted  []*packField          // by name, see [packFields.pack]
	byName  map[string]*packField // aliases too
	asArray bool
	omits   bool // some field has omitempty
	plain   bool // none has, none is embedded through a pointer, and it is no array
}

type packField struct {
	*packType
	name  string
	alias string
	key   []byte  // the name, encoded
	index []int   // as in reflect.StructField, from the outermost struct
	path  []hop   // the embedded pointers on the way
	off   uintptr // from the last of them, or from the struct
	order int     // in the list
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
	fs.plain = !fs.asArray
	for i, f := range fs.list {
		if fs.byName[f.name] != nil {
			return fmt.Errorf("codec: two fields of %s are called %q", pt.typ, f.name)
		}
		fs.byName[f.name] = f
		f.order = i
		f.walk(pt.typ)
		fs.omits = fs.omits || f.omit
		fs.plain = fs.plain && !f.omit && f.path == nil
	}
	for _, f := range fs.list {
		if f.alias != "" && fs.byName[f.alias] == nil {
			fs.byName[f.alias] = f
		}
	}
	fs.sorted = slices.SortedFunc(slices.Values(fs.list), func(a, b *packField) int {
		return strings.Compare(a.name, b.name)
	})
	pt.fields, pt.pack, pt.unpack = fs, fs.pack, fs.unpack
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
	if !f.IsExported() && !shape.Promotes(t) {
		return []*packField{}, nil // nothing that anybody could reach
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
