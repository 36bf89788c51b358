package codectest

import (
	"bytes"
	"reflect"
	"slices"

	"github.com/sesame-go/sesame/codec"
)

// checkMethods encodes and decodes types whose methods keep the bytes that they
// are given and change them in place.
func checkMethods(r *report, c codec.Codec) {
	for _, s := range []struct {
		name string
		make func() any
	}{
		{"MarshalText and MarshalBinary", holders[Held]},
		{"MarshalJSON", holders[HeldJSON]},
		{"GobEncode", holders[HeldGob]},
	} {
		v := s.make()
		data, ok, err := sample{rare: true}.encode(c, v)
		if err != nil {
			r.errorf("%s: Append: %v", s.name, err)
		}
		if !ok {
			continue
		}
		checkReturned(r, s.name, data, v)
		checkGiven(r, s.name, c, "Decode", decode, data, v)
		if shared, ok := c.(codec.SharedDecoder); ok {
			checkGiven(r, s.name, c, "DecodeShared", func(_ codec.Codec, data []byte, v any) error {
				_, err := decodeShared(shared, data, v)
				return err
			}, data, v)
		}
	}
}

// checkReturned changes the bytes that v's methods returned to Append, and
// expects data, which Append wrote, to stay the same.
func checkReturned(r *report, name string, data []byte, v any) {
	written := bytes.Clone(data)
	for _, b := range held(v) {
		b.overwrite()
	}
	if !bytes.Equal(data, written) {
		r.errorf("%s: Append did not copy the bytes that a method returned: changing them changes the encoding", name)
	}
}

// checkGiven decodes data as a value of v's type, and changes in place the bytes
// that each method was given, one method after the other.
func checkGiven(r *report, name string, c codec.Codec, method string, decode func(codec.Codec, []byte, any) error, data []byte, v any) {
	first := fresh(v)
	if err := decode(c, data, first); err != nil {
		r.errorf("%s: %s: %v", name, method, err)
		return
	}
	for i, h := range held(first) {
		if h.content() == nil {
			break // the codec uses other methods, and has no Check to say so
		}
		given, got := bytes.Clone(data), fresh(v)
		if err := decode(c, given, got); err != nil {
			r.errorf("%s: %s: %v", name, method, err)
			return
		}
		all := held(got)
		var before [][]byte
		for _, b := range all {
			before = append(before, bytes.Clone(b.content()))
		}
		all[i].overwrite()
		if !bytes.Equal(given, data) {
			r.errorf("%s: %s gave a method a part of data, which the method could change", name, method)
		}
		for j, b := range all {
			if j != i && !bytes.Equal(b.content(), before[j]) {
				r.errorf("%s: %s gave a method bytes of another value, which was %q and is now %q", name, method, before[j], b.content())
			}
		}
		again := fresh(v)
		if data, err := encode(c, got); err != nil || decode(c, data, again) != nil || !bytes.Equal(held(again)[i].content(), all[i].content()) {
			r.errorf("%s: a change of the bytes that a method kept is not encoded (error %v)", name, err)
		}
	}
	again := fresh(v)
	if data, err := encode(c, first); err != nil || decode(c, data, again) != nil || !slices.EqualFunc(held(again), held(first), sameContent) {
		r.errorf("%s: %s: encoding the value again changes it (error %v)", name, method, err)
	}
}

// A holder keeps the bytes that its methods are given.
type holder interface {
	content() []byte
	set(text string)
	overwrite() // changes the bytes in place
}

func sameContent(a, b holder) bool { return bytes.Equal(a.content(), b.content()) }

// holders makes a session with values of type T in every kind of place: a field,
// a slice, an array, a map, behind a pointer.
func holders[T any]() any {
	v := new(struct {
		A, B   T
		Before string
		Ptr    **T
		After  []byte
		List   []T
		Array  [2]T
		Nested []struct {
			Number int
			Value  T
			Text   string
		}
		Map map[string]*T
	})
	v.Before, v.After = "before", []byte("after")
	v.Ptr = new(new(T))
	v.List = make([]T, 3)
	v.Nested = append(v.Nested, v.Nested...)
	for i := range 2 {
		v.Nested = append(v.Nested, struct {
			Number int
			Value  T
			Text   string
		}{Number: i, Text: key(i)})
	}
	v.Map = map[string]*T{"one": new(T), "two": new(T)}
	for i, h := range held(v) {
		h.set("holder-" + key(i))
	}
	return v
}

// held returns the holders of a session that holders has made.
func held(v any) []holder {
	var all []holder
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		if v.CanAddr() {
			if h, ok := v.Addr().Interface().(holder); ok {
				all = append(all, h)
				return
			}
		}
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for _, k := range []string{"one", "two"} {
				if e := v.MapIndex(reflect.ValueOf(k)); e.IsValid() {
					walk(e)
				}
			}
		}
	}
	walk(reflect.ValueOf(v))
	return all
}

// bytesHeld implements holder for the types below.
type bytesHeld struct{ b []byte }

func (h *bytesHeld) content() []byte { return h.b }
func (h *bytesHeld) set(text string) { h.b = []byte(text) }

func (h *bytesHeld) overwrite() {
	for i, c := range h.b {
		if 'a' <= c && c < 'z' { // so that it stays what it was: a text, a string in JSON
			h.b[i]++
		}
	}
}

// take keeps b, which the documentation of UnmarshalText and similar methods
// forbids, and changes it in place and back.
func (h *bytesHeld) take(b []byte) error {
	h.b = b
	for range 2 {
		for i := range b {
			b[i] ^= 0xff
		}
	}
	return nil
}

type (
	// Held has methods for a text and a binary form, which keep their argument.
	Held struct{ bytesHeld }
	// HeldJSON has methods for JSON, which keep their argument.
	HeldJSON struct{ bytesHeld }
	// HeldGob has methods for encoding/gob, which keep their argument.
	HeldGob struct{ bytesHeld }
)

// MarshalText implements [encoding.TextMarshaler].
func (h Held) MarshalText() ([]byte, error) { return h.b, nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (h *Held) UnmarshalText(b []byte) error { return h.take(b) }

// MarshalBinary implements [encoding.BinaryMarshaler].
func (h Held) MarshalBinary() ([]byte, error) { return h.b, nil }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (h *Held) UnmarshalBinary(b []byte) error { return h.take(b) }

// MarshalJSON implements [encoding/json.Marshaler].
func (h HeldJSON) MarshalJSON() ([]byte, error) { return h.b, nil }

// UnmarshalJSON implements [encoding/json.Unmarshaler].
func (h *HeldJSON) UnmarshalJSON(b []byte) error { return h.take(b) }

func (h *HeldJSON) set(text string) { h.b = []byte(`"` + text + `"`) }

// GobEncode implements [encoding/gob.GobEncoder].
func (h HeldGob) GobEncode() ([]byte, error) { return h.b, nil }

// GobDecode implements [encoding/gob.GobDecoder].
func (h *HeldGob) GobDecode(b []byte) error { return h.take(b) }
