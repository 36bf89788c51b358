package codec

import (
	"bytes"
	"errors"
	"reflect"

	"github.com/sesame-go/sesame/internal/misfit"
	"github.com/sesame-go/sesame/internal/shape"
)

var jsonFinder = &misfit.Finder{
	Format: jsonFormat,
	Method: func(t reflect.Type) string {
		methods, _ := shape.Own(jsonMethods, t, "json")
		if methods == nil || t == timeType {
			return ""
		}
		return methods.Unmarshal
	},
	Damage: func(err error) string {
		if errors.Is(err, errJSONText) {
			return "which is not valid UTF-8"
		}
		return ""
	},
	Kind:   jsonKind,
	Decode: func(value []byte, v any) error { return decodeJSON(value, v, false) },
	Null:   []byte("null"),
}

// jsonKind returns the kind of a value, whose syntax has been checked.
func jsonKind(value []byte) string {
	value = bytes.TrimLeft(value, " \t\r\n")
	switch {
	case len(value) == 0 || value[0] == 'n':
		return misfit.Nil
	case value[0] == 't' || value[0] == 'f':
		return misfit.Bool
	case value[0] == '"':
		return misfit.Text
	case value[0] == '[':
		return misfit.List
	case value[0] == '{':
		return misfit.Map
	case bytes.ContainsAny(value, ".eE"):
		return misfit.Float
	default:
		return misfit.Integer
	}
}
