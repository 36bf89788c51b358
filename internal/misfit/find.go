package misfit

import (
	"reflect"

	"github.com/sesame-go/sesame/internal/carry"
	"github.com/sesame-go/sesame/internal/shape"
)

// Finder finds the value that does not fit for a codec whose decoder is a
// library's, by decoding the parts of what is stored one by one.
type Finder struct {
	*carry.Format

	// Method returns the name of the method by which a type reads itself, "" if
	// it has none.
	Method func(t reflect.Type) string

	// Damage says what is wrong with a value if that is not its type, else "".
	Damage func(err error) string

	Kind   func(value []byte) string // in the words of this package
	Decode func(value []byte, v any) error
	Null   []byte // an encoded nil
}

// Find returns why value, whose syntax is right, cannot be decoded as one of
// type t, which failed with err.
func (f *Finder) Find(t reflect.Type, value []byte, err error) *Error {
	return f.find(t, value, err, maxSteps)
}

func (f *Finder) find(t reflect.Type, value []byte, err error, depth int) *Error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if method := f.Method(t); method != "" {
		return Refused(f.Kind(value), method, t, err)
	}
	if own, _ := f.Dialect.Rule(t); !own && depth > 0 {
		if e := f.within(t, value, depth-1); e != nil {
			return e
		}
	}
	if why := f.Damage(err); why != "" {
		return because(f.Kind(value), why)
	}
	return New(f.Kind(value), t)
}

// within looks for the first part of value that does not fit, nil if all do.
func (f *Finder) within(t reflect.Type, value []byte, depth int) *Error {
	switch kind := f.Kind(value); {
	case t.Kind() == reflect.Struct && (kind == Map || kind == List):
		return f.inStruct(t, value, depth)
	case t.Kind() == reflect.Map && kind == Map:
		return f.inMap(t, value, depth)
	case (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && kind == List:
		for i, e := range f.Elements(value) {
			if err := f.try(t.Elem(), e); err != nil {
				return f.find(t.Elem(), e, err, depth).At(i)
			}
		}
	}
	return nil
}

func (f *Finder) inStruct(t reflect.Type, value []byte, depth int) *Error {
	fields, _ := f.Dialect.Fields(t)
	if f.AsMap != nil && !f.AsMap(t) {
		for i, e := range f.Elements(value) {
			if i == len(fields) {
				break
			}
			if err := f.try(fields[i].Type, e); err != nil {
				return f.find(fields[i].Type, e, err, depth).In(fields[i].Path)
			}
		}
		return nil
	}
	byName := make(map[string]shape.Field, len(fields))
	for _, field := range fields {
		for _, name := range f.Names(field) {
			byName[f.fold(name)] = field
		}
	}
	members, _ := f.Members(value)
	for _, m := range members {
		field, known := byName[f.fold(m.Name)]
		if !known {
			continue
		}
		// The field alone, since its tag may say how it is written.
		alone := field.StructField
		alone.Anonymous = false
		if err := f.try(reflect.StructOf([]reflect.StructField{alone}), f.Join([]carry.Member{m})); err != nil {
			return f.find(field.Type, m.Value, err, depth).In(field.Path)
		}
	}
	return nil
}

func (f *Finder) inMap(t reflect.Type, value []byte, depth int) *Error {
	for _, e := range f.Elements(value) {
		if err := f.try(t.Elem(), e); err != nil {
			return f.find(t.Elem(), e, err, depth).At(Entry)
		}
	}
	members, _ := f.Members(value)
	for _, m := range members {
		key := f.Join([]carry.Member{{Key: m.Key, Value: f.Null}})
		if err := f.try(reflect.MapOf(t.Key(), reflect.TypeFor[any]()), key); err != nil {
			return f.find(t.Key(), m.Key, err, 0).At(Key)
		}
	}
	return nil
}

func (f *Finder) try(t reflect.Type, value []byte) error {
	return f.Decode(value, reflect.New(t).Interface())
}

func (f *Finder) fold(name string) string {
	if f.Fold != nil {
		return f.Fold(name)
	}
	return name
}
