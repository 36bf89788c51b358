package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"
)

// encoding/json bounds the depth of what it decodes, but not its size in
// memory: "[{},{},{}]" takes fifty times its length. So the text is read over
// before, side by side with the type it is meant for, and the allocations that
// encoding/json will make are added up. It grows slices and maps as it goes,
// and what it outgrows counts too.
//
// Append reads over its own output in the same way. That is also where it sees
// that a string was not valid UTF-8, for which encoding/json writes \ufffd, or
// U+FFFD itself if built with GOEXPERIMENT=jsonv2.

// jsonScanner reads over a JSON text. It is only as strict as it needs to be:
// encoding/json has the last word on syntax.
type jsonScanner struct {
	data    []byte
	pos     int
	depth   int
	cost    int
	sawAny  bool // something goes to an interface
	apart   bool // the text is to be decoded part by part
	encoded bool // the text comes from encoding/json
}

var (
	errJSONSyntax = errors.New("codec: json: invalid or incomplete JSON")
	errJSONUTF8   = errors.New("codec: json: a string is not valid UTF-8; use []byte for data that is no text")
)

// check reads over the one value that data is to be, for decoding into v.
func (s *jsonScanner) check(v any) error {
	p := reflect.TypeOf(v)
	if p == nil || p.Kind() != reflect.Pointer {
		return fmt.Errorf("codec: json: a pointer is needed, not %T", v)
	}
	if !utf8.Valid(s.data) {
		return errJSONUTF8
	}
	t := jsonTypeOf(p.Elem())
	if err := s.value(t); err != nil {
		return err
	}
	if s.encoded && (bytes.Contains(s.data, []byte("\ufffd")) || bytes.Contains(s.data, []byte(`\\ufffd`))) {
		if err := checkStrings(reflect.ValueOf(v), 0); err != nil {
			return err
		}
	}
	if s.peek() != 0 || s.pos != len(s.data) {
		return fmt.Errorf("codec: json: %d bytes follow the value", len(s.data)-s.pos)
	}
	if s.apart = t.apart; s.apart || s.sawAny {
		s.cost += 2<<10 + 4*len(s.data) // the buffer of a json.Decoder
	}
	if s.cost > budget(len(s.data)) {
		return errTooDense
	}
	return nil
}

// peek passes over white space and returns the byte after it, 0 at the end.
func (s *jsonScanner) peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// value reads over a value meant for a variable of type t.
func (s *jsonScanner) value(t *jsonType) error {
	if s.cost > huge {
		return errTooDense
	}
	c := s.peek()
	if c == 'n' {
		return s.scalar()
	}
	for t != nil && t.kind == reflect.Pointer {
		t = t.elem
		s.cost += allocSize(t.size)
	}
	s.sawAny = s.sawAny || t != nil && t.kind == reflect.Interface
	start := s.pos
	var err error
	switch c {
	case '{':
		err = s.object(t)
	case '[':
		err = s.array(t)
	case '"':
		var n int
		if n, err = s.text(); t != nil {
			s.cost += t.textCost(n)
		}
	default:
		if err = s.scalar(); t != nil && t.kind == reflect.Interface {
			s.cost += boxedString + stringSize(s.pos-start)
		}
	}
	if t != nil && t.kind == reflect.Invalid {
		s.cost += ownSize(s.pos - start)
	}
	return err
}

func (t *jsonType) textCost(n int) int {
	switch t.kind {
	case reflect.Interface:
		return boxedString + stringSize(n)
	case reflect.String, reflect.Slice:
		return stringSize(n)
	}
	return 0
}

// open reads over the bracket that begins an array or an object.
func (s *jsonScanner) open() error {
	s.pos++
	if s.depth++; s.depth > maxDepth {
		return errTooDeep
	}
	return nil
}

// close reads over the one that ends it.
func (s *jsonScanner) close() {
	s.pos++
	s.depth--
}

