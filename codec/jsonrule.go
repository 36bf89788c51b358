package codec

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/sesame-go/sesame/internal/shape"
)

// Check implements [Checker].
func (jsonCodec) Check(t reflect.Type) error {
	if err := jsonDialect.Check(t); err != nil {
		return fmt.Errorf("codec: %w", err)
	}
	return nil
}

// jsonDialect refuses what encoding/json would leave out without a word, or
// could not read.
var jsonDialect = &shape.Dialect{Tag: jsonTag, Rule: jsonRule}

func jsonTag(f reflect.StructField) (shape.Tag, error) {
	tag := f.Tag.Get("json")
	name, _, _ := strings.Cut(tag, ",")
	embed := shape.Dissolve
	if name != "" {
		embed = shape.Keep
	}
	return shape.Tag{Name: name, Skip: tag == "-", Embed: embed}, nil
}

var jsonMethods = []shape.Methods{
	shape.MethodsOf[json.Marshaler, json.Unmarshaler]("MarshalJSON", "UnmarshalJSON",
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("MarshalJSON") },
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("UnmarshalJSON") }),
	shape.Text,
}

// jsonRule decides on the types that JSON treats in its own way.
func jsonRule(t reflect.Type) (own bool, err error) {
	methods, err := shape.Own(jsonMethods, t, "json")
	if err != nil {
		return false, err
	}
	if methods != nil {
		if t.Name() == "" {
			return true, fmt.Errorf("which encoding/json writes by %s but cannot read: give the type a name", methods.Marshal)
		}
		return true, nil
	}
	switch t.Kind() {
	case reflect.Complex64, reflect.Complex128:
		return false, errors.New("which JSON cannot carry")
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return false, errors.New("which cannot be decoded: only the empty interface, any, can")
		}
	case reflect.Map:
		if err := checkJSONKey(t.Key()); err != nil {
			return false, err
		}
		if methods, of := shape.Unaddressed(jsonMethods, t.Elem(), "json"); methods != nil {
			return false, fmt.Errorf("where encoding/json passes over the method %s of *%s: make it a map of pointers", methods.Marshal, of)
		}
	}
	return false, nil
}

// checkJSONKey checks that encoding/json reads keys of type t as it writes them.
// It reads with UnmarshalText wherever there is one, but writes with MarshalText
// only if that has a value receiver, and strings never.
func checkJSONKey(t reflect.Type) error {
	reads, writes := reflect.PointerTo(t).Implements(shape.Text.Unmarshaler), t.Implements(shape.Text.Marshaler)
	switch t.Kind() {
	case reflect.String:
		if reads {
			return errors.New("whose keys encoding/json writes as they are, but reads with UnmarshalText: use plain strings")
		}
		return nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if !reads && !writes {
			return nil
		}
	}
	switch {
	case reads && writes:
		return nil
	case reads:
		return errors.New("whose keys encoding/json reads with UnmarshalText, but writes without MarshalText: give it a value receiver")
	default:
		return errors.New("whose keys JSON cannot carry: only strings, integers and types with MarshalText and UnmarshalText can be keys")
	}
}
