package codec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/vmihailenco/tagparser/v2"

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
	guided  bool // some field may have large maps
}

type packField struct {
	*packType
	name   string
	goName string // as in Base.ID
	alias  string
	key    []byte  // the name, encoded
	index  []int   // as in reflect.StructField, from the outermost struct
	path   []hop   // the embedded pointers on the way
	off    uintptr // from the last of them, or from the struct
	order  int     // in the list
	omit   bool
	side   int // bytes that embedded pointers on the way take
}

// hop is an embedded pointer on the way to a field.
type hop struct {
	off  uintptr
	elem reflect.Type
}

func (b packBuilder) fillStruct(pt *packType) error {
	fields, err := packDialect.Fields(pt.typ)
	if err != nil {
		return fmt.Errorf("codec: %s, %w", pt.typ, err)
	}
	fs := &packFields{typ: pt.typ, byName: make(map[string]*packField)}
	fs.asArray = hasOption(pt.typ, "as_array") || hasOption(pt.typ, "asArray")
	fs.plain = !fs.asArray
	for i, field := range fields {
		ft, err := b.build(field.Type)
		if err != nil {
			return err
		}
		tag := tagparser.Parse(field.Tag.Get("msgpack"))
		f := &packField{
			packType: ft,
			name:     field.Key,
			goName:   field.Path,
			alias:    tag.Options["alias"],
			key:      appendStr(nil, field.Key),
			index:    field.Index,
			order:    i,
			omit:     tag.HasOption("omitempty") || hasOption(field.In, "omitempty"),
		}
		f.walk(pt.typ)
		fs.list = append(fs.list, f)
		fs.byName[f.name] = f
		fs.omits = fs.omits || f.omit
		fs.plain = fs.plain && !f.omit && f.path == nil
		fs.guided = fs.guided || f.guided
	}
	for _, f := range fs.list {
		if f.alias != "" && fs.byName[f.alias] == nil {
			fs.byName[f.alias] = f
		}
	}
	fs.sorted = slices.SortedFunc(slices.Values(fs.list), func(a, b *packField) int {
		return strings.Compare(a.name, b.name)
	})
	pt.fields, pt.pack, pt.unpack, pt.guided = fs, fs.pack, fs.unpack, fs.guided
	return nil
}

// packTag reads tags as msgpack/v5 does. An embedded struct gives its fields to
// the outer one, unless one of their names is taken: then it is a field of its
// own, under its type's name, and nothing is lost.
//
// msgpack/v5 considers only the names that come before the embedded struct, and
// writes those that come after it twice. Here all names of the outer struct count.
func packTag(f reflect.StructField) (shape.Tag, error) {
	tag := tagparser.Parse(f.Tag.Get("msgpack"))
	embed := shape.Try
	switch {
	case tag.HasOption("noinline"):
		embed = shape.Keep
	case tag.HasOption("inline"):
		embed = shape.Dissolve
	}
	return shape.Tag{Name: tag.Name, Skip: tag.Name == "-", Embed: embed}, nil
}

// hasOption reports whether the struct t has an option for all of it, in the tag
// of a field _msgpack.
func hasOption(t reflect.Type, option string) bool {
	f, ok := t.FieldByName("_msgpack")
	return ok && len(f.Index) == 1 && tagparser.Parse(f.Tag.Get("msgpack")).HasOption(option)
}

// walk finds the way to the field from a struct of type t.
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
