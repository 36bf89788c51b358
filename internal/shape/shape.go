// Package shape walks over a type and finds what a codec cannot carry.
//
// codec/cborcodec, a module with versions of its own, uses it too: what is
// exported here keeps its form, or an older cborcodec could not be built.
package shape

import (
	"errors"
	"fmt"
	"reflect"
)

// Rule is a codec's own opinion of a type. It returns stop if the type has a
// form of its own, such as a MarshalText method, so that what it consists of
// does not matter. The error reads like a clause: "which JSON cannot carry".
type Rule func(t reflect.Type) (stop bool, err error)

// Check walks over t and all that it consists of and returns an error that
// names the first place, as in "Session.Cart.Notify has type chan int, which no
// codec can carry". It passes over unexported fields and those that the given
// struct tag, such as "json", marks with "-".
func Check(t reflect.Type, tag string, rule Rule) error {
	w := walker{tag: tag, rule: rule, seen: map[reflect.Type]bool{}}
	name := t.Name()
	if name == "" {
		name = t.String()
	}
	return w.walk(name, t)
}

type walker struct {
	tag  string
	rule Rule
	seen map[reflect.Type]bool
}

func (w *walker) walk(path string, t reflect.Type) error {
	// A type that is fine in one place is fine everywhere, and one that
	// contains itself is being looked at already.
	if w.seen[t] {
		return nil
	}
	w.seen[t] = true

	stop, err := w.rule(t)
	if err != nil {
		return fmt.Errorf("%s has type %s, %w", path, t, err)
	}
	if stop {
		return nil
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return fmt.Errorf("%s has type %s, which no codec can carry", path, t)
	case reflect.Pointer:
		if Endless(t) {
			return fmt.Errorf("%s has type %s, which points to nothing but pointers", path, t)
		}
		return w.walk(path, t.Elem())
	case reflect.Slice, reflect.Array:
		return w.walk(path+"[]", t.Elem())
	case reflect.Map:
		if err := w.walk("the key of "+path, t.Key()); err != nil {
			return err
		}
		return w.walk(path+"[]", t.Elem())
	case reflect.Struct:
		return w.fields(path, t)
	}
	return nil
}

var errHidden = errors.New("which has only unexported fields")

func (w *walker) fields(path string, t reflect.Type) error {
	hidden := t.NumField() > 0
	for f := range t.Fields() {
		if !f.IsExported() && !(f.Anonymous && Promotes(f.Type)) {
			continue // out of a codec's reach
		}
		hidden = false
		if f.Tag.Get(w.tag) == "-" {
			continue
		}
		if err := w.walk(path+"."+f.Name, f.Type); err != nil {
			return err
		}
	}
	if hidden {
		return fmt.Errorf("%s has type %s, %w", path, t, errHidden)
	}
	return nil
}

// Endless reports whether the pointers that t leads to never end, as those of
//
//	type P *P
//
// which the libraries under the codecs would follow forever.
func Endless(t reflect.Type) bool {
	seen := map[reflect.Type]bool{}
	for ; t.Kind() == reflect.Pointer; t = t.Elem() {
		if seen[t] {
			return true
		}
		seen[t] = true
	}
	return false
}

// embedsStruct reports whether f is an embedded struct, or a pointer to one.
func embedsStruct(f reflect.StructField) bool {
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return f.Anonymous && t.Kind() == reflect.Struct
}
