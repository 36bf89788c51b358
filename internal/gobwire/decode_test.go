package gobwire

import (
	"reflect"
	"testing"
)

type point struct{ X, Y int }

type Embedded struct{ Moved string }

func TestEvolution(t *testing.T) {
	type old struct {
		ID    int
		Gone  map[string][]point
		Extra any
		Moved string
		More  []any
		Kept  string
	}
	type now struct {
		Kept string
		New  *point
		ID   *int64
		Embedded
	}
	v := &old{7, map[string][]point{"a": {{1, 2}}}, large{}, "m", []any{1, map[string]any{"l": large{}}}, "k"}
	data := encode(t, v)
	for _, data := range [][]byte{data, canon(t, data)} {
		var n now
		if err := Decode(data, reflect.ValueOf(&n).Elem()); err != nil {
			t.Fatal(err)
		}
		if n.Kept != "k" || n.ID == nil || *n.ID != 7 || n.New != nil || n.Moved != "m" {
			t.Errorf("got %+v", n)
		}
	}
	for _, v := range []any{new(struct{ ID string }), new(struct{ ID uint }), new(struct{ Other int }), new(struct{ Kept map[string]int })} {
		if err := Decode(data, reflect.ValueOf(v).Elem()); err == nil {
			t.Errorf("decoded into %T", v)
		}
	}
	if err := Decode(encode(t, &struct{}{}), reflect.ValueOf(new(now)).Elem()); err != nil {
		t.Error(err)
	}
	if err := Decode(encode(t, &struct{ N int }{300}), reflect.ValueOf(new(struct{ N int8 })).Elem()); err == nil {
		t.Error("300 was decoded into an int8")
	}
}
