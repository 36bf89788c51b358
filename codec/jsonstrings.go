package codec

import (
	"reflect"
	"unicode/utf8"
)

// checkStrings checks that the strings in v, nested in depth other values, are
// valid UTF-8. It is asked only where the output has a U+FFFD, which a session
// may have too. What a type's own methods write has no strings to look at, and
// may lead in circles.
func checkStrings(v reflect.Value, depth int) error {
	const perLevel = 8 // values to a level of the text: pointers, interfaces, embedded structs
	if depth > perLevel*maxDepth {
		return errTooDeep
	}
	if methods, _ := chooseJSON(v.Type()); methods != nil {
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return errJSONUTF8
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return checkStrings(v.Elem(), depth+1)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return nil
		}
		for i := range v.Len() {
			if err := checkStrings(v.Index(i), depth+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		for k, e := range v.Seq2() {
			if k.Kind() == reflect.String && !utf8.ValidString(k.String()) { // even if it has methods
				return errJSONUTF8
			}
			if err := checkStrings(e, depth+1); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for f, e := range v.Fields() {
			if inJSON(f) {
				if err := checkStrings(e, depth+1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