func (s *jsonScanner) array(t *jsonType) error {
	if err := s.open(); err != nil {
		return err
	}
	var elem *jsonType
	size := 0 // of an element that has to be allocated
	if t != nil {
		switch t.kind {
		case reflect.Interface:
			elem, size = jsonAny, anySize
			s.cost += boxedSlice
		case reflect.Slice:
			elem, size = t.elem, t.elem.size
		case reflect.Array:
			elem = t.elem
		}
	}
	n, capacity := 0, 0
	for s.peek() != ']' {
		if n == capacity { // as append does
			if capacity < 256 {
				capacity = max(1, 2*capacity)
			} else {
				capacity += (capacity + 3*256) / 4
			}
			s.cost += sliceSize(capacity, size)
		}
		n++
		if err := s.value(elem); err != nil {
			return err
		}
		if err := s.comma(']'); err != nil {
			return err
		}
	}
	s.close()
	return nil
}

func (s *jsonScanner) object(t *jsonType) error {
	if err := s.open(); err != nil {
		return err
	}
	var entries *mapShape
	var elem *jsonType
	keySize := 0
	if t != nil {
		switch t.kind {
		case reflect.Interface:
			entries, elem = &mapStringAny, jsonAny
		case reflect.Map:
			entries, elem, keySize = &t.entries, t.elem, t.key
			s.cost += allocSize(t.elem.size)
		}
	}
	if entries != nil {
		s.cost += entries.size(0)
	}
	n, room := 0, 0
	var last []byte
	for s.peek() != '}' {
		start := s.pos
		length, err := s.text()
		if err != nil {
			return err
		}
		key := s.data[start:s.pos]
		if s.peek() != ':' {
			return errJSONSyntax
		}
		s.pos++
		switch {
		case entries != nil:
			if n++; n > room {
				room = max(8, 2*room)
				s.cost += entries.size(room - room/8)
			}
			s.cost += keySize + 2*stringSize(length)
			if s.encoded && n > 1 && bytes.Equal(key, last) {
				return errors.New("codec: json: two keys of a map have the same encoding")
			}
			last = key
		case t != nil && t.kind == reflect.Struct:
			elem = nil
			if f := s.field(t, key); f != nil {
				elem = f.jsonType
			}
		}
		if err := s.value(elem); err != nil {
			return err
		}
		if err := s.comma('}'); err != nil {
			return err
		}
	}
	s.close()
	return nil
}

// field returns the field that encoding/json will choose for a key, given with
// its quotes: the one of that name, or else of that name in other case.
func (s *jsonScanner) field(t *jsonType, key []byte) *jsonField {
	f := t.fields[string(key[1:len(key)-1])]
	if f == nil {
		name := string(key[1 : len(key)-1])
		s.cost += 3 * allocSize(len(key))
		if bytes.IndexByte(key, '\\') >= 0 {
			s.cost += 1 << 10 // what Unmarshal takes for itself
			if json.Unmarshal(key, &name) != nil {
				return nil // nor will encoding/json decode the rest
			}
		}
		if f = t.folded[foldName(name)]; f == nil {
			return nil
		}
	}
	s.cost += f.side
	return f
}

// comma passes over the comma after an element, unless end is next.
func (s *jsonScanner) comma(end byte) error {
	switch c := s.peek(); {
	case c == ',':
		s.pos++
		if s.peek() == end {
			return errJSONSyntax
		}
	case c != end:
		return errJSONSyntax
	}
	return nil
}

// text reads over a string and returns at most how long it is when decoded.
func (s *jsonScanner) text() (int, error) {
	if s.peek() != '"' {
		return 0, errJSONSyntax
	}
	start := s.pos + 1
	escaped := false
	for i := start; i < len(s.data); i++ {
		switch s.data[i] {
		case '"':
			s.pos = i + 1
			if escaped {
				s.cost += 3 * allocSize(i-start+8) // the buffer to unescape into
			}
			return i - start, nil
		case '\\':
			if s.encoded && bytes.HasPrefix(s.data[i:], []byte(`\ufffd`)) {
				return 0, errJSONUTF8
			}
			escaped = true
			i++
		}
	}
	return 0, errJSONSyntax
}

// scalar reads over a number, true, false or null.
func (s *jsonScanner) scalar() error {
	start := s.pos
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\r', '\n', ',', ']', '}', ':', '"', '{', '[':
		default:
			s.pos++
			continue
		}
		break
	}
	if s.pos == start {
		return errJSONSyntax
	}
	return nil
}
