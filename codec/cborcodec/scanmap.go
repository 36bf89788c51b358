package cborcodec

import (
	"bytes"
	"reflect"
)

// entriesOfAny is the shape of the maps that come out of an any.
var entriesOfAny = mapShapeOf(reflect.TypeFor[string](), reflect.TypeFor[any]())

// mapping reads over a map. Its keys must be in order, each there once: that
// takes no set to find out.
func (s *scanner) mapping(p *plan, h head) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	n := int(h.arg)
	switch p.form {
	case ofMap:
		s.cost += p.entries.size(n)
	case ofAny:
		if err := s.unlessKey(); err != nil {
			return err
		}
		s.cost += anySize + entriesOfAny.size(n)
	case ofStruct:
		s.cost += len(p.fields) // the library notes which it has seen
	default:
		return p.mismatch("a map")
	}
	var last []byte
	for range n {
		start := s.pos
		elem, err := s.key(p)
		if err != nil {
			return err
		}
		key := s.data[start:s.pos]
		if last != nil && bytes.Compare(last, key) >= 0 {
			return errOrder
		}
		last = key
		if p.form == ofStruct {
			elem = s.field(p, key)
		}
		if err := s.value(elem); err != nil {
			return err
		}
	}
	return nil
}

// key reads over a key and returns the plan for what follows, unless that
// depends on the key.
func (s *scanner) key(p *plan) (elem *plan, err error) {
	if p.form == ofMap {
		s.inKey++
		err = s.value(p.key)
		s.inKey--
		return p.elem, err
	}
	h, err := s.head()
	if err != nil {
		return nil, err
	}
	switch {
	case !h.shortest():
		return nil, errNotShortest
	case h.major == majorText:
		if p.form == ofAny {
			s.cost += stringSize(int(h.arg))
		}
		return p, s.validText(int(h.arg))
	case p.form == ofAny:
		return nil, errKey
	case h.major > majorNegative:
		return nil, p.mismatch("a key that is neither a text nor an integer,")
	}
	return nil, nil
}

// field returns the plan of the field with that key, nil if there is none.
func (s *scanner) field(p *plan, key []byte) *plan {
	f := p.names[string(key)]
	if f == nil {
		s.cost += lostField + stringSize(len(key))
		return nil
	}
	s.cost += f.side
	return f.plan
}
