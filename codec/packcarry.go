package codec

import (
	"reflect"

	"github.com/vmihailenco/tagparser/v2"

	"github.com/sesame-go/sesame/internal/carry"
	"github.com/sesame-go/sesame/internal/shape"
)

// Carry implements [Carrier].
func (m msgPack) Carry(t reflect.Type, written, stored []byte) (extended []byte, lost []string) {
	return packFormat.Fields(m, t, written, stored)
}

var packFormat = &carry.Format{
	Dialect: packDialect,
	Names: func(f shape.Field) []string {
		names := []string{f.Key}
		if alias := tagparser.Parse(f.Tag.Get("msgpack")).Options["alias"]; alias != "" {
			names = append(names, alias)
		}
		return names
	},
	AsMap:    func(t reflect.Type) bool { return !hasOption(t, "as_array") && !hasOption(t, "asArray") },
	Members:  packMembers,
	Elements: packElements,
	Join:     joinPack,
}

// packMembers splits a map whose keys are strings into its members.
func packMembers(value []byte) (members []carry.Member, ok bool) {
	r := reader{data: value}
	h, err := r.head()
	if err != nil || h.kind != kindMap {
		return nil, false
	}
	for range h.n {
		begin := r.pos
		k, err := r.head()
		if err != nil || k.kind != kindStr && k.kind != kindBin {
			return nil, false
		}
		name := string(r.bytes(k.n))
		between := r.pos
		if r.skip() != nil {
			return nil, false
		}
		members = append(members, carry.Member{Name: name, Key: value[begin:between], Value: value[between:r.pos]})
	}
	return members, true
}

// packElements returns the elements of an array, or the values of a map.
func packElements(value []byte) (elements [][]byte) {
	r := reader{data: value}
	h, err := r.head()
	if err != nil || h.kind != kindMap && h.kind != kindArray {
		return nil
	}
	for range h.n {
		if h.kind == kindMap && r.skip() != nil {
			return nil
		}
		begin := r.pos
		if r.skip() != nil {
			return nil
		}
		elements = append(elements, value[begin:r.pos])
	}
	return elements
}

func joinPack(members []carry.Member) []byte {
	out := appendMapLen(nil, len(members))
	for _, m := range members {
		out = append(append(out, m.Key...), m.Value...)
	}
	return out
}
