// Package shape describes Go types as codecs see them: which fields a struct has,
// which types write themselves, and what would be lost.
//
// codec/cborcodec, a module of its own, uses it too.
package shape

import (
	"fmt"
	"reflect"
	"sync"
)

// Dialect is how one codec reads Go types. Its methods are safe for concurrent use
// and cache what they find out about a type.
type Dialect struct {
	// Tag reads the struct tag of a field.
	Tag func(f reflect.StructField) (Tag, error)

	// Rule decides on a type. It returns own if the type is encoded in a form of
	// its own, such as by a MarshalText method, so that its parts do not matter.
	// Its error is a clause: "which JSON cannot carry".
	Rule func(t reflect.Type) (own bool, err error)

	known   sync.Map // reflect.Type to *about
	checked sync.Map // reflect.Type to verdict
}

// Check walks over t and all that it consists of and returns an error that
// names the first place that cannot be carried, as in "Session.Cart.Notify has
// type chan int, which no codec can carry".
func (d *Dialect) Check(t reflect.Type) error {
	known, ok := d.checked.Load(t)
	if !ok {
		w := walker{Dialect: d, seen: map[reflect.Type]bool{}}
		name := t.Name()
		if name == "" {
			name = t.String()
		}
		known = verdict{w.walk(name, t)}
		d.checked.Store(t, known)
	}
	return known.(verdict).err
}

type verdict struct{ err error }

type walker struct {
	*Dialect
	seen map[reflect.Type]bool
}

func (w *walker) walk(path string, t reflect.Type) error {
	// The result does not depend on the place, and a type that contains itself
	// is being checked already.
	if w.seen[t] {
		return nil
	}
	w.seen[t] = true

	own, err := w.Rule(t)
	if err != nil {
		return fmt.Errorf("%s has type %s, %w", path, t, err)
	}
	if own {
		return nil
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return fmt.Errorf("%s has type %s, which no codec can carry", path, t)
	case reflect.Pointer:
		if endless(t) {
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
		fields, err := w.Fields(t)
		if err != nil {
			return fmt.Errorf("%s has type %s, %w", path, t, err)
		}
		for _, f := range fields {
			if err := w.walk(path+"."+f.Path, f.Type); err != nil {
				return err
			}
		}
	}
	return nil
}

// endless reports whether the pointers that t leads to never end, as those of
//
//	type P *P
//
// which the codecs' libraries would follow without end.
func endless(t reflect.Type) bool {
	seen := map[reflect.Type]bool{}
	for ; t.Kind() == reflect.Pointer; t = t.Elem() {
		if seen[t] {
			return true
		}
		seen[t] = true
	}
	return false
}
