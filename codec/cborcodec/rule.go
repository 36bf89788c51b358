package cborcodec

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/sesame-go/sesame/internal/shape"
)

// Check implements [codec.Checker].
func (cborCodec) Check(t reflect.Type) error {
	if err := dialect.Check(t); err != nil {
		return fmt.Errorf("cborcodec: %w", err)
	}
	return nil
}

// dialect refuses what the library would leave out without a word, or could
// not read.
var dialect = &shape.Dialect{Tag: tagOf, Rule: rule}

func tagOf(f reflect.StructField) (shape.Tag, error) {
	tag := f.Tag.Get("cbor")
	if tag == "" {
		tag = f.Tag.Get("json")
	}
	name, options, _ := strings.Cut(tag, ",")
	embed := shape.Dissolve
	if name != "" {
		embed = shape.Keep
	}
	if slices.Contains(strings.Split(options, ","), "keyasint") {
		n, err := strconv.Atoi(name)
		if err != nil {
			return shape.Tag{}, fmt.Errorf("whose field %s has the tag keyasint, but %q is no integer", f.Name, name)
		}
		name = intKey(n)
	}
	return shape.Tag{Name: name, Skip: tag == "-", Embed: embed}, nil
}

var (
	timeType = reflect.TypeFor[time.Time]()
	bigType  = reflect.TypeFor[big.Int]()
)

// rule decides on the types that CBOR treats in its own way.
func rule(t reflect.Type) (own bool, err error) {
	if t == timeType || t == bigType {
		return true, nil
	}
	if methods, err := shape.Own(ownMethods, t, "cbor", "json"); err != nil || methods != nil {
		return true, err
	}
	switch t.Kind() {
	case reflect.Complex64, reflect.Complex128, reflect.Uintptr:
		return false, errors.New("which CBOR cannot carry")
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return false, errors.New("which cannot be decoded: only the empty interface, any, can")
		}
	}
	return false, nil
}

// ownMethods are in the order in which the library asks for them.
var ownMethods = []shape.Methods{
	shape.MethodsOf[cbor.Marshaler, cbor.Unmarshaler]("MarshalCBOR", "UnmarshalCBOR",
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("MarshalCBOR") },
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("UnmarshalCBOR") }),
	shape.Binary,
	shape.Text,
}

// readableTypes has what readable has found out.
var readableTypes sync.Map // reflect.Type to bool

// readable reports whether Decode reads all that is written for values of type
// t. It may not if there are interfaces in it, types with methods of their own,
// or maps of which two keys may be written alike.
func readable(t reflect.Type) bool {
	known, ok := readableTypes.Load(t)
	if !ok {
		known = isReadable(t, map[reflect.Type]bool{})
		readableTypes.Store(t, known)
	}
	return known.(bool)
}

func isReadable(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] || t == timeType || t == bigType {
		return true
	}
	seen[t] = true
	if own, _ := shape.Own(ownMethods, t); own != nil {
		return false
	}
	switch t.Kind() {
	case reflect.Interface:
		return false
	case reflect.Map:
		k := t.Key().Kind()
		return (k == reflect.String || reflect.Bool <= k && k <= reflect.Uint64) && isReadable(t.Key(), seen) && isReadable(t.Elem(), seen)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return isReadable(t.Elem(), seen)
	case reflect.Struct:
		fields, _ := dialect.Fields(t)
		for _, f := range fields {
			if !isReadable(f.Type, seen) {
				return false
			}
		}
	}
	return true
}
