package cborcodec

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"
)

// scanner reads over CBOR. It refuses all that the library would refuse: the
// library goes on after an error and makes one for every item, which would cost
// more than the account allows for.
type scanner struct {
	data  []byte
	pos   int
	depth int
	cost  int
	inKey int // how many keys of maps it is in
}

var (
	errOrder = errors.New("cborcodec: the keys of a map are out of order, or one is there twice")
	errUTF8  = errors.New("cborcodec: a string is not valid UTF-8; use []byte for data that is no text")
	errTag   = errors.New("cborcodec: a tag other than those of times and big integers")
	errTime  = errors.New("cborcodec: a time that is not a time in UTC as RFC 3339 writes it")
	errKey   = errors.New("cborcodec: the key of a map in an any is not a string")
	errAnys  = errors.New("cborcodec: the key of a map holds something in an any that cannot be compared")
)

// scan reads over the one value that the data is to be.
func (s *scanner) scan(p *plan) error {
	if err := s.value(p); err != nil {
		return err
	}
	if s.pos != len(s.data) {
		return fmt.Errorf("cborcodec: %d bytes follow the value", len(s.data)-s.pos)
	}
	if p.apart {
		s.cost += 2<<10 + 4*len(s.data) // the buffer of a cbor.Decoder
	}
	if s.cost > budget(len(s.data)) {
		return errTooDense
	}
	return nil
}

// enter and leave enclose what is nested in a value.
func (s *scanner) enter() error {
	if s.depth++; s.depth > maxDepth {
		return errTooDeep
	}
	return nil
}

func (s *scanner) leave() { s.depth-- }

// value reads over an item meant for a variable of p's type, or, if p is nil,
// for none.
func (s *scanner) value(p *plan) error {
	if s.cost > huge {
		return errTooDense
	}
	start := s.pos
	h, err := s.head()
	if err != nil {
		return err
	}
	if h.major == majorSimple && h.width == 0 && h.arg == simpleNull {
		return nil
	}
	for p != nil && p.form == ofPointer {
		p = p.elem
		s.cost += allocSize(p.size)
	}
	if p == nil || p.form == ofOwnCBOR {
		s.pos = start
		err := s.skip()
		if p != nil {
			s.cost += ownSize(s.pos - start)
		}
		return err
	}
	if !h.shortest() {
		return errNotShortest
	}
	switch h.major {
	case majorUint, majorNegative:
		return s.integer(p, h)
	case majorBytes:
		return s.bytes(p, h)
	case majorText:
		return s.text(p, h)
	case majorArray:
		return s.array(p, h)
	case majorMap:
		return s.mapping(p, h)
	case majorTag:
		return s.tag(p, h)
	default:
		return s.simple(p, h)
	}
}

// skip reads over an item of whatever kind.
func (s *scanner) skip() error {
	h, err := s.head()
	if err != nil {
		return err
	}
	items := uint64(0)
	switch h.major {
	case majorBytes, majorText:
		s.pos += int(h.arg)
	case majorArray:
		items = h.arg
	case majorMap:
		items = 2 * h.arg
	case majorTag:
		items = 1
	}
	if items > 0 || h.major == majorArray || h.major == majorMap {
		if err := s.enter(); err != nil {
			return err
		}
		defer s.leave()
	}
	for range items {
		if err := s.skip(); err != nil {
			return err
		}
	}
	return nil
}

// mismatch is the error for an item that p's type has no place for.
func (p *plan) mismatch(what string) error {
	return fmt.Errorf("cborcodec: %s where %s is wanted", what, p.typ)
}

func (s *scanner) integer(p *plan, h head) error {
	var fits bool
	switch p.form {
	case ofInt:
		fits = h.arg>>(p.typ.Bits()-1) == 0
	case ofUint:
		fits = h.major == majorUint && h.arg>>(p.typ.Bits()-1)>>1 == 0
	case ofFloat:
		fits = h.arg <= math.MaxInt64
	case ofBig:
		s.cost += bigNumber
		return nil
	case ofAny:
		if h.arg > math.MaxInt64 {
			s.cost += bigNumber
			return s.unlessKey()
		}
		if h.major == majorNegative || h.arg > math.MaxUint8 { // the runtime has the others ready
			s.cost += boxedNumber
		}
		return nil
	default:
		return p.mismatch("an integer")
	}
	if !fits {
		return fmt.Errorf("cborcodec: an integer that %s cannot hold", p.typ)
	}
	return nil
}

