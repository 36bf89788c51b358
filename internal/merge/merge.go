// Package merge resolves two concurrent changes of one struct. It compares
// three versions: base, which both changes began with, mine, and theirs.
//
// Exported fields are merged one by one. A field that only they changed becomes
// theirs, one that only I changed stays mine. If both changed it, structs are merged
// field by field, maps key by key, pointers and interfaces by what they hold; a type
// with a method Merge(base, theirs *F) on *F settles its own conflicts, and a struct
// tag those of its field. Everything else, slices included, is one value: mine wins
// and the field is a conflict, even if both changes are equal.
package merge

import (
	"reflect"
	"slices"
)

// Structs merges what they did into mine and returns the paths of the fields
// that are in conflict, sorted. A path names fields only: the keys of a map may
// be a user's data.
//
// base, mine and theirs are pointers to structs of one type, as a codec decodes
// them. They may share memory afterwards, so that base and theirs must not be used
// any more.
func Structs(base, mine, theirs any) (conflicts []string) {
	return merge(reflect.Value{}, base, mine, theirs)
}

// Into merges as [Structs] does, and sets in live the fields that the merge has
// changed in mine. live points to the struct that mine is a decoded copy of.
// Its other fields keep the very maps and pointers that they have, and what is
// never stored.
func Into(live, base, mine, theirs any) (conflicts []string) {
	return merge(reflect.ValueOf(live).Elem(), base, mine, theirs)
}

func merge(live reflect.Value, base, mine, theirs any) []string {
	var m merger
	m.pointed("", none, versions{base: reflect.ValueOf(base), mine: reflect.ValueOf(mine), theirs: reflect.ValueOf(theirs)}, live)
	slices.Sort(m.conflicts)
	return slices.Compact(m.conflicts)
}

type merger struct {
	conflicts []string
	entered   map[pointer]bool // those in mine, since they may lead in circles
}

type pointer struct {
	at  uintptr
	typ reflect.Type
}

// versions are those of one value. They have one type, and can be set.
type versions struct {
	base, mine, theirs reflect.Value
	live               reflect.Value // not valid within what pointers, maps and interfaces hold
	made               bool          // there was none to begin with, and base is zero: both have made it
}

// merge settles one value and reports whether that has changed mine.
func (m *merger) merge(path string, r rule, v versions) (changed bool) {
	t := shapeOf(v.mine.Type())
	switch kind := v.mine.Kind(); {
	case t.own && v.live.IsValid():
		before := copied(v.mine)
		if changed = m.whole(path, r, t, v); changed {
			adopt(v.live, before, v.mine)
		}
		return changed
	case t.own:
		return m.whole(path, r, t, v)
	case len(t.fields) > 0 && t.sameHidden(v.base, v.mine) && t.sameHidden(v.base, v.theirs):
		return m.fields(path, t, v)
	case kind == reflect.Map:
		changed = m.keys(path, r, v)
	case kind == reflect.Pointer && !v.mine.IsNil() && !v.theirs.IsNil():
		changed = m.pointed(path, r, v, reflect.Value{})
	default:
		changed = m.whole(path, r, t, v)
	}
	if changed && v.live.IsValid() {
		v.live.Set(v.mine)
	}
	return changed
}

// whole merges a value as a whole. If both changed it, the type's own method, the
// field's rule, or what an interface holds decides.
func (m *merger) whole(path string, r rule, t *shape, v versions) (changed bool) {
	switch {
	case equal(v.theirs, v.base) && (!v.made || v.mine.IsZero()):
		return false
	case equal(v.mine, v.base) && !v.made:
		v.mine.Set(v.theirs)
		return true
	case t.own:
		callOwn(v)
		return true
	case r.settle(v):
		return true
	case v.mine.Kind() == reflect.Interface && sameType(v.mine, v.theirs) && (v.base.IsNil() || sameType(v.base, v.mine)):
		inside := versions{base: held(v.base, v.mine), mine: copied(v.mine.Elem()), theirs: copied(v.theirs.Elem()), made: v.base.IsNil()}
		if changed = m.merge(path, none, inside); changed {
			v.mine.Set(inside.mine)
		}
		return changed
	}
	m.conflict(path)
	return false
}

func (m *merger) conflict(path string) { m.conflicts = append(m.conflicts, path) }

// pointed merges what pointers point to. Those of mine and theirs are not nil.
func (m *merger) pointed(path string, r rule, v versions, live reflect.Value) (changed bool) {
	p := pointer{v.mine.Pointer(), v.mine.Type()}
	if m.entered[p] {
		return false
	}
	if m.entered == nil {
		m.entered = map[pointer]bool{}
	}
	m.entered[p] = true
	return m.merge(path, r, versions{held(v.base, v.mine), v.mine.Elem(), v.theirs.Elem(), live, v.base.IsNil()})
}

// held is what base holds, a pointer or an interface, or the zero value of what
// mine holds.
func held(base, mine reflect.Value) reflect.Value {
	switch {
	case base.IsNil():
		return reflect.New(mine.Elem().Type()).Elem()
	case base.Kind() == reflect.Interface:
		return copied(base.Elem())
	}
	return base.Elem()
}

func sameType(a, b reflect.Value) bool {
	return !a.IsNil() && !b.IsNil() && a.Elem().Type() == b.Elem().Type()
}

// copied returns a value that can be set, unlike what is in a map or an
// interface.
func copied(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}
