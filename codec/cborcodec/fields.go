package cborcodec

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"github.com/sesame-go/sesame/internal/shape"
)

// field is a field of a struct, or one of an embedded struct that counts as the
// outer one's.
type field struct {
	*plan
	index []int
	name  string
	key   string // the name, encoded
	side  int    // bytes that embedded pointers on the way to it take
}

var (
	errHidden       = errors.New("which has only unexported fields")
	errOutOfReach   = errors.New("which cannot be decoded: an unexported struct can be embedded neither by pointer nor by name")
	errEmbedsMethod = errors.New("whose methods have no effect where it is embedded: give the field a name")
	errTuplePointer = errors.New("which cannot be embedded in a struct with the option toarray, where nil would come back as a pointer: give the field a name, or embed the value")
	errIndefinite   = errors.New("whose option toindefarray is not deterministic: use toarray")
)

// addFields finds the fields of a struct as the library does, those of embedded
// structs after its own. Where the library would choose between fields, and not
// write the others, is an error.
func (b *builder) addFields(path string, p *plan) error {
	if hidden(p.typ) {
		return fmt.Errorf("%s has type %s, %w", path, p.typ, errHidden)
	}
	if marker, ok := p.typ.FieldByName("_"); ok {
		options := strings.Split(marker.Tag.Get("cbor"), ",")[1:]
		if slices.Contains(options, "toindefarray") {
			return fmt.Errorf("%s has type %s, %w", path, p.typ, errIndefinite)
		}
		if slices.Contains(options, "toarray") {
			p.form = ofTuple
		}
	}
	visited := map[reflect.Type]bool{}
	p.names = map[string]*field{}
	for level := []embedded{{typ: p.typ, tuple: p.form == ofTuple}}; len(level) > 0; {
		var next []embedded
		for _, e := range level {
			if visited[e.typ] {
				return fmt.Errorf("%s has type %s, which embeds %s a second time, where the library passes over it: give the field a name", path, p.typ, e.typ)
			}
			visited[e.typ] = true
			fields, deeper, err := b.fieldsOf(path, e)
			if err != nil {
				return err
			}
			for _, f := range fields {
				if p.names[f.key] != nil {
					return fmt.Errorf("%s has type %s, which has two fields called %q, of which the library takes one at most: rename one", path, p.typ, f.name)
				}
				p.names[f.key] = f
				p.fields = append(p.fields, f)
			}
			next = append(next, deeper...)
		}
		level = next
	}
	slices.SortFunc(p.fields, func(f, g *field) int { return slices.Compare(f.index, g.index) })
	return nil
}

// embedded is a struct in which to look for fields.
type embedded struct {
	typ   reflect.Type
	index []int
	side  int
	tuple bool // the fields are those of a tuple
}

// hidden reports whether t has fields, but none within reach.
func hidden(t reflect.Type) bool {
	for f := range t.Fields() {
		if f.IsExported() || f.Anonymous && shape.Promotes(f.Type) {
			return false
		}
	}
	return t.NumField() > 0
}

// fieldsOf returns the fields of one struct, and the structs embedded in it.
func (b *builder) fieldsOf(path string, e embedded) (fields []*field, deeper []embedded, err error) {
	for sf := range e.typ.Fields() {
		ft := sf.Type
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		if !sf.IsExported() && !(sf.Anonymous && ft.Kind() == reflect.Struct) {
			continue
		}
		tag := sf.Tag.Get("cbor")
		if tag == "" {
			tag = sf.Tag.Get("json")
		}
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		here := path + "." + sf.Name
		index := append(slices.Clone(e.index), sf.Index...)

		if sf.Anonymous && ft.Kind() == reflect.Struct {
			side := e.side
			if sf.Type != ft {
				side += allocSize(int(ft.Size()))
			}
			if !sf.IsExported() && (sf.Type != ft || name != "") {
				return nil, nil, fmt.Errorf("%s has type %s, %w", here, sf.Type, errOutOfReach)
			}
			if name == "" {
				if own, _ := ownMethodsOf(ft); own != nil || ft == timeType || ft == bigType {
					return nil, nil, fmt.Errorf("%s has type %s, %w", here, sf.Type, errEmbedsMethod)
				}
				if e.tuple && sf.Type != ft {
					return nil, nil, fmt.Errorf("%s has type %s, %w", here, sf.Type, errTuplePointer)
				}
				switch {
				case shape.Promotes(ft):
					deeper = append(deeper, embedded{ft, index, side, e.tuple})
				case sf.IsExported() && ft.NumField() > 0:
					return nil, nil, fmt.Errorf("%s has type %s, %w", here, sf.Type, errHidden)
				}
				continue
			}
		}
		if name == "" {
			name = sf.Name
		}
		key, err := encodedKey(name, slices.Contains(strings.Split(options, ","), "keyasint"))
		if err != nil {
			return nil, nil, fmt.Errorf("%s has the tag keyasint, but %q is no integer", here, name)
		}
		p, err := b.build(here, sf.Type)
		if err != nil {
			return nil, nil, err
		}
		fields = append(fields, &field{p, index, name, key, e.side})
	}
	return fields, deeper, nil
}

func encodedKey(name string, asInt bool) (string, error) {
	if !asInt {
		key, err := cbor.Marshal(name)
		return string(key), err
	}
	n, err := strconv.Atoi(name)
	if err != nil {
		return "", err
	}
	key, err := cbor.Marshal(n)
	return string(key), err
}
