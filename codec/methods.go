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
	find                   shape.Method // finds the first
}

func pairOf[Marshaler, Unmarshaler any](marshal, unmarshal string, find shape.Method) methodPair {
	return methodPair{reflect.TypeFor[Marshaler](), reflect.TypeFor[Unmarshaler](), marshal, unmarshal, find}
}

// These are for more than one codec.
var (
	binaryMethods = pairOf[encoding.BinaryMarshaler, encoding.BinaryUnmarshaler]("MarshalBinary", "UnmarshalBinary",
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("MarshalBinary") })
	textMethods = pairOf[encoding.TextMarshaler, encoding.TextUnmarshaler]("MarshalText", "UnmarshalText",
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("MarshalText") })
)

// choosePair returns the index of the first pair whose methods t or *t has, or
// -1. It is an error if t would be written in one way and read in another.
func choosePair(t reflect.Type, pairs ...methodPair) (int, error) {
	if t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer {
		return -1, nil // what it points to is asked in its turn
	}
	w, r := -1, -1
	for _, receiver := range []reflect.Type{t, reflect.PointerTo(t)} {
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
