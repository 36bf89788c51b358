package gobcodec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/sesame-go/sesame/internal/misfit"
	"github.com/sesame-go/sesame/internal/shape"
)

// misfitOf returns why data cannot be decoded as a value of the struct type t,
// which failed with err; nil if not for a field, or if it takes too long to find.
//
// A gob can be decoded into any struct that has some of its fields. So the field is
// found by decoding each alone, and the kind of what is stored by trying types.
func misfitOf(t reflect.Type, data []byte, err error) *misfit.Error {
	f := finder{data: data, err: err, left: patience}
	if !f.reads(emptyType) {
		return nil // it is damaged
	}
	f.err = err
	e := f.inStruct(t, func(t reflect.Type) reflect.Type { return t }, maxPath)
	if f.left < 0 {
		return nil
	}
	return e
}

const (
	maxPath  = 16      // how deep a field is looked for
	maxArray = 4 << 10 // how long arrays are that are tried
	patience = 4 << 20 // how much may be read for it, in bytes
	oneRead  = 8 << 10 // what the definitions of types cost, in bytes
)

type finder struct {
	data []byte
	err  error // of the last read that failed
	left int   // of patience
}

// place returns the type of a session that has only a value of type t, in a certain
// place.
type place func(t reflect.Type) reflect.Type

func (f *finder) find(t reflect.Type, at place, depth int) *misfit.Error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	err := f.err
	stored := f.stored(at, t)
	if stored == "" {
		stored = "another type"
	}
	if own, _ := shape.Own(ownMethods, t); own != nil && t != timeType {
		if stored == misfit.Bytes {
			return misfit.Refused(stored, own.Unmarshal, t, err)
		}
		return misfit.New(stored, t)
	}
	if depth--; depth > 0 {
		if e := f.within(t, stored, at, depth); e != nil {
			return e
		}
	}
	return misfit.New(stored, t)
}

func (f *finder) within(t reflect.Type, stored string, at place, depth int) *misfit.Error {
	switch kind := t.Kind(); {
	case kind == reflect.Struct && f.reads(at(emptyType)):
		return f.inStruct(t, at, depth)
	case kind == reflect.Slice && stored == misfit.List:
		elem := func(e reflect.Type) reflect.Type { return at(reflect.SliceOf(e)) }
		return f.find(t.Elem(), elem, depth).At(misfit.Entry)
	case kind == reflect.Array && stored == misfit.List:
		elem := func(e reflect.Type) reflect.Type { return at(reflect.ArrayOf(t.Len(), e)) }
		return f.find(t.Elem(), elem, depth).At(misfit.Entry)
	case kind == reflect.Map && stored == misfit.Map:
		for _, key := range keyTypes {
			elem := func(e reflect.Type) reflect.Type { return at(reflect.MapOf(key, e)) }
			if f.stored(elem, t.Elem()) != "" && !f.reads(elem(t.Elem())) {
				return f.find(t.Elem(), elem, depth).At(misfit.Entry)
			}
		}
		key := func(k reflect.Type) reflect.Type { return at(reflect.MapOf(k, t.Elem())) }
		if !f.reads(key(t.Key())) {
			return f.find(t.Key(), key, depth).At(misfit.Key)
		}
	}
	return nil
}

func (f *finder) inStruct(t reflect.Type, at place, depth int) *misfit.Error {
	fields, _ := dialect.Fields(t)
	for _, field := range fields {
		alone := func(t reflect.Type) reflect.Type {
			return at(reflect.StructOf([]reflect.StructField{{Name: field.Name, Type: t}}))
		}
		if !f.reads(alone(field.Type)) {
			return f.find(field.Type, alone, depth).In(field.Name)
		}
	}
	return nil
}

// reads reports whether the stored session can be read as a t, or has nothing
// of it.
func (f *finder) reads(t reflect.Type) bool {
	if f.left -= oneRead + len(f.data); f.left < 0 {
		return false
	}
	err := read(bytes.NewReader(f.data), reflect.New(t))
	if err != nil && !strings.Contains(err.Error(), noFields) {
		f.err = err
		return false
	}
	return true
}

// noFields is what encoding/gob says of a struct that has none of the fields.
const noFields = "gob: type mismatch: no fields matched"

var (
	timeType  = reflect.TypeFor[time.Time]()
	emptyType = reflect.TypeFor[struct{}]()
	keyTypes  = []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[int64](), reflect.TypeFor[uint64]()}

	// In the order in which they are tried.
	storedTypes = []struct {
		typ  reflect.Type
		kind string
	}{
		{reflect.TypeFor[string](), misfit.Text},
		{reflect.TypeFor[int64](), misfit.Integer},
		{reflect.TypeFor[uint64](), misfit.Integer},
		{reflect.TypeFor[float64](), misfit.Float},
		{reflect.TypeFor[bool](), misfit.Bool},
		{reflect.TypeFor[[]byte](), misfit.Bytes},
		{timeType, misfit.Time},
		{reflect.TypeFor[anyGob](), misfit.Bytes},
		{reflect.TypeFor[anyBinary](), misfit.Bytes},
		{emptyType, misfit.Map},
	}
)

// anyGob reads what any GobEncode has written, anyBinary what any MarshalBinary has.
type (
	anyGob    struct{}
	anyBinary struct{}
)

func (*anyGob) GobDecode([]byte) error          { return nil }
func (*anyBinary) UnmarshalBinary([]byte) error { return nil }

// stored tells what is stored in a place, "" if it is nothing that is tried. Of
// arrays it tries those that are as long as the wanted one.
func (f *finder) stored(at place, wanted reflect.Type) string {
	for _, s := range storedTypes {
		if f.reads(at(s.typ)) {
			return s.kind
		}
	}
	for _, s := range storedTypes {
		if f.reads(at(reflect.SliceOf(s.typ))) || wanted.Kind() == reflect.Array && wanted.Len() <= maxArray && f.reads(at(reflect.ArrayOf(wanted.Len(), s.typ))) {
			return misfit.List
		}
		for _, key := range keyTypes {
			if f.reads(at(reflect.MapOf(key, s.typ))) {
				return misfit.Map
			}
		}
	}
	return ""
}

// explain returns an error that has nothing of what is stored. Errors of the
// library's own name types and fields; others are those of methods.
func explain(t reflect.Type, data []byte, err error) error {
	text := err.Error()
	panicking := (*misfit.Panic)(nil)
	switch {
	case strings.Contains(text, " not registered for interface: "):
		return withCure(err)
	case strings.Contains(text, noFields):
		return fmt.Errorf("gobcodec: %w; see WithUpgrade", err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("gobcodec: %w", io.ErrUnexpectedEOF)
	}
	if why := misfitOf(t, data, err); why != nil {
		return fmt.Errorf("gobcodec: %w", why)
	}
	switch {
	case errors.As(err, &panicking):
		return panicked(panicking.Value)
	case strings.HasPrefix(text, "gob: ") && !strings.Contains(text, "name too long"): // which it quotes
		return withCure(err)
	}
	return fmt.Errorf("gobcodec: the value is damaged, or a method refuses it with an error of type %T", err)
}
