package gobwire

import (
	"encoding"
	"encoding/gob"
	"fmt"
	"reflect"
	"slices"
	"sync"
)

// Check returns an error if v is nested too deep to be decoded again, or
// contains itself: a gob.Encoder would run out of stack, which no program
// survives. Nor may there be a nil pointer where gob has no way to leave it
// out; of a type that encodes itself, an encoder would call the method.
//
// It does not look into types that encode themselves.
func Check(v reflect.Value) error { return check(v, true, 0) }

// check looks at a value, which is needed if it is not a field of a struct.
func check(v reflect.Value, needed bool, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("value is nested deeper than %d levels or contains itself", maxDepth)
	}
	if v.Kind() == reflect.Pointer {
		if !v.IsNil() {
			return check(v.Elem(), needed, depth+1)
		}
		if needed {
			return fmt.Errorf("nil pointer of type %v where a value is needed, as in a slice, an array or a map", v.Type())
		}
		return nil
	}
	if v.Kind() == reflect.Invalid || !suspect(v.Type()) {
		return nil
	}
	switch v.Kind() {
	case reflect.Interface:
		if v.Elem().Kind() == reflect.Pointer && v.Elem().IsNil() {
			return nil // an encoder has an error for it
		}
		return check(v.Elem(), true, depth+1)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := check(v.Index(i), true, depth+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if err := check(it.Key(), true, depth+1); err != nil {
				return err
			}
			if err := check(it.Value(), true, depth+1); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanInterface() { // is exported
				if err := check(f, false, depth+1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// suspects has the answers of suspect.
var suspects sync.Map // map[reflect.Type]bool

// suspect reports whether there may be something to find in values of type t:
// they nest without end, which takes an interface or a type that contains
// itself, or hold pointers to a type that encodes itself.
func suspect(t reflect.Type) bool {
	if s, ok := suspects.Load(t); ok {
		return s.(bool)
	}
	s := search{done: map[reflect.Type]bool{}}.reaches(t, nil)
	suspects.Store(t, s)
	return s
}

// search knows the types that lead to nothing.
type search struct{ done map[reflect.Type]bool }

// reaches reports whether t leads to an interface, to one of the types on the
// way to it, or to a pointer that is needed. Then the search is over.
func (s search) reaches(t reflect.Type, way []reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
	default:
		return false
	}
	if EncodesItself(t) || s.done[t] {
		return false
	}
	if slices.Contains(way, t) {
		return true
	}
	way = append(way, t)
	found := false
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			found = found || f.IsExported() && s.reaches(f.Type, way)
		}
	case reflect.Map:
		found = s.reachesNeeded(t.Key(), way) || s.reachesNeeded(t.Elem(), way)
	case reflect.Pointer:
		found = s.reaches(t.Elem(), way)
	default:
		found = s.reachesNeeded(t.Elem(), way)
	}
	s.done[t] = true
	return found
}

// reachesNeeded is reaches for the type of a key or an element.
func (s search) reachesNeeded(t reflect.Type, way []reflect.Type) bool {
	if s.reaches(t, way) {
		return true // as it does if pointers go round in circles
	}
	base := t
	for base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	return base != t && EncodesItself(base)
}

var (
	gobEncoder      = reflect.TypeFor[gob.GobEncoder]()
	binaryMarshaler = reflect.TypeFor[encoding.BinaryMarshaler]()
)

// EncodesItself reports whether values of type t are encoded by a method.
func EncodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(gobEncoder) || p.Implements(binaryMarshaler)
}
