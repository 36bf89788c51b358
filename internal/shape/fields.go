package shape

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// Tag is what a struct tag says to a codec.
type Tag struct {
	Name  string // the field's key, if not the name it has in Go
	Skip  bool   // the codec passes over the field
	Embed Embed  // for an embedded struct
}

// Embed says how the fields of an embedded struct are written.
type Embed byte

// The ways to write them.
const (
	Dissolve Embed = iota // they are the outer struct's; it is an error if a name is taken
	Try                   // likewise, but if a name is taken, or the struct writes itself, it is a field
	Keep                  // it is a field like any other
)

// Field is a field of a struct as a codec writes it: one of its own, or one of
// a struct embedded in it.
type Field struct {
	reflect.StructField              // Index leads to it from the outermost struct
	In                  reflect.Type // the struct that declares it
	Key                 string       // what the codec calls it
	Path                string       // what Go calls it, such as Base.ID
}

// about is what a dialect has cached about a type.
type about struct {
	fields []Field // of a struct that does not write itself
	own    bool    // the type writes itself
	err    error   // why it has no fields
}

func (d *Dialect) about(t reflect.Type) *about {
	if known, ok := d.known.Load(t); ok {
		return known.(*about)
	}
	a := new(about)
	if a.own, a.err = d.Rule(t); a.err == nil && !a.own && t.Kind() == reflect.Struct {
		a.fields, a.err = d.fieldsOf(t, nil)
	}
	d.known.Store(t, a)
	return a
}

// Fields returns the fields of the struct t as the codec writes them, in the
// order of the source. It is an error if the codec would leave one out, or
// could not read it. The error reads like that of a Rule.
func (d *Dialect) Fields(t reflect.Type) ([]Field, error) {
	a := d.about(t)
	return a.fields, a.err
}

var errHidden = errors.New("which has only unexported fields")

func (d *Dialect) fieldsOf(t reflect.Type, outer []reflect.Type) (fields []Field, err error) {
	if slices.Contains(outer, t) {
		return nil, errors.New("which embeds itself")
	}
	if vanishes(t) {
		return nil, errHidden
	}
	outer = append(outer, t)

	tags := make([]Tag, t.NumField())
	taken := map[string]bool{} // by fields that are not embedded, wherever they stand
	for i := range tags {
		f := t.Field(i)
		if tags[i], err = d.Tag(f); err != nil {
			return nil, err
		}
		if tags[i].Name == "" {
			tags[i].Name = f.Name
		}
		if f.IsExported() && !f.Anonymous && !tags[i].Skip {
			if taken[tags[i].Name] {
				return nil, twice(tags[i].Name)
			}
			taken[tags[i].Name] = true
		}
	}

	for i, tag := range tags {
		f := t.Field(i)
		if tag.Skip || !f.IsExported() && !embedsStruct(f) {
			continue
		}
		if f.Anonymous {
			inner, dissolved, err := d.dissolve(f, tag.Embed, taken, outer)
			if err != nil {
				return nil, err
			}
			for _, g := range inner {
				taken[g.Key] = true
				fields = append(fields, g)
			}
			if dissolved {
				continue
			}
			if taken[tag.Name] {
				return nil, twice(tag.Name)
			}
			taken[tag.Name] = true
		}
		fields = append(fields, Field{StructField: f, In: t, Key: tag.Name, Path: f.Name})
	}
	return fields, nil
}

func twice(name string) error {
	return fmt.Errorf("which has two fields called %q, of which one would be lost: rename one", name)
}

// dissolve returns the fields that the embedded f gives the outer struct, and
// whether that is all it is.
func (d *Dialect) dissolve(f reflect.StructField, how Embed, taken map[string]bool, outer []reflect.Type) (fields []Field, dissolved bool, err error) {
	if !embedsStruct(f) {
		return nil, false, nil
	}
	t, pointer := f.Type, f.Type.Kind() == reflect.Pointer
	if pointer {
		t = t.Elem()
	}
	own, err := d.Rule(t)
	if err != nil {
		return nil, false, fmt.Errorf("which embeds %s, %w", f.Type, err)
	}
	switch {
	case how == Dissolve && own:
		return nil, false, fmt.Errorf("which embeds %s, whose methods have no effect there: give the field a name", f.Type)
	case !own && !Promotes(t) && f.IsExported() && vanishes(t):
		return nil, false, fmt.Errorf("which embeds %s, %w", f.Type, errHidden)
	case !own && !Promotes(t) && !f.IsExported():
		return nil, true, nil // out of reach, as any unexported field
	case !f.IsExported() && (own || how == Keep):
		return nil, false, fmt.Errorf("which embeds %s, whose fields would be lost: export the type, or give the field a name", f.Type)
	case !f.IsExported() && pointer:
		return nil, false, fmt.Errorf("which embeds %s, which cannot be set when decoding: embed it without the pointer", f.Type)
	case own || how == Keep:
		return nil, false, nil
	}

	inner, err := d.fieldsOf(t, outer)
	if err != nil {
		return nil, false, fmt.Errorf("which embeds %s, %w", f.Type, err)
	}
	for i, g := range inner {
		if taken[g.Key] && how == Try && f.IsExported() {
			return nil, false, nil
		}
		if taken[g.Key] {
			return nil, false, twice(g.Key)
		}
		inner[i].Index = append(slices.Clone(f.Index), g.Index...)
		inner[i].Path = f.Name + "." + g.Path
	}
	return inner, true, nil
}

// vanishes reports whether t holds data, but only in unexported fields.
func vanishes(t reflect.Type) bool {
	holds := false
	for f := range t.Fields() {
		if f.IsExported() || f.Anonymous && Promotes(f.Type) {
			return false
		}
		holds = holds || f.Name != "_" && f.Type.Size() > 0
	}
	return holds
}

// embedsStruct reports whether f is an embedded struct, or a pointer to one.
func embedsStruct(f reflect.StructField) bool {
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return f.Anonymous && t.Kind() == reflect.Struct
}
