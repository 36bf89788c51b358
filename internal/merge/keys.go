package merge

import "reflect"

// keys merges maps key by key. A nil map counts as empty, and stays nil if it gets no
// key. A key that one side removed and the other changed is a conflict; one that both
// removed is not.
func (m *merger) keys(path string, r rule, v versions) (changed bool) {
	switch {
	case v.theirs.IsNil() && v.base.IsNil():
		return false
	case v.mine.IsNil() && v.base.IsNil(), v.theirs.IsNil() && equal(v.mine, v.base):
		v.mine.Set(v.theirs)
		return true
	}
	kept := 0 // keys of base that they have
	for it := over(v.theirs); it.Next(); {
		key, theirs := it.entry()
		base := lookup(v.base, key)
		if base.IsValid() {
			kept++
			if equal(theirs, base) {
				continue
			}
		}
		mine := lookup(v.mine, key)
		switch {
		case !mine.IsValid() && !base.IsValid(), mine.IsValid() && base.IsValid() && equal(mine, base):
			put(v.mine, key, theirs)
			changed = true
		case !mine.IsValid():
			m.conflict(path)
		default:
			entry := versions{mine: copied(mine), theirs: copied(theirs), made: !base.IsValid()}
			if entry.made {
				base = reflect.Zero(theirs.Type())
			}
			entry.base = copied(base)
			if m.merge(path, r, entry) {
				put(v.mine, key, entry.mine)
				changed = true
			}
		}
	}
	if kept == v.base.Len() {
		return changed
	}
	for it := over(v.base); it.Next(); {
		key, base := it.entry()
		if lookup(v.theirs, key).IsValid() {
			continue
		}
		switch mine := lookup(v.mine, key); {
		case !mine.IsValid():
			// both removed it
		case equal(mine, base):
			put(v.mine, key, reflect.Value{})
			changed = true
		default:
			m.conflict(path)
		}
	}
	return changed
}

// iterator goes over a map, and keeps one key and one value at a time.
type iterator struct {
	*reflect.MapIter
	key, value reflect.Value
}

func over(m reflect.Value) iterator {
	it := iterator{MapIter: m.MapRange()}
	if m.CanInterface() { // else reflection does not let them be set
		it.key, it.value = reflect.New(m.Type().Key()).Elem(), reflect.New(m.Type().Elem()).Elem()
	}
	return it
}

func (it *iterator) entry() (key, value reflect.Value) {
	if !it.key.IsValid() {
		return it.Key(), it.Value()
	}
	it.key.SetIterKey(it.MapIter)
	it.value.SetIterValue(it.MapIter)
	return it.key, it.value
}

// lookup returns the value at a key, which is not valid if there is none.
func lookup(m, key reflect.Value) reflect.Value {
	if found(key) {
		return m.MapIndex(key)
	}
	for it := m.MapRange(); it.Next(); {
		if equal(it.Key(), key) {
			return it.Value()
		}
	}
	return reflect.Value{}
}

// put sets the value at a key, or removes the key if the value is not valid.
func put(m, key, value reflect.Value) {
	if m.IsNil() {
		m.Set(reflect.MakeMap(m.Type()))
	}
	if !found(key) { // then Go can only remove it together with all others
		others := reflect.MakeMap(m.Type())
		for it := m.MapRange(); it.Next(); {
			if !equal(it.Key(), key) {
				others.SetMapIndex(it.Key(), it.Value())
			}
		}
		m.Set(others)
	}
	m.SetMapIndex(key, value)
}

// found reports whether a lookup finds a key that is in a map: one that contains a NaN
// does not equal itself.
func found(key reflect.Value) bool {
	switch key.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128, reflect.Interface, reflect.Array, reflect.Struct:
		same := key
		return key.Equal(same)
	}
	return true
}
