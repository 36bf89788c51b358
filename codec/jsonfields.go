package codec

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/sesame-go/sesame/internal/shape"
)

// jsonField is a field of a struct as encoding/json sees it: one of its own, or
// of a struct embedded in it.
type jsonField struct {
	*jsonType
	typ   reflect.Type
	name  string
	index []int // as in reflect.StructField, from the outermost struct
	rank  int   // the lowest wins the name: twice the depth, and one more if no tag gives it
	side  int   // bytes that embedded pointers on the way take
}

// jsonFinder looks for the fields of a struct, one level of embedding after the
// other.
type jsonFinder struct {
	found []*jsonField
	next  []jsonEmbedded
	err   error // the first
}

// jsonEmbedded is a struct in which to look for fields.
type jsonEmbedded struct {
	typ   reflect.Type
	index []int
	side  int
}

// jsonFieldsOf finds the fields of the struct t as encoding/json does, in the
// order of the source. Of those of one name the least deep one wins, and among
// these the one that has it from its tag.
//
// encoding/json says nothing of the others. Here they are an error, as is what
// else it would not write or could not read. The fields are then more than it
// takes, never less.
func jsonFieldsOf(t reflect.Type) ([]*jsonField, error) {
	finder := jsonFinder{next: []jsonEmbedded{{typ: t}}}
	visited := map[reflect.Type]bool{}
	for len(finder.next) > 0 {
		level := finder.next
		finder.next = nil
		for _, e := range level {
			if visited[e.typ] {
				finder.fail("which embeds %s a second time, where encoding/json passes over it: give the field a name", e.typ)
				continue
			}
			for f := range e.typ.Fields() {
				if inJSON(f) {
					finder.add(e, f)
				}
			}
		}
		for _, e := range level {
			visited[e.typ] = true
		}
	}

	slices.SortStableFunc(finder.found, func(f, g *jsonField) int {
		return cmp.Or(strings.Compare(f.name, g.name), cmp.Compare(f.rank, g.rank))
	})
	var fields []*jsonField
	for i, f := range finder.found {
		if i > 0 && f.name == finder.found[i-1].name {
			finder.fail("which has two fields called %q, of which encoding/json takes one at most: rename one", f.name)
			continue
		}
		fields = append(fields, f)
	}
	slices.SortFunc(fields, func(f, g *jsonField) int { return slices.Compare(f.index, g.index) })
	return fields, finder.err
}

// add adds a field of a struct, or what is embedded there.
func (d *jsonFinder) add(e jsonEmbedded, f reflect.StructField) {
	index := append(slices.Clone(e.index), f.Index...)
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if !isJSONName(name) {
		name = ""
	}
	if f.Anonymous {
		base, side := f.Type, e.side
		if base.Kind() == reflect.Pointer {
			base = base.Elem()
			side += allocSize(int(base.Size()))
			if !f.IsExported() {
				d.fail("which embeds %s, which cannot be set when decoding: embed it without the pointer", f.Type)
			}
		}
		dissolved := name == "" && base.Kind() == reflect.Struct
		if methods, _ := chooseJSON(base); methods != nil && (dissolved || !f.IsExported()) {
			d.fail("which embeds %s, whose methods have no effect there: give the field a name", f.Type)
		}
		if dissolved {
			if shape.Promotes(base) {
				d.next = append(d.next, jsonEmbedded{base, index, side})
			}
			return
		}
	}
	rank := 2 * len(index)
	if name == "" {
		name = f.Name
		rank++
	}
	d.found = append(d.found, &jsonField{typ: f.Type, name: name, index: index, rank: rank, side: e.side})
}

func (d *jsonFinder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

// inJSON reports whether encoding/json looks at a field.
func inJSON(f reflect.StructField) bool {
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return f.Tag.Get("json") != "-" && (f.IsExported() || f.Anonymous && t.Kind() == reflect.Struct)
}

// isJSONName reports whether encoding/json takes a name from a tag.
func isJSONName(s string) bool {
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) {
			return false
		}
	}
	return true
}

// foldName makes names equal that encoding/json takes for the same: those that
// strings.EqualFold does.
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next // the smallest of those that fold to each other
			}
			r = next
		}
	}, name)
}