// unlessKey is for what, in an interface, cannot be compared.
func (s *scanner) unlessKey() error {
	if s.inKey > 0 {
		return errAnys
	}
	return nil
}

func (s *scanner) simple(p *plan, h head) error {
	switch {
	case h.width >= 2:
		switch {
		case p.form == ofAny:
			s.cost += boxedNumber
		case p.form != ofFloat:
			return p.mismatch("a float")
		case p.typ.Bits() == 32:
			if f := math.Abs(h.float()); f > math.MaxFloat32 && f <= math.MaxFloat64 {
				return fmt.Errorf("cborcodec: a float that %s cannot hold", p.typ)
			}
		}
	case h.width == 0 && (h.arg == simpleFalse || h.arg == simpleTrue):
		if p.form != ofAny && p.form != ofBool {
			return p.mismatch("a bool")
		}
	default:
		return errSimpleUnknown
	}
	return nil
}

func (s *scanner) bytes(p *plan, h head) error {
	n := int(h.arg)
	s.pos += n
	switch p.form {
	case ofBytes:
		s.cost += sliceSize(n, 1)
	case ofOwnBytes:
		s.cost += ownSize(n)
	case ofAny:
		s.cost += boxedSlice + sliceSize(n, 1)
		return s.unlessKey()
	default:
		return p.mismatch("a byte string")
	}
	return nil
}

func (s *scanner) text(p *plan, h head) error {
	n := int(h.arg)
	if err := s.validText(n); err != nil {
		return err
	}
	switch p.form {
	case ofString:
		s.cost += stringSize(n)
	case ofOwnText:
		s.cost += ownSize(n)
	case ofAny:
		s.cost += boxedString + stringSize(n)
	default:
		return p.mismatch("a text")
	}
	return nil
}

// validText reads over n bytes of text.
func (s *scanner) validText(n int) error {
	text := s.data[s.pos : s.pos+n]
	s.pos += n
	if !utf8.Valid(text) {
		return errUTF8
	}
	return nil
}

func (s *scanner) tag(p *plan, h head) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	content, err := s.head()
	if err != nil {
		return err
	}
	if !content.shortest() {
		return errNotShortest
	}
	start := s.pos
	switch {
	case h.arg == 0 && content.major == majorText:
		if p.form != ofTime && p.form != ofAny {
			return p.mismatch("a time")
		}
		s.pos += int(content.arg)
		var t time.Time
		text := s.data[start:s.pos]
		if !bytes.HasSuffix(text, []byte("Z")) || len(text) > len("2006-01-02T15:04:05.999999999Z") || t.UnmarshalText(text) != nil {
			return errTime
		}
		if p.form == ofAny {
			s.cost += boxedSlice
		}
	case (h.arg == 2 || h.arg == 3) && content.major == majorBytes:
		if p.form != ofBig && p.form != ofAny {
			return p.mismatch("a big integer")
		}
		s.pos += int(content.arg)
		s.cost += bigNumber + 3*allocSize(int(content.arg))
		if p.form == ofAny {
			return s.unlessKey()
		}
	default:
		return errTag
	}
	return nil
}

func (s *scanner) array(p *plan, h head) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	n := int(h.arg)
	elem := p.elem
	switch p.form {
	case ofSlice:
		s.cost += sliceSize(n, elem.size)
	case ofAny:
		if err := s.unlessKey(); err != nil {
			return err
		}
		elem = p
		s.cost += boxedSlice + sliceSize(n, anySize)
	case ofTuple:
		return s.tuple(p, n)
	case ofArray:
	default:
		return p.mismatch("an array")
	}
	for i := range n {
		if p.form == ofArray && i >= p.typ.Len() {
			elem = nil
		}
		if err := s.value(elem); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) tuple(p *plan, n int) error {
	if n != len(p.fields) {
		return p.mismatch(fmt.Sprintf("an array of %d", n))
	}
	for _, f := range p.fields {
		s.cost += f.side
		if err := s.value(f.plan); err != nil {
			return err
		}
	}
	return nil
}
