package shape

import (
	"errors"
	"reflect"
	"unicode/utf8"
)

// What CheckValue finds.
var (
	ErrDeep = errors.New("value is nested too deep, or refers to itself")
	ErrText = errors.New("a string is not valid UTF-8; use []byte for data that is no text")
)

// CheckValue goes over v as the codec writes it. It returns ErrDeep if v nests
// in more than depth levels, of structs, maps, slices, arrays, pointers and
// interfaces, as it does if it refers to itself; ErrText, if text is set and a
// string is not valid UTF-8; and the error of Check for the type of what an
// interface holds.
func (d *Dialect) CheckValue(v reflect.Value, depth int, text bool) error {
	if isFlat(v.Kind()) {
		return nil
	}
	if v.Kind() == reflect.String {
		if text && !utf8.ValidString(v.String()) && !d.about(v.Type()).own {
			return ErrText
		}
		return nil
	}
	if depth--; depth < 0 {
		return ErrDeep
	}
	about := d.about(v.Type())
	if about.own || about.err != nil {
		return about.err
	}
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		if err := d.Check(v.Elem().Type()); err != nil {
			return err
		}
		return d.CheckValue(v.Elem(), depth, text)
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return d.CheckValue(v.Elem(), depth, text)
	case reflect.Slice, reflect.Array:
		if isFlat(v.Type().Elem().Kind()) {
			return nil
		}
		for i := range v.Len() {
			if err := d.CheckValue(v.Index(i), depth, text); err != nil {
				return err
			}
		}
	case reflect.Map:
		return d.checkEntries(v, depth, text)
	case reflect.Struct:
		for _, f := range about.fields {
			fv, err := v.FieldByIndexErr(f.Index)
			if err != nil {
				continue // behind an embedded pointer that is nil
			}
			if err := d.CheckValue(fv, depth, text); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Dialect) checkEntries(v reflect.Value, depth int, text bool) error {
	key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	for entries := v.MapRange(); entries.Next(); {
		key.SetIterKey(entries)
		elem.SetIterValue(entries)
		if err := d.CheckValue(key, depth, text); err != nil {
			return err
		}
		if err := d.CheckValue(elem, depth, text); err != nil {
			return err
		}
	}
	return nil
}

// isFlat reports whether values of kind k have neither parts nor text.
func isFlat(k reflect.Kind) bool { return reflect.Bool <= k && k <= reflect.Complex128 }
