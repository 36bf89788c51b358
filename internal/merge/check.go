package merge

import (
	"fmt"
	"reflect"
)

// Check returns an error if a session of the struct type t could not be merged
// as its type promises: if t, or a type within it, has a method Merge that
// would never be called, or a field a tag that has no meaning or does not fit.
// The error names the field and says what to do.
func Check(t reflect.Type) error {
	name := t.Name()
	if name == "" {
		name = t.String()
	}
	if method, ok := reflect.PointerTo(t).MethodByName("Merge"); ok && !isOwn(method, t) && !isPromoted(t, method) {
		return fmt.Errorf("%s has a method Merge of type %s; to resolve conflicts it must be %s, otherwise rename it", t, method.Type, wanted(t))
	}
	return checker{}.walk(name, t)
}

// checker holds the types that have been looked at.
type checker map[reflect.Type]bool

func (c checker) walk(path string, t reflect.Type) error {
	if c[t] {
		return nil
	}
	c[t] = true
	if err := checkOwn(path, t); err != nil {
		return err
	}
	switch t.Kind() {
	case reflect.Pointer:
		return c.walk(path, t.Elem())
	case reflect.Slice, reflect.Array, reflect.Map:
		return c.walk(path+"[]", t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if err := checkTag(path+"."+f.Name, t, f); err != nil {
				return err
			}
			if !f.IsExported() && !dissolves(f) {
				continue
			}
			if err := c.walk(path+"."+f.Name, f.Type); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkOwn looks for a method Merge that is probably meant to settle conflicts but
// does not, because its receiver or its parameters are no pointers.
func checkOwn(path string, t reflect.Type) error {
	method, ok := reflect.PointerTo(t).MethodByName("Merge")
	if !ok || t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return nil
	}
	_, onValue := t.MethodByName("Merge")
	switch {
	case isOwn(method, t) && onValue:
		return fmt.Errorf("%s has type %s, whose method Merge would change a copy: make its receiver a pointer, %s", path, t, wanted(t))
	case !isOwn(method, t) && method.Type.NumIn() == 3 && isEither(method.Type.In(1), t) && isEither(method.Type.In(2), t):
		return fmt.Errorf("%s has type %s, whose method Merge is not called for conflicts: make it %s, or rename it", path, t, wanted(t))
	}
	return nil
}

func isEither(p, t reflect.Type) bool { return p == t || p == reflect.PointerTo(t) }

func wanted(t reflect.Type) string {
	return fmt.Sprintf("func (mine *%s) Merge(base, theirs *%[1]s)", t.Name())
}

// isPromoted reports whether a method of the struct t is that of an embedded
// field, whose conflicts it settles.
func isPromoted(t reflect.Type, method reflect.Method) bool {
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.Anonymous {
			continue
		}
		p := f.Type
		if p.Kind() != reflect.Pointer {
			p = reflect.PointerTo(p)
		}
		if inner, ok := p.MethodByName("Merge"); ok && sameSignature(inner.Type, method.Type) {
			return true
		}
	}
	return false
}

// sameSignature compares two methods without their receivers.
func sameSignature(a, b reflect.Type) bool {
	if a.NumIn() != b.NumIn() || a.NumOut() != b.NumOut() || a.IsVariadic() != b.IsVariadic() {
		return false
	}
	for i := 1; i < a.NumIn(); i++ {
		if a.In(i) != b.In(i) {
			return false
		}
	}
	for i := range a.NumOut() {
		if a.Out(i) != b.Out(i) {
			return false
		}
	}
	return true
}

func checkTag(path string, t reflect.Type, f reflect.StructField) error {
	tag := f.Tag.Get("sesame")
	rules, err := parse(tag)
	if err != nil {
		return fmt.Errorf("%s has the tag sesame:%q: %w", path, tag, err)
	}
	for _, r := range rules {
		switch own := settled(f.Type); {
		case !f.IsExported():
			return fmt.Errorf("%s has the tag sesame:%q, but is not exported and thus never stored: export it, or remove the tag", path, tag)
		case hasOwn(t):
			return fmt.Errorf("%s has the tag sesame:%q, but the method Merge of %s settles its fields: remove one of the two", path, tag, t)
		case hasOwn(own):
			return fmt.Errorf("%s has the tag sesame:%q, but %s has a method Merge: remove one of the two", path, tag, own)
		case !r.fits(f.Type):
			return fmt.Errorf("%s has the tag sesame:%q, but type %s: %s", path, tag, f.Type, r.needs())
		}
	}
	return nil
}
