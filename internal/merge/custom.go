package merge

import (
	"fmt"
	"reflect"
)

// custom lets the type settle the conflict itself, if it has a fitting Merge,
// and reports whether it did.
func custom(base, mine, theirs reflect.Value) bool {
	if !base.CanAddr() || !mine.CanAddr() || !theirs.CanAddr() {
		return false
	}
	method := mine.Addr().MethodByName("Merge")
	if !method.IsValid() || !fits(method.Type(), mine.Addr().Type()) {
		return false
	}
	method.Call([]reflect.Value{base.Addr(), theirs.Addr()})
	return true
}

// fits reports whether a method value is a func(base, theirs *F).
func fits(method, pointer reflect.Type) bool {
	return method.NumIn() == 2 && method.NumOut() == 0 && !method.IsVariadic() &&
		method.In(0) == pointer && method.In(1) == pointer
}

// Check returns an error if the struct type t has a method Merge that looks
// like a resolver of conflicts but is not one: it would never be called.
func Check(t reflect.Type) error {
	p := reflect.PointerTo(t)
	method, ok := p.MethodByName("Merge")
	if !ok {
		return nil
	}
	if bound := reflect.Zero(p).MethodByName("Merge").Type(); !fits(bound, p) {
		return fmt.Errorf("%s has a method Merge of type %s; to resolve conflicts it must be func (mine *%s) Merge(base, theirs *%s), otherwise rename it",
			t, method.Type, t.Name(), t.Name())
	}
	return nil
}
