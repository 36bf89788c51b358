package codec

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// jsonType is what there is to know about a type to tell the cost of decoding
// JSON into it. A nil one stands for what is passed over.
type jsonType struct {
	kind    reflect.Kind // Invalid: it decodes itself
	size    int
	key     int                   // Map: bytes allocated for a key, besides its text
	entries mapShape              // Map
	elem    *jsonType             // Pointer, Slice, Array, Map
	fields  map[string]*jsonField // Struct, by name
	folded  map[string]*jsonField // Struct, by folded name
}

type jsonField struct {
	*jsonType
	depth int // of embedding
	side  int // bytes that embedded pointers on the way take
}

var (
	jsonTypes sync.Map // reflect.Type to *jsonType
	jsonAny   = &jsonType{kind: reflect.Interface}
)

func jsonTypeOf(t reflect.Type) *jsonType {
	if known, ok := jsonTypes.Load(t); ok {
		return known.(*jsonType)
	}
	seen := map[reflect.Type]*jsonType{}
	jt := buildJSONType(t, seen)
	for t, jt := range seen {
		jsonTypes.LoadOrStore(t, jt)
	}
	return jt
}

func buildJSONType(t reflect.Type, seen map[reflect.Type]*jsonType) *jsonType {
	if jt := seen[t]; jt != nil {
		return jt
	}
	jt := &jsonType{kind: t.Kind(), size: int(t.Size())}
	seen[t] = jt
	if pair, _ := choosePair(t, jsonMethods, textMethods); pair >= 0 {
		jt.kind = reflect.Invalid
		return jt
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		jt.elem = buildJSONType(t.Elem(), seen)
	case reflect.Map:
		jt.elem = buildJSONType(t.Elem(), seen)
		jt.entries = mapShapeOf(t.Key(), t.Elem())
		jt.key = allocSize(int(t.Key().Size()))
	case reflect.Struct:
		jt.fields, jt.folded = map[string]*jsonField{}, map[string]*jsonField{}
		jt.addFields(t, jsonField{}, nil, seen)
	}
	return jt
}

// addFields adds the fields of typ, which is the struct itself or embedded in it,
// at.depth levels down. Where two have the same name the less deep one wins.
func (t *jsonType) addFields(typ reflect.Type, at jsonField, outer []reflect.Type, seen map[reflect.Type]*jsonType) {
	if slices.Contains(outer, typ) {
		return
	}
	for f := range typ.Fields() {
		tag := f.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		if tag == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		ft, side := f.Type, at.side
		if f.Anonymous && name == "" {
			if ft.Kind() == reflect.Pointer {
				ft = ft.Elem()
				side += allocSize(int(ft.Size()))
			}
			if ft.Kind() == reflect.Struct {
				t.addFields(ft, jsonField{depth: at.depth + 1, side: side}, append(outer, typ), seen)
				continue
			}
			ft, side = f.Type, at.side
		}
		if name == "" {
			name = f.Name
		}
		if old := t.fields[name]; old == nil || old.depth > at.depth {
			field := &jsonField{buildJSONType(ft, seen), at.depth, side}
			t.fields[name], t.folded[foldName(name)] = field, field
		}
	}
}

// foldName makes names equal that encoding/json takes for the same: those that
// strings.EqualFold does.
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next // the smallest of those that fold to each other
			}
			r = next
		}
	}, name)
}
