package cborcodec

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/internal/carry"
	"github.com/sesame-go/sesame/internal/shape"
)

// DecodeShared implements [codec.SharedDecoder]. It keeps no part of data.
func (c cborCodec) DecodeShared(data []byte, v any) (codec.Found, error) {
	if decode(strict, data, v) == nil {
		return codec.Found{}, nil
	}
	// An unknown field is the most likely reason; decoding without strict shows it.
	if p, err := target(v); err == nil {
		p.Elem().SetZero()
	}
	err := c.Decode(data, v)
	return codec.Found{Unknown: err == nil}, err
}

// Carry implements [codec.Carrier].
func (c cborCodec) Carry(t reflect.Type, written, stored []byte) (extended []byte, lost []string) {
	return format.Fields(c, t, written, stored)
}

var format = &carry.Format{
	Dialect: dialect,
	Names:   func(f shape.Field) []string { return []string{f.Key} },
	AsMap: func(t reflect.Type) bool {
		f, ok := t.FieldByName("_")
		return !ok || f.Tag.Get("cbor") != ",toarray"
	},
	Members:  members,
	Elements: elements,
	Join:     join,
}

// members splits a map whose keys are strings or integers into its members.
func members(value []byte) (all []carry.Member, ok bool) {
	n, rest, ok := head(value, majorMap)
	if !ok {
		return nil, false
	}
	for range n {
		var m carry.Member
		m.Key, rest, ok = item(rest)
		if !ok {
			return nil, false
		}
		var key any
		if decoder.Unmarshal(m.Key, &key) != nil {
			return nil, false
		}
		switch key := key.(type) {
		case string:
			m.Name = key
		case int64:
			m.Name = intKey(key)
		default:
			return nil, false
		}
		m.Value, rest, ok = item(rest)
		if !ok {
			return nil, false
		}
		all = append(all, m)
	}
	return all, true
}

// elements returns the elements of an array, or the values of a map.
func elements(value []byte) (all [][]byte) {
	n, rest, isMap := head(value, majorMap)
	if !isMap {
		var ok bool
		if n, rest, ok = head(value, majorArray); !ok {
			return nil
		}
	}
	for range n {
		var e []byte
		ok := true
		if isMap {
			_, rest, ok = item(rest)
		}
		if ok {
			e, rest, ok = item(rest)
		}
		if !ok {
			return nil
		}
		all = append(all, e)
	}
	return all
}

// join writes keys in bytewise order.
func join(all []carry.Member) []byte {
	slices.SortFunc(all, func(a, b carry.Member) int { return bytes.Compare(a.Key, b.Key) })
	out, err := encoder.Marshal(len(all))
	if err != nil {
		panic(fmt.Errorf("cborcodec: %w", err)) // an integer
	}
	out[0] |= majorMap << 5
	for _, m := range all {
		out = append(append(out, m.Key...), m.Value...)
	}
	return out
}

// The major types of RFC 8949 that have members.
const (
	majorArray = 4
	majorMap   = 5
)

// head reads how many elements an array or members a map has.
func head(value []byte, major byte) (n uint64, rest []byte, ok bool) {
	if len(value) == 0 || value[0]>>5 != major {
		return 0, nil, false
	}
	asInt := bytes.Clone(value[:min(9, len(value))])
	asInt[0] &= 0x1f // an unsigned integer is written as a length is
	left, err := decoder.UnmarshalFirst(asInt, &n)
	if err != nil {
		return 0, nil, false
	}
	return n, value[len(asInt)-len(left):], true
}

// item splits off the first value.
func item(data []byte) (value, rest []byte, ok bool) {
	var raw cbor.RawMessage
	rest, err := decoder.UnmarshalFirst(data, &raw)
	return raw, rest, err == nil
}

func intKey[N int | int64](n N) string { return fmt.Sprintf("%d (keyasint)", n) } // which is not the same as "1"
