// Package carry keeps the fields of a stored session that the program's struct
// does not have, such as those of a newer program: when the session is saved
// they are carried over, byte for byte.
//
// codec/cborcodec, a module of its own, uses it too.
package carry

import (
	"bytes"
	"reflect"
	"slices"

	"github.com/sesame-go/sesame/internal/shape"
)

// Format is how a codec writes structs, maps and slices.
type Format struct {
	Dialect *shape.Dialect

	// Names returns the names under which a field may be stored.
	Names func(f shape.Field) []string

	// Fold maps names that the codec treats as equal to one; nil: there are none.
	Fold func(name string) string

	// AsMap reports whether a struct is written as a map of its fields; nil: all
	// are.
	AsMap func(t reflect.Type) bool

	// Members splits a map into its members. It reports false for anything else.
	Members func(value []byte) ([]Member, bool)

	// Elements returns the elements of an array, or the values of a map.
	Elements func(value []byte) [][]byte

	// Join makes a map of members.
	Join func(members []Member) []byte
}

// Member is an encoded key of a map and its encoded value.
type Member struct {
	Name       string // what the key says
	Key, Value []byte
}

// Fields returns written, the encoding of a value of the struct type t, with the
// fields of stored that t does not have: those of t itself, of structs nested in
// it by value or by pointer, and those in slices and maps that are as they were.
// Lost has the paths of fields that stay behind, each once, because they are
// within a slice or a map that has changed, where no element of the one can be
// told to be an element of the other.
func (f *Format) Fields(codec Codec, t reflect.Type, written, stored []byte) (extended []byte, lost []string) {
	var known []byte // stored without the fields that t does not have
	v := reflect.New(t).Interface()
	if codec.Decode(stored, v) == nil {
		known, _ = codec.Append(nil, v)
	}
	c := carrier{Format: f}
	extended, _ = c.carry(t, written, stored, known, "")
	return extended, c.lost
}

// Codec is the part of a codec.Codec that this package needs.
type Codec interface {
	Append(dst []byte, v any) ([]byte, error)
	Decode(data []byte, v any) error
}

type carrier struct {
	*Format
	lost []string
}

// carry also reports whether something was carried.
func (c *carrier) carry(t reflect.Type, written, stored, known []byte, path string) ([]byte, bool) {
	fields := c.fields(t)
	old, ok := c.Members(stored)
	members, also := c.Members(written)
	if fields == nil || !ok || !also {
		return written, false
	}
	at := make(map[string]int, len(members)) // in members
	for i, m := range members {
		at[c.fold(m.Name)] = i
	}
	was := make(map[string][]byte, len(members))
	before, _ := c.Members(known)
	for _, m := range before {
		was[c.fold(m.Name)] = m.Value
	}
	carried := false
	for _, m := range old {
		name := c.fold(m.Name)
		i, there := at[name]
		field, ours := fields[name]
		switch {
		case !ours && !there:
			members, carried = append(members, m), true
		case !ours:
			// a name that only members with an odd key can have
		case isStruct(field):
			now := m // a struct that is left out because it is empty
			if now.Value = c.Join(nil); there {
				now = members[i]
			} else if field.Kind() == reflect.Pointer {
				continue
			}
			value, more := c.carry(field, now.Value, m.Value, was[name], path+m.Name+".")
			if now.Value = value; more && there {
				members[i], carried = now, true
			} else if more {
				members, carried = append(members, now), true
			}
		default:
			lost := c.look(nil, field, m.Value, path+m.Name)
			if len(lost) > 0 && there && bytes.Equal(members[i].Value, was[name]) {
				members[i].Value, carried = m.Value, true
				continue
			}
			c.lost = append(c.lost, lost...)
		}
	}
	if !carried {
		return written, false
	}
	return c.Join(members), true
}

// look looks for fields that stay behind, and appends their paths to lost.
func (c *carrier) look(lost []string, t reflect.Type, stored []byte, path string) []string {
	switch {
	case isStruct(t):
		fields := c.fields(t)
		members, _ := c.Members(stored)
		for _, m := range members {
			if field, ours := fields[c.fold(m.Name)]; ours {
				lost = c.look(lost, field, m.Value, path+"."+m.Name)
			} else if gone := path + "." + m.Name; fields != nil && !slices.Contains(lost, gone) {
				lost = append(lost, gone)
			}
		}
	case t.Kind() == reflect.Pointer:
		return c.look(lost, t.Elem(), stored, path)
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map:
		if own, err := c.Dialect.Rule(t); own || err != nil || !holdsStructs(t.Elem()) {
			return lost
		}
		for _, e := range c.Elements(stored) {
			lost = c.look(lost, t.Elem(), e, path+"[]")
		}
	}
	return lost
}

// fields returns the types of a struct's fields by their folded names, nil if
// it is not written as a map of them.
func (c *carrier) fields(t reflect.Type) map[string]reflect.Type {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if own, err := c.Dialect.Rule(t); own || err != nil || c.AsMap != nil && !c.AsMap(t) {
		return nil
	}
	list, err := c.Dialect.Fields(t)
	if err != nil {
		return nil
	}
	fields := make(map[string]reflect.Type, len(list))
	for _, f := range list {
		for _, name := range c.Names(f) {
			fields[c.fold(name)] = f.Type
		}
	}
	return fields
}

func (c *carrier) fold(name string) string {
	if c.Fold != nil {
		return c.Fold(name)
	}
	return name
}

// isStruct reports whether t is a struct or a pointer to one.
func isStruct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct
}

// holdsStructs spares the elements of []string and the like.
func holdsStructs(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Array, reflect.Map, reflect.Pointer:
		return true
	}
	return false
}
