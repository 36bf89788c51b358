package merge

import (
	"reflect"
	"sync"
)

// shape is what merging has to know about a type.
type shape struct {
	own    bool    // it settles its own conflicts
	fields []field // of a struct: those that are merged one by one
	hidden []int   // of a struct: those that are not exported
}

type field struct {
	reflect.StructField
	at   int
	rule rule
}

var shapes sync.Map // reflect.Type to *shape

func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	s := &shape{own: hasOwn(t)}
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() && !dissolves(f) {
				s.hidden = append(s.hidden, i)
				continue
			}
			s.fields = append(s.fields, field{f, i, ruleOf(f)})
		}
	}
	known, _ := shapes.LoadOrStore(t, s)
	return known.(*shape)
}

// dissolves reports whether f is an embedded struct, whose fields are promoted.
func dissolves(f reflect.StructField) bool { return f.Anonymous && f.Type.Kind() == reflect.Struct }

// fields merges structs field by field.
func (m *merger) fields(path string, t *shape, v versions) (changed bool) {
	for i := range t.fields {
		f := &t.fields[i]
		at := f.Name
		switch {
		case dissolves(f.StructField):
			at = path // the user writes s.Name, not s.Base.Name
		case path != "":
			at = path + "." + f.Name
		}
		of := versions{base: f.of(v.base), mine: f.of(v.mine), theirs: f.of(v.theirs)}
		if v.live.IsValid() {
			of.live = f.of(v.live)
		}
		if m.merge(at, f.rule, of) {
			changed = true
		}
	}
	return changed
}

// of returns the field of a struct, settable even if it is an unexported embedded
// struct, which reflection would refuse to set.
func (f *field) of(v reflect.Value) reflect.Value {
	v = v.Field(f.at)
	if !v.CanSet() {
		v = reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem()
	}
	return v
}

// sameHidden leaves embedded structs to themselves.
func (s *shape) sameHidden(a, b reflect.Value) bool {
	for _, i := range s.hidden {
		if !equal(a.Field(i), b.Field(i)) {
			return false
		}
	}
	return true
}
