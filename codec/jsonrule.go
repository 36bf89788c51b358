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

var jsonMethods = []methodPair{
	pairOf[json.Marshaler, json.Unmarshaler]("MarshalJSON", "UnmarshalJSON",
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("MarshalJSON") },
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("UnmarshalJSON") }),
	textMethods,
}

// chooseJSON returns the methods by which encoding/json writes and reads values
// of type t that can be addressed, nil if there are none.
func chooseJSON(t reflect.Type) (*methodPair, error) {
	if t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer {
		return nil, nil // what it points to is asked in its turn
	}
	i, err := choosePair(jsonMethods, reflect.PointerTo(t))
	if i < 0 {
		return nil, err
	}
	return &jsonMethods[i], nil
}

// jsonRule tells the walk over a type what JSON has its own opinion on.
func jsonRule(t reflect.Type) (stop bool, err error) {
	methods, err := chooseJSON(t)
	if err != nil {
		return true, err
	}
	if methods != nil {
		if err := methods.check(t, "json"); err != nil {
			return true, err
		}
		if t.Name() == "" {
			return true, fmt.Errorf("which encoding/json writes by %s but cannot read: give the type a name", methods.marshal)
		}
		return true, nil
	}
	switch t.Kind() {
	case reflect.Complex64, reflect.Complex128:
		return true, errors.New("which JSON cannot carry")
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return true, errors.New("which cannot be decoded: only the empty interface, any, can")
		}
	case reflect.Map:
		if err := checkJSONKey(t.Key()); err != nil {
			return true, err
		}
		if method, of := passedOver(t.Elem()); of != nil {
			return true, fmt.Errorf("where encoding/json passes over the method %s of *%s: make it a map of pointers", method, of)
		}
	case reflect.Struct:
		_, err = jsonFieldsOf(t)
	}
	return err != nil, err
}

// passedOver returns a method that encoding/json does not call to encode a value
// of type t in a map, and the type that has it, nil if there is none. It calls
// methods with pointer receivers on what can be addressed only, but decodes with
// them everywhere.
func passedOver(t reflect.Type) (method string, of reflect.Type) {
	if methods, _ := chooseJSON(t); methods != nil {
		if t.Implements(methods.marshaler) {
			return "", nil
		}
		return methods.marshal, t
	}
	switch t.Kind() {
	case reflect.Array:
		return passedOver(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if inJSON(f) {
				if method, of := passedOver(f.Type); of != nil {
					return method, of
				}
			}
		}
	}
	return "", nil
}

// checkJSONKey checks that encoding/json reads keys of type t as it writes them.
// It reads with UnmarshalText wherever there is one, but writes with MarshalText
// only if that has a value receiver, and strings never.
func checkJSONKey(t reflect.Type) error {
	reads, writes := reflect.PointerTo(t).Implements(textMethods.unmarshaler), t.Implements(textMethods.marshaler)
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
