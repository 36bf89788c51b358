package cborcodec

import (
	"encoding"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// A plan is what there is to know about a type to tell what decoding CBOR to it
// costs, and whether it can be decoded at all.
type plan struct {
	typ  reflect.Type
	form form
	size int
	elem *plan // ofPointer, ofSlice, ofArray, ofMap
	key  *plan // ofMap
	deep bool  // it may nest without end: it contains itself, or an interface

	entries mapShape          // ofMap
	names   map[string]*field // ofStruct: by the encoding of its key
	fields  []*field          // ofStruct, ofTuple
}

// form is what CBOR has to offer for a type.
type form byte

const (
	ofAny form = iota
	ofBool
	ofInt
	ofUint
	ofFloat
	ofString
	ofBytes // also an array of bytes
	ofTime
	ofBig
	ofPointer
	ofSlice
	ofArray
	ofMap
	ofStruct
	ofTuple // a struct with the option toarray
	ofOwnCBOR
	ofOwnBytes // by MarshalBinary
	ofOwnText
)

var (
	timeType = reflect.TypeFor[time.Time]()
	bigType  = reflect.TypeFor[big.Int]()
	tagType  = reflect.TypeFor[cbor.Tag]()
)

// plans has a plan, or an error, for each type that was asked for.
var plans sync.Map

func planOf(t reflect.Type) (*plan, error) {
	known, ok := plans.Load(t)
	if !ok {
		known = makePlan(t)
		plans.Store(t, known)
	}
	if err, ok := known.(error); ok {
		return nil, err
	}
	return known.(*plan), nil
}

func makePlan(t reflect.Type) any {
	name := t.Name()
	if name == "" {
		name = t.String()
	}
	b := builder{done: map[reflect.Type]*plan{}, open: map[reflect.Type]bool{}}
	p, err := b.build(name, t)
	if err != nil {
		return fmt.Errorf("cborcodec: %w", err)
	}
	for changed := true; changed; { // what contains something deep is deep
		changed = false
		for _, p := range b.done {
			if !p.deep && p.containsDeep() {
				p.deep, changed = true, true
			}
		}
	}
	return p
}

func (p *plan) containsDeep() bool {
	for _, f := range p.fields {
		if f.deep {
			return true
		}
	}
	return p.elem != nil && p.elem.deep || p.key != nil && p.key.deep
}

// builder makes the plans of a type and of all that it consists of.
type builder struct {
	done map[reflect.Type]*plan
	open map[reflect.Type]bool // those being built
}

// build returns an error that names path, the place of the type in the session,
// if t cannot be carried.
func (b *builder) build(path string, t reflect.Type) (_ *plan, err error) {
	if p := b.done[t]; p != nil {
		p.deep = p.deep || b.open[t]
		return p, nil
	}
	p := &plan{typ: t, size: int(t.Size())}
	b.done[t], b.open[t] = p, true
	defer delete(b.open, t)

	if err = p.choose(); err != nil {
		return nil, fmt.Errorf("%s has type %s, %w", path, t, err)
	}
	switch p.form {
	case ofAny:
		p.deep = true
	case ofPointer:
		p.elem, err = b.build(path, t.Elem())
	case ofSlice, ofArray:
		p.elem, err = b.build(path+"[]", t.Elem())
	case ofMap:
		if p.key, err = b.build("the key of "+path, t.Key()); err == nil {
			p.elem, err = b.build(path+"[]", t.Elem())
			p.entries = mapShapeOf(t.Key(), t.Elem())
		}
	case ofStruct:
		err = b.addFields(path, p)
	}
	return p, err
}

// choose sets the form. Its errors read like a clause.
func (p *plan) choose() (err error) {
	switch p.typ {
	case timeType:
		p.form = ofTime
		return nil
	case bigType:
		p.form = ofBig
		return nil
	case tagType:
		return errors.New("for which there is no bound when it is decoded: give your type the methods MarshalCBOR and UnmarshalCBOR")
	}
	if p.form, err = ownForm(p.typ); err != nil {
		return err
	}
	if p.form != 0 {
		return checkPromoted(p.typ, p.form)
	}
	p.form, err = formOf(p.typ)
	return err
}

var errEndless = errors.New("which points to nothing but pointers: point to something else")

// endless reports whether the pointers that t leads to never end, as those of
//
//	type P *P
//
// which the library would follow for ever.
func endless(t reflect.Type) bool {
	seen := map[reflect.Type]bool{}
	for ; t.Kind() == reflect.Pointer; t = t.Elem() {
		if seen[t] {
			return true
		}
		seen[t] = true
	}
	return false
}

func formOf(t reflect.Type) (form, error) {
	switch t.Kind() {
	case reflect.Bool:
		return ofBool, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return ofInt, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return ofUint, nil
	case reflect.Float32, reflect.Float64:
		return ofFloat, nil
	case reflect.String:
		return ofString, nil
	case reflect.Pointer:
		if endless(t) {
			return 0, errEndless
		}
		return ofPointer, nil
	case reflect.Slice, reflect.Array:
		switch {
		case t.Elem().Kind() == reflect.Uint8:
			return ofBytes, nil
		case t.Kind() == reflect.Slice:
			return ofSlice, nil
		}
		return ofArray, nil
	case reflect.Map:
		return ofMap, nil
	case reflect.Struct:
		return ofStruct, nil
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return 0, errors.New("which cannot be decoded: only the empty interface, any, can")
		}
		return ofAny, nil
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return 0, errors.New("which no codec can carry")
	default: // complex, uintptr
		return 0, errors.New("which CBOR cannot carry")
	}
}

