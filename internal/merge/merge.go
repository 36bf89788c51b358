// Package merge resolves two changes of one struct, made side by side, in
// three ways: from what both started with, what I made of it, and what they
// did.
package merge

import (
	"reflect"
	"slices"
)

// Structs merges what they did into mine and returns the paths of the fields
// that both changed, where mine wins. Changes that look alike are two as well:
// of a counter that both have raised by one, one is lost.
//
// base, mine and theirs are pointers to structs of one type. Exported fields
// are taken one by one: what I left alone becomes theirs. Where both made
// changes, structs are merged field by field, maps key by key, pointers and
// interfaces by what they hold; a type with a method Merge(base, theirs *F) on
// F or *F settles its own conflicts. All else, slices too, is one value. A key
// of a map that both removed is the one change that both can make.
//
// The three may come to share memory; base and theirs are of no use
// afterwards.
func Structs(base, mine, theirs any) (conflicts []string) {
	var m merger
	m.merge("", reflect.ValueOf(base).Elem(), reflect.ValueOf(mine).Elem(), reflect.ValueOf(theirs).Elem())
	slices.Sort(m.conflicts)
	return slices.Compact(m.conflicts)
}

type merger struct{ conflicts []string }

// merge settles one value. mine is settable, all three have the same type.
func (m *merger) merge(path string, base, mine, theirs reflect.Value) {
	if mine.CanInterface() {
		switch {
		case equal(theirs, base):
			return
		case equal(mine, base):
			mine.Set(theirs)
			return
		case custom(base, mine, theirs):
			return
		}
	}
	switch mine.Kind() {
	case reflect.Struct:
		if m.mergeFields(path, base, mine, theirs) {
			return
		}
	case reflect.Map:
		if !mine.IsNil() && !theirs.IsNil() {
			m.mergeKeys(path, base, mine, theirs)
			return
		}
	case reflect.Pointer:
		if !mine.IsNil() && !theirs.IsNil() {
			m.merge(path, elem(base, mine), mine.Elem(), theirs.Elem())
			return
		}
	case reflect.Interface:
		if sameType(mine, theirs) && (base.IsNil() || sameType(base, mine)) {
			mine.Set(m.mergeCopy(path, elem(base, mine), mine.Elem(), theirs.Elem()))
			return
		}
	}
	m.conflicts = append(m.conflicts, path)
}

// mergeFields reports false for a struct without exported fields, such as
// time.Time, and for one whose other fields changed, which methods of its own
// must have stored: these are one value.
func (m *merger) mergeFields(path string, base, mine, theirs reflect.Value) bool {
	if mine.CanInterface() && !(SameHidden(base, mine) && SameHidden(base, theirs)) {
		return false
	}
	merged := false
	for i := range mine.NumField() {
		f := mine.Type().Field(i)
		if !f.IsExported() && (!f.Anonymous || f.Type.Kind() != reflect.Struct) {
			continue
		}
		merged = true
		at := f.Name
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			at = path // its fields are promoted: the user writes s.Name, not s.Base.Name
		case path != "":
			at = path + "." + f.Name
		}
		m.merge(at, base.Field(i), mine.Field(i), theirs.Field(i))
	}
	return merged
}

// mergeKeys names a conflict by the map alone: a key may be a stranger's name.
func (m *merger) mergeKeys(path string, base, mine, theirs reflect.Value) {
	for it := theirs.MapRange(); it.Next(); {
		key, t := it.Key(), it.Value()
		mv, b := mine.MapIndex(key), base.MapIndex(key)
		switch {
		case b.IsValid() && equal(t, b):
			// they left it alone
		case !mv.IsValid() && !b.IsValid(), mv.IsValid() && b.IsValid() && equal(mv, b):
			mine.SetMapIndex(key, t)
		case mv.IsValid() && b.IsValid():
			mine.SetMapIndex(key, m.mergeCopy(path, b, mv, t))
		case mv.IsValid():
			// Both added the key: start from nothing, as both did.
			mine.SetMapIndex(key, m.mergeCopy(path, reflect.Zero(t.Type()), mv, t))
		default: // I removed what they changed
			m.conflicts = append(m.conflicts, path)
		}
	}
	for it := base.MapRange(); it.Next(); {
		key, b := it.Key(), it.Value()
		if theirs.MapIndex(key).IsValid() {
			continue
		}
		if mv := mine.MapIndex(key); mv.IsValid() {
			if equal(mv, b) {
				mine.SetMapIndex(key, reflect.Value{}) // they removed what I left alone
			} else {
				m.conflicts = append(m.conflicts, path)
			}
		}
	}
}

// mergeCopy merges values that cannot be set in place: what maps and
// interfaces hold.
func (m *merger) mergeCopy(path string, base, mine, theirs reflect.Value) reflect.Value {
	settable := func(v reflect.Value) reflect.Value {
		p := reflect.New(v.Type()).Elem()
		p.Set(v)
		return p
	}
	merged := settable(mine)
	m.merge(path, settable(base), merged, settable(theirs))
	return merged
}

func equal(a, b reflect.Value) bool { return reflect.DeepEqual(a.Interface(), b.Interface()) }

// elem is what base holds, or nothing of the kind that mine does: where both
// made something, they started from nothing.
func elem(base, mine reflect.Value) reflect.Value {
	if base.IsNil() {
		return reflect.New(mine.Elem().Type()).Elem()
	}
	return base.Elem()
}

func sameType(a, b reflect.Value) bool {
	return !a.IsNil() && !b.IsNil() && a.Elem().Type() == b.Elem().Type()
}

// SameHidden reports whether two structs agree in what is not exported. In
// values as they come out of the store it is zero, unless a type has methods of
// its own that store it.
func SameHidden(a, b reflect.Value) bool { return equal(hidden(a), hidden(b)) }

// hidden returns a copy of a struct with its exported fields zero.
func hidden(v reflect.Value) reflect.Value {
	h := reflect.New(v.Type()).Elem()
	h.Set(v)
	clearExported(h)
	return h
}

func clearExported(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		switch {
		case f.IsExported():
			v.Field(i).SetZero()
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			clearExported(v.Field(i))
		}
	}
}
