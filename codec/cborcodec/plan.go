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

	"github.com/sesame-go/sesame/internal/shape"
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

	apart bool // it decodes itself, or contains what does: see parts

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
	for changed := true; changed; { // what contains something deep is deep, and so on
		changed = false
		for _, p := range b.done {
			deep, apart := p.deep, p.apart
			for _, f := range p.fields {
				p.inherit(f.plan)
			}
			p.inherit(p.elem)
			p.inherit(p.key)
			changed = changed || p.deep != deep || p.apart != apart
		}
	}
	return p
}

// inherit takes over what p's type has from what it contains.
func (p *plan) inherit(from *plan) {
	if from != nil {
		p.deep, p.apart = p.deep || from.deep, p.apart || from.apart
	}
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
	own, err := ownMethodsOf(p.typ)
	switch {
	case err != nil:
		return err
	case own != nil:
		p.form, p.apart = own.form, true
		return shape.CheckPromoted(p.typ, own.find, own.findReader, "cbor", "json")
	}
	p.form, err = formOf(p.typ)
	return err
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
		if shape.Endless(t) {
			return 0, errors.New("which points to nothing but pointers: point to something else")
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

// methodPair is one of the ways in which a type may write and read itself.
type methodPair struct {
	form               form
	marshaler          reflect.Type // interfaces
	unmarshaler        reflect.Type
	marshal, unmarshal string       // their methods
	find, findReader   shape.Method // find these
}

// ownMethods are in the order in which the library asks for them.
var ownMethods = []methodPair{
	{
		ofOwnCBOR,
		reflect.TypeFor[cbor.Marshaler](), reflect.TypeFor[cbor.Unmarshaler](), "MarshalCBOR", "UnmarshalCBOR",
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("MarshalCBOR") },
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("UnmarshalCBOR") },
	},
	{
		ofOwnBytes,
		reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler](), "MarshalBinary", "UnmarshalBinary",
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("MarshalBinary") },
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("UnmarshalBinary") },
	},
	{
		ofOwnText,
		reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](), "MarshalText", "UnmarshalText",
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("MarshalText") },
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("UnmarshalText") },
	},
}

// ownMethodsOf is how a type writes and reads itself, or nil. It is an error if
// it is written in one way and read in another.
func ownMethodsOf(t reflect.Type) (*methodPair, error) {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return nil, nil // what it points to is asked in its turn
	}
	var w, r *methodPair
	for i := range ownMethods {
		m := &ownMethods[i]
		if w == nil && reflect.PointerTo(t).Implements(m.marshaler) {
			w = m
		}
		if r == nil && reflect.PointerTo(t).Implements(m.unmarshaler) {
			r = m
		}
	}
	switch {
	case w == r:
		return w, nil
	case w == nil:
		return nil, fmt.Errorf("which has %s but no %s", r.unmarshal, r.marshal)
	case r == nil:
		return nil, fmt.Errorf("which has %s but no %s", w.marshal, w.unmarshal)
	default:
		return nil, fmt.Errorf("which would be written by %s but read by %s", w.marshal, r.unmarshal)
	}
}
