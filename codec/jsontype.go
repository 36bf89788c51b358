package codec

import (
	"reflect"
	"sync"
)

// jsonType is what there is to know about a type to tell the cost of decoding
// JSON into it. A nil one stands for what is passed over.
type jsonType struct {
	kind    reflect.Kind // Invalid: it decodes itself
	apart   bool         // it does so, or has in it what does: see jsonParts
	size    int
	key     int                   // Map: bytes allocated for a key, besides its text
	entries mapShape              // Map
	elem    *jsonType             // Pointer, Slice, Array, Map
	fields  map[string]*jsonField // Struct, by name
	folded  map[string]*jsonField // Struct, by folded name
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
	for changed := true; changed; { // what has something apart in it is apart
		changed = false
		for _, jt := range seen {
			if !jt.apart && jt.hasApart() {
				jt.apart, changed = true, true
			}
		}
	}
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
	if methods, _ := chooseJSON(t); methods != nil {
		jt.kind = reflect.Invalid
		jt.apart = t != timeType // whose methods neither keep nor change what they are given
		return jt
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		jt.elem = buildJSONType(t.Elem(), seen)
	case reflect.Map:
		jt.elem = buildJSONType(t.Elem(), seen)
		jt.entries = mapShapeOf(t.Key(), t.Elem())
		jt.key = allocSize(int(t.Key().Size()))
		jt.apart = t.Key() != timeType && reflect.PointerTo(t.Key()).Implements(textMethods.unmarshaler)
	case reflect.Struct:
		jt.fields, jt.folded = map[string]*jsonField{}, map[string]*jsonField{}
		fields, _ := jsonFieldsOf(t)
		for _, f := range fields {
			f.jsonType = buildJSONType(f.typ, seen)
			jt.fields[f.name] = f
			if folded := foldName(f.name); jt.folded[folded] == nil { // the first is taken
				jt.folded[folded] = f
			}
		}
	}
	return jt
}

func (t *jsonType) hasApart() bool {
	for _, f := range t.fields {
		if f.apart {
			return true
		}
	}
	return t.elem != nil && t.elem.apart
}
