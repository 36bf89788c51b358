// Package misfit says which field of a stored session does not fit the type of
// the program, and why.
//
// codec/cborcodec, a module of its own, uses it too.
package misfit

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// What a value can be stored as, in the words of every codec.
const (
	Nil       = "nil"
	Bool      = "bool"
	Integer   = "integer"
	Float     = "float"
	Text      = "text"
	Bytes     = "bytes"
	List      = "list"
	Map       = "map"
	Time      = "time"
	Extension = "extension" // of MessagePack, or a tag of CBOR
)

// Error says why a value cannot be decoded, and where it is. Its text quotes nothing
// of what is stored. Codecs add the path while they return it, so that paths cost
// nothing as long as there is no error.
type Error struct {
	steps  []step // from the value outwards
	cut    bool   // there were more steps
	stored string
	wanted reflect.Type
	why    string // follows what is wanted, or stands in its place
	hint   string
	cause  error
}

// step leads from a value to a part of it: the name of a field, or an index.
type step struct {
	field string
	index int
}

// The indexes of the entries of maps. Their keys may be a user's data.
const (
	Entry = -1 // the value of an entry
	Key   = -2 // its key
)

// maxSteps bounds paths, which are as long as hostile data is deep.
const maxSteps = 32

// New returns the error for a value that is stored as what the type does not
// hold, or as what it holds, but out of its range.
func New(stored string, wanted reflect.Type) *Error {
	e := &Error{stored: stored, wanted: wanted, hint: hint}
	if holds(wanted, stored) {
		e.why = ", where it does not fit"
	}
	return e
}

const hint = "; see WithUpgrade"

// because returns the error for a value that is damaged, such as a text that is
// not valid UTF-8. Why follows what it is stored as.
func because(stored, why string) *Error { return &Error{stored: stored, why: why} }

// Refused returns the error for a value that a method of its type refuses.
// What the method says may quote the value. So cause is not in the text, but
// errors.Is and errors.As find it.
func Refused(stored, method string, t reflect.Type, cause error) *Error {
	e := &Error{stored: stored, cause: cause, hint: hint, why: fmt.Sprintf("refused by %s of %s", method, t)}
	if panicked := (*Panic)(nil); errors.As(cause, &panicked) {
		e.why = fmt.Sprintf("on which %s of %s panics", method, t)
	}
	return e
}

// Panic is a panic as an error. Its text is not what was panicked with, which
// may be part of the session.
type Panic struct{ Value any }

// Error implements error.
func (p *Panic) Error() string { return fmt.Sprintf("panic with a value of type %T", p.Value) }

// Unwrap returns what was panicked with if that is an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// Wants notes the type that is wanted, which may be a named one, unless the path has
// left the value already.
func (e *Error) Wants(t reflect.Type) *Error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if len(e.steps) == 0 && e.wanted != nil && e.wanted.Kind() == t.Kind() {
		e.wanted = t
	}
	return e
}

// In notes that the value is in a field.
func (e *Error) In(field string) *Error { return e.in(step{field: field}) }

// At notes that the value is at an index, or is an [Entry] or a [Key] of a map.
func (e *Error) At(index int) *Error { return e.in(step{index: index}) }

// in adds the next step outwards. Of a long path it keeps the outer part.
func (e *Error) in(s step) *Error {
	if len(e.steps) == maxSteps {
		e.steps, e.cut = append(e.steps[:0], e.steps[1:]...), true
	}
	e.steps = append(e.steps, s)
	return e
}

// Path is where the value is, as in Cart.Items[3].Price. It is empty if it is
// the session itself.
func (e *Error) Path() string {
	var b strings.Builder
	for i := len(e.steps) - 1; i >= 0; i-- {
		switch s := e.steps[i]; {
		case s.field != "" && b.Len() > 0:
			b.WriteString("." + s.field)
		case s.field != "":
			b.WriteString(s.field)
		case s.index == Entry:
			b.WriteString("[]")
		case s.index == Key:
			b.WriteString("[key]")
		default:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		}
	}
	if e.cut {
		b.WriteString("...")
	}
	return b.String()
}

// Error implements error.
func (e *Error) Error() string { return e.Reason() + e.hint }

// Reason is the error's text without the hint.
func (e *Error) Reason() string {
	text := "stored as " + e.stored + ", "
	switch {
	case e.wanted == nil:
	case e.wanted == reflect.TypeFor[any]():
		text += "wanted any"
	default:
		text += "wanted " + e.wanted.String()
	}
	text += e.why
	if path := e.Path(); path != "" {
		return path + ": " + text
	}
	return text
}

// Unwrap returns what a method said.
func (e *Error) Unwrap() error { return e.cause }

// holds reports whether there are values of type t that are stored so.
func holds(t reflect.Type, stored string) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[time.Time]() {
		return stored == Time
	}
	switch t.Kind() {
	case reflect.Bool:
		return stored == Bool
	case reflect.Float32, reflect.Float64:
		return stored == Float || stored == Integer
	case reflect.String:
		return stored == Text
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return stored == Bytes
		}
		return stored == List
	case reflect.Map, reflect.Struct:
		return stored == Map
	case reflect.Interface:
		return true
	default:
		return stored == Integer
	}
}
