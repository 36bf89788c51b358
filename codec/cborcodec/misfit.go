package cborcodec

import (
	"errors"
	"reflect"

	"github.com/fxamacker/cbor/v2"

	"github.com/sesame-go/sesame/internal/misfit"
	"github.com/sesame-go/sesame/internal/shape"
)

var finder = &misfit.Finder{
	Format: format,
	Method: func(t reflect.Type) string {
		methods, _ := shape.Own(ownMethods, t, "cbor", "json")
		if methods == nil || t == timeType || t == bigType {
			return ""
		}
		return methods.Unmarshal
	},
	Damage: damage,
	Kind:   kind,
	Decode: func(value []byte, v any) error { return decode(decoder, value, v) },
	Null:   []byte{0xf6},
}

func damage(err error) string {
	var text *cbor.SemanticError
	var twice *cbor.DupMapKeyError
	var key *cbor.InvalidMapKeyTypeError
	switch {
	case errors.As(err, &text):
		return "which is not valid UTF-8"
	case errors.As(err, &twice):
		return "which has a key twice"
	case errors.As(err, &key):
		return "which has a key that no map of Go can have"
	}
	return ""
}

// kind tells what a well-formed value is by its first byte, RFC 8949, section 3.
func kind(value []byte) string {
	if len(value) == 0 {
		return misfit.Nil
	}
	major, low := value[0]>>5, value[0]&0x1f
	switch major {
	case 0, 1:
		return misfit.Integer
	case 2:
		return misfit.Bytes
	case 3:
		return misfit.Text
	case majorArray:
		return misfit.List
	case majorMap:
		return misfit.Map
	case 6:
		return tagged(low)
	}
	switch {
	case low == 20 || low == 21:
		return misfit.Bool
	case low >= 25:
		return misfit.Float
	default:
		return misfit.Nil
	}
}

func tagged(tag byte) string {
	switch tag {
	case 0, 1:
		return misfit.Time
	case 2, 3:
		return misfit.Integer
	default:
		return misfit.Extension
	}
}
