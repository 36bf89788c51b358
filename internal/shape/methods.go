package shape

import (
	"encoding"
	"fmt"
	"reflect"
)

// Methods are a pair of methods by which a type writes and reads itself.
type Methods struct {
	Marshaler, Unmarshaler reflect.Type // interfaces
	Marshal, Unmarshal     string       // their methods
	find, findReader       Method       // find these
}

// MethodsOf returns the Methods of two interfaces with one method each.
func MethodsOf[Marshaler, Unmarshaler any](marshal, unmarshal string, find, findReader Method) Methods {
	return Methods{reflect.TypeFor[Marshaler](), reflect.TypeFor[Unmarshaler](), marshal, unmarshal, find, findReader}
}

// Binary and Text are for more than one codec.
var (
	Binary = MethodsOf[encoding.BinaryMarshaler, encoding.BinaryUnmarshaler]("MarshalBinary", "UnmarshalBinary",
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("MarshalBinary") },
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("UnmarshalBinary") })
	Text = MethodsOf[encoding.TextMarshaler, encoding.TextUnmarshaler]("MarshalText", "UnmarshalText",
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("MarshalText") },
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("UnmarshalText") })
)

// Check returns an error if t, which has the methods, has them from an embedded type
// and would lose data: see [CheckPromoted].
func (m *Methods) Check(t reflect.Type, tags ...string) error {
	return CheckPromoted(t, m.find, m.findReader, tags...)
}

// Choose returns the index of the methods that apply, or -1: the first that the first
// receiver with any of them has. It is an error if values would be written by one pair
// and read by another.
func Choose(ways []Methods, receivers ...reflect.Type) (int, error) {
	w, r := -1, -1
	for _, receiver := range receivers {
		for i, m := range ways {
			if w < 0 && receiver.Implements(m.Marshaler) {
				w = i
			}
			if r < 0 && receiver.Implements(m.Unmarshaler) {
				r = i
			}
		}
	}
	switch {
	case w == r:
		return w, nil
	case w < 0:
		return -1, fmt.Errorf("which has %s but no %s", ways[r].Unmarshal, ways[r].Marshal)
	case r < 0:
		return -1, fmt.Errorf("which has %s but no %s", ways[w].Marshal, ways[w].Unmarshal)
	default:
		return -1, fmt.Errorf("which would be written by %s but read by %s", ways[w].Marshal, ways[r].Unmarshal)
	}
}

// Own returns the first of the ways in which values of type t, which can be
// addressed, write and read themselves, nil if there is none. It is an error if
// t would lose data by it. A pointer counts as having no methods, since the type that
// it points to is looked at later.
func Own(ways []Methods, t reflect.Type, tags ...string) (*Methods, error) {
	if t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer {
		return nil, nil
	}
	i, err := Choose(ways, reflect.PointerTo(t))
	if i < 0 {
		return nil, err
	}
	return &ways[i], ways[i].Check(t, tags...)
}

// Unaddressed returns one of the ways that a value of type t, or a value in it,
// would be written in if it had an address, which an element of a map has not,
// and the type that has it. It is nil if there is none. It passes over fields
// that the tag marks with "-".
func Unaddressed(ways []Methods, t reflect.Type, tag string) (*Methods, reflect.Type) {
	if own, _ := Own(ways, t); own != nil {
		if t.Implements(own.Marshaler) {
			return nil, nil
		}
		return own, t
	}
	switch t.Kind() {
	case reflect.Array:
		return Unaddressed(ways, t.Elem(), tag)
	case reflect.Struct:
		for f := range t.Fields() {
			if f.Tag.Get(tag) == "-" || !f.IsExported() && !f.Anonymous {
				continue
			}
			if own, of := Unaddressed(ways, f.Type, tag); own != nil {
				return own, of
			}
		}
	}
	return nil, nil
}
