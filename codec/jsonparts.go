package codec

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
)

// encoding/json gives the methods of types a part of the very text, with all
// that follows it within reach of an append. So a value with such types in it
// is decoded part by part: each value that decodes itself is given a copy, and
// encoding/json decodes what lies between.

// jsonParts decodes one text. It goes over it in the order in which the
// scanner does, when it has been found to be valid.
type jsonParts struct {
	jsonScanner
	library  *json.Decoder // reads what is in next
	next     []byte
	read     int    // how much of next it has read
	plain    []byte // members for the library, of all structs that are being decoded
	unquoted string
}

func decodeJSONParts(data []byte, v any) error {
	if !json.Valid(data) {
		return errJSONSyntax
	}
	p := jsonParts{jsonScanner: jsonScanner{data: data}}
	p.library = json.NewDecoder(&p)
	p.library.UseNumber()
	to := reflect.ValueOf(v).Elem()
	return p.value(jsonTypeOf(to.Type()), to)
}

// Read implements [io.Reader].
func (p *jsonParts) Read(b []byte) (int, error) {
	if p.read == len(p.next) {
		return 0, io.EOF
	}
	n := copy(b, p.next[p.read:])
	p.read += n
	return n, nil
}

// decode lets encoding/json decode a text into v.
func (p *jsonParts) decode(v reflect.Value, text []byte) error {
	p.next, p.read = append(append(p.next[:0], text...), ' '), 0 // the space ends a number
	return p.library.Decode(v.Addr().Interface())
}

// value decodes the next value into v, which is of type t.
func (p *jsonParts) value(t *jsonType, v reflect.Value) error {
	c := p.peek()
	switch {
	case t.kind == reflect.Invalid && t.apart:
		return p.own(v)
	case t.kind == reflect.Pointer && t.apart && c != 'n':
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return p.value(t.elem, v.Elem())
	case t.kind == reflect.Struct && t.apart && c == '{':
		return p.structure(t, v)
	case t.kind == reflect.Map && t.apart && c == '{':
		return p.mapping(t, v)
	case (t.kind == reflect.Slice || t.kind == reflect.Array) && t.apart && c == '[':
		return p.elements(t, v)
	}
	text, err := p.skipped()
	if err != nil {
		return err
	}
	return p.decode(v, text)
}

// skipped reads over the next value and returns its text.
func (p *jsonParts) skipped() ([]byte, error) {
	p.peek()
	start := p.pos
	err := p.jsonScanner.value(nil)
	return p.data[start:p.pos], err
}

// own has the next value decode itself into v.
func (p *jsonParts) own(v reflect.Value) error {
	text, err := p.skipped()
	if err != nil {
		return err
	}
	switch u := v.Addr().Interface().(type) {
	case json.Unmarshaler:
		return u.UnmarshalJSON(bytes.Clone(text))
	case encoding.TextUnmarshaler:
		if text[0] == '"' {
			content, err := p.unquote(text)
			if err != nil {
				return err
			}
			return u.UnmarshalText(content)
		}
	}
	return p.decode(v, text) // null, or an error
}

// unquote returns a copy of what a string says.
func (p *jsonParts) unquote(text []byte) ([]byte, error) {
	if bytes.IndexByte(text, '\\') < 0 {
		return bytes.Clone(text[1 : len(text)-1]), nil
	}
	err := p.decode(reflect.ValueOf(&p.unquoted).Elem(), text)
	return []byte(p.unquoted), err
}

// structure decodes a struct. The members without values that decode themselves
// are put together, and left to encoding/json.
func (p *jsonParts) structure(t *jsonType, v reflect.Value) error {
	first := len(p.plain)
	p.plain = append(p.plain, '{')
	err := p.members(func(key []byte) error {
		f := p.field(t, key)
		if f != nil && f.apart {
			return p.value(f.jsonType, fieldOf(v, f.index))
		}
		text, err := p.skipped()
		if f != nil {
			p.plain = append(p.plain, key...)
			p.plain = append(p.plain, ':')
			p.plain = append(p.plain, text...)
			p.plain = append(p.plain, ',')
		}
		return err
	})
	if last := len(p.plain) - 1; err == nil && last > first {
		p.plain[last] = '}'
		err = p.decode(v, p.plain[first:])
	}
	p.plain = p.plain[:first]
	return err
}

// fieldOf returns a field, making the embedded structs on the way to it.
func fieldOf(v reflect.Value, index []int) reflect.Value {
	for _, i := range index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v
}

func (p *jsonParts) mapping(t *jsonType, v reflect.Value) error {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	return p.members(func(text []byte) error {
		key.SetZero()
		if err := p.key(text, key); err != nil {
			return err
		}
		elem.SetZero()
		if err := p.value(t.elem, elem); err != nil {
			return err
		}
		v.SetMapIndex(key, elem)
		return nil
	})
}

// key decodes the key of a map, given with its quotes.
func (p *jsonParts) key(text []byte, v reflect.Value) error {
	content, err := p.unquote(text)
	if err != nil {
		return err
	}
	u, isText := v.Addr().Interface().(encoding.TextUnmarshaler)
	switch {
	case isText:
		return u.UnmarshalText(content)
	case v.Kind() == reflect.String:
		v.SetString(string(content))
		return nil
	case v.CanInt():
		n, err := strconv.ParseInt(string(content), 10, v.Type().Bits())
		v.SetInt(n)
		return err
	case v.CanUint():
		n, err := strconv.ParseUint(string(content), 10, v.Type().Bits())
		v.SetUint(n)
		return err
	}
	return fmt.Errorf("a key cannot be decoded into %s", v.Type())
}

// members calls value, with the key, where the value of each member begins.
func (p *jsonParts) members(value func(key []byte) error) error {
	if err := p.open(); err != nil {
		return err
	}
	for p.peek() != '}' {
		start := p.pos
		if _, err := p.text(); err != nil {
			return err
		}
		key := p.data[start:p.pos]
		p.peek()
		p.pos++ // the colon
		if err := value(key); err != nil {
			return err
		}
		if err := p.comma('}'); err != nil {
			return err
		}
	}
	p.close()
	return nil
}

// elements decodes an array into a slice or an array.
func (p *jsonParts) elements(t *jsonType, v reflect.Value) error {
	if err := p.open(); err != nil {
		return err
	}
	v.SetZero()
	isSlice := v.Kind() == reflect.Slice
	if isSlice {
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	}
	for n := 0; p.peek() != ']'; n++ {
		if isSlice {
			v.Grow(1)
			v.SetLen(n + 1)
		}
		var err error
		if n < v.Len() {
			err = p.value(t.elem, v.Index(n))
		} else { // an array that is too short
			_, err = p.skipped()
		}
		if err != nil {
			return err
		}
		if err := p.comma(']'); err != nil {
			return err
		}
	}
	p.close()
	return nil
}
