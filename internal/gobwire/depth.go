package gobwire

import (
	"fmt"
	"reflect"
	"sync"
)

// CheckDepth returns an error if v is nested too deep to be decoded again, or
// contains itself. A gob.Encoder would run out of stack, which no program
// survives.
func CheckDepth(v reflect.Value) error { return checkDepth(v, 0) }

func checkDepth(v reflect.Value, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("value is nested deeper than %d levels or contains itself", maxDepth)
	}
	if v.Kind() == reflect.Invalid || !unbounded(v.Type()) {
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return checkDepth(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := checkDepth(v.Index(i), depth+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if err := checkDepth(it.Key(), depth+1); err != nil {
				return err
			}
			if err := checkDepth(it.Value(), depth+1); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanInterface() { // is exported
				if err := checkDepth(f, depth+1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// unboundeds has the answers of unbounded.
var unboundeds sync.Map // map[reflect.Type]bool

// unbounded reports whether values of type t may nest without end, which takes
// an interface or a type that contains itself.
func unbounded(t reflect.Type) bool {
	if u, ok := unboundeds.Load(t); ok {
		return u.(bool)
	}
	u := reaches(t, nil)
	unboundeds.Store(t, u)
	return u
}

// reaches reports whether t leads to an interface or to one of the types on
// the way to it.
func reaches(t reflect.Type, way []reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
	default:
		return false
	}
	for _, w := range way {
		if w == t {
			return true
		}
	}
	way = append(way, t)
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			if f.IsExported() && reaches(f.Type, way) {
				return true
			}
		}
		return false
	case reflect.Map:
		return reaches(t.Key(), way) || reaches(t.Elem(), way)
	}
	return reaches(t.Elem(), way)
}
