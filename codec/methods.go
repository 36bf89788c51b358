package codec

import (
	"encoding"
	"fmt"
	"reflect"

	"github.com/sesame-go/sesame/internal/shape"
)

// methodPair is one of the ways in which a type may write and read itself.
type methodPair struct {
	marshaler, unmarshaler reflect.Type // interfaces
	marshal, unmarshal     string       // their methods
	find, findReader       shape.Method // find these
}

func pairOf[Marshaler, Unmarshaler any](marshal, unmarshal string, find, findReader shape.Method) methodPair {
	return methodPair{reflect.TypeFor[Marshaler](), reflect.TypeFor[Unmarshaler](), marshal, unmarshal, find, findReader}
}

var (
	textMethods = pairOf[encoding.TextMarshaler, encoding.TextUnmarshaler]("MarshalText", "UnmarshalText",
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("MarshalText") },
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("UnmarshalText") })
)

// check returns an error if t, which has the methods, has them from what it
// embeds and would lose something. It passes over fields that the tag marks
// with "-".
func (m *methodPair) check(t reflect.Type, tag string) error {
	return shape.CheckPromoted(t, m.find, m.findReader, tag)
}

// choosePair returns the index of the first pair whose methods the first of the
// receivers has that has any, or -1. It is an error if values would be written
// in one way and read in another.
func choosePair(pairs []methodPair, receivers ...reflect.Type) (int, error) {
	w, r := -1, -1
	for _, receiver := range receivers {
		for i, p := range pairs {
			if w < 0 && receiver.Implements(p.marshaler) {
				w = i
			}
			if r < 0 && receiver.Implements(p.unmarshaler) {
				r = i
			}
		}
	}
	switch {
	case w == r:
		return w, nil
	case w < 0:
		return -1, fmt.Errorf("which has %s but no %s", pairs[r].unmarshal, pairs[r].marshal)
	case r < 0:
		return -1, fmt.Errorf("which has %s but no %s", pairs[w].marshal, pairs[w].unmarshal)
	default:
		return -1, fmt.Errorf("which would be written by %s but read by %s", pairs[w].marshal, pairs[r].unmarshal)
	}
}
