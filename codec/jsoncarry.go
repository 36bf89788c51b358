package codec

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"unicode"

	"github.com/sesame-go/sesame/internal/carry"
	"github.com/sesame-go/sesame/internal/shape"
)

// Carry implements [Carrier].
func (c jsonCodec) Carry(t reflect.Type, written, stored []byte) (extended []byte, lost []string) {
	return jsonFormat.Fields(c, t, written, stored)
}

var jsonFormat = &carry.Format{
	Dialect:  jsonDialect,
	Names:    func(f shape.Field) []string { return []string{f.Key} },
	Fold:     func(name string) string { return strings.Map(foldRune, name) }, // encoding/json ignores case
	Members:  jsonMembers,
	Elements: jsonElements,
	Join:     joinJSON,
}

// foldRune returns the smallest of the runes that differ from r in case alone, by
// which encoding/json compares names.
func foldRune(r rune) rune {
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}

// jsonMembers splits an object, whose syntax has been checked, into its members.
func jsonMembers(value []byte) (members []carry.Member, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(value))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, false
	}
	for dec.More() {
		before := dec.InputOffset()
		key, err := dec.Token()
		name, isName := key.(string)
		if err != nil || !isName {
			return nil, false
		}
		m := carry.Member{Name: name, Key: bytes.TrimLeft(value[before:dec.InputOffset()], ", \t\r\n")}
		if err := dec.Decode((*json.RawMessage)(&m.Value)); err != nil {
			return nil, false
		}
		members = append(members, m)
	}
	return members, true
}

// jsonElements returns the elements of an array, or the values of an object.
func jsonElements(value []byte) (elements [][]byte) {
	if members, ok := jsonMembers(value); ok {
		for _, m := range members {
			elements = append(elements, m.Value)
		}
		return elements
	}
	var list []json.RawMessage
	if json.Unmarshal(value, &list) != nil {
		return nil
	}
	for _, e := range list {
		elements = append(elements, e)
	}
	return elements
}

func joinJSON(members []carry.Member) []byte {
	out := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, m.Key...), ':'), m.Value...)
	}
	return append(out, '}')
}
