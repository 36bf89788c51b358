package program

import (
	"maps"
	"reflect"
	"strconv"
)

// Changes are the changes that requests can make to a session, by name; each takes a
// value. Every version has the changes login (User), visit (Visits), theme (Theme),
// city (Place.City) and budget (Budget), as far as its session has the field.
type Changes[T any] map[string]func(s *T, value string)

// all returns c with the changes that all versions have; those in c take precedence.
func (c Changes[T]) all() Changes[T] {
	all := make(Changes[T])
	for name, path := range map[string][]string{
		"login": {"User"}, "visit": {"Visits"}, "theme": {"Theme"}, "city": {"Place", "City"}, "budget": {"Budget"},
	} {
		if field(reflect.ValueOf(new(T)), path).IsValid() {
			all[name] = func(s *T, value string) { set(field(reflect.ValueOf(s), path), value) }
		}
	}
	maps.Copy(all, c)
	return all
}

// field returns a field of the struct that a pointer points to, or of a struct in it.
func field(pointer reflect.Value, path []string) reflect.Value {
	v := pointer.Elem()
	for _, name := range path {
		v = v.FieldByName(name)
	}
	return v
}

// set sets a field to a value; without a value it increments the field.
func set(v reflect.Value, value string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(value)
	case reflect.Float64:
		f, _ := strconv.ParseFloat(value, 64)
		v.SetFloat(f)
	case reflect.Int:
		if value == "" {
			v.SetInt(v.Int() + 1)
			return
		}
		n, _ := strconv.Atoi(value)
		v.SetInt(int64(n))
	}
}