// ownMethods are the ways in which a type may write and read itself, in the
// order in which the library asks for them.
var ownMethods = []struct {
	form        form
	write, read reflect.Type // interfaces
}{
	{ofOwnCBOR, reflect.TypeFor[cbor.Marshaler](), reflect.TypeFor[cbor.Unmarshaler]()},
	{ofOwnBytes, reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler]()},
	{ofOwnText, reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]()},
}

// ownForm is how a type writes and reads itself, or 0. It is an error if it is
// written in one way and read in another.
func ownForm(t reflect.Type) (form, error) {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return 0, nil // what it points to is asked in its turn
	}
	w, r := -1, -1
	for i := len(ownMethods) - 1; i >= 0; i-- {
		if reflect.PointerTo(t).Implements(ownMethods[i].write) {
			w = i
		}
		if reflect.PointerTo(t).Implements(ownMethods[i].read) {
			r = i
		}
	}
	switch {
	case w < 0 && r < 0:
		return 0, nil
	case w == r:
		return ownMethods[w].form, nil
	case w < 0:
		return 0, fmt.Errorf("which has %s but no %s", ownMethods[r].read.Method(0).Name, ownMethods[r].write.Method(0).Name)
	case r < 0:
		return 0, fmt.Errorf("which has %s but no %s", ownMethods[w].write.Method(0).Name, ownMethods[w].read.Method(0).Name)
	default:
		return 0, fmt.Errorf("which would be written by %s but read by %s", ownMethods[w].write.Method(0).Name, ownMethods[r].read.Method(0).Name)
	}
}

// checkPromoted returns an error if the struct t has the methods of a pointer
// that it embeds: they are called even if it is nil, as it always is when a new
// value is decoded.
//
// A method that t itself declares for decoding has *t for a receiver. So if t
// has it too, it comes through a pointer.
func checkPromoted(t reflect.Type, f form) error {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, m := range ownMethods {
		if m.form != f || !t.Implements(m.read) {
			continue
		}
		if from := embeddedReader(t, m.read); from != nil {
			return fmt.Errorf("which would be read by %s of the embedded %s, which may be nil: give that field a name, or embed the value", m.read.Method(0).Name, from)
		}
	}
	return nil
}

// embeddedReader returns the pointer or the interface embedded in the struct t,
// or in a struct that is embedded there, that has the method of read, or nil.
func embeddedReader(t, read reflect.Type) reflect.Type {
	for f := range t.Fields() {
		if !f.Anonymous || !f.Type.Implements(read) {
			continue
		}
		switch f.Type.Kind() {
		case reflect.Pointer, reflect.Interface:
			return f.Type
		case reflect.Struct:
			if from := embeddedReader(f.Type, read); from != nil {
				return from
			}
		}
	}
	return nil
}
