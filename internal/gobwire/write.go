package gobwire

import "math/bits"

func appendUint(b []byte, x uint64) []byte {
	if x <= 0x7f {
		return append(b, byte(x))
	}
	n := (bits.Len64(x) + 7) / 8
	b = append(b, byte(-n))
	for n--; n >= 0; n-- {
		b = append(b, byte(x>>(8*n)))
	}
	return b
}

func appendInt(b []byte, i int64) []byte {
	if i < 0 {
		return appendUint(b, uint64(^i)<<1|1)
	}
	return appendUint(b, uint64(i)<<1)
}

func appendBytes(b, s []byte) []byte {
	return append(appendUint(b, uint64(len(s))), s...)
}

// appendLen puts the length of b[start:] in front of it.
func appendLen(b []byte, start int) []byte {
	body := len(b)
	b = appendUint(b, uint64(body-start))
	var head [9]byte
	n := copy(head[:], b[body:])
	copy(b[start+n:], b[start:body])
	copy(b[start:], head[:n])
	return b
}

// numbering gives types new ids.
type numbering struct {
	r     *reader
	order []*wireType
}

// add numbers the types that id leads to, itself the first. With shallow set,
// it does not go into structs.
func (n *numbering) add(id int32, shallow bool) {
	next := len(n.order)
	n.number(id)
	for ; next < len(n.order); next++ {
		switch t := n.order[next]; t.kind {
		case arrayKind, sliceKind:
			n.number(t.elem)
		case mapKind:
			n.number(t.key)
			n.number(t.elem)
		case structKind:
			if shallow {
				continue
			}
			for _, f := range t.fields {
				n.number(f.id)
			}
		}
	}
}

func (n *numbering) number(id int32) {
	t := n.r.typ(id)
	if t.kind > interfaceKind && !n.has(t) {
		t.place = len(n.order)
		n.order = append(n.order, t)
	}
}

// has reports whether t has got an id. Its place may be from elsewhere.
func (n *numbering) has(t *wireType) bool {
	return t.place < len(n.order) && n.order[t.place] == t
}

// newID returns the new id of the type that had the given one, or zero as long
// as there is none.
func (n *numbering) newID(old int32) int64 {
	t := n.r.typ(old)
	switch {
	case t.kind <= interfaceKind:
		return int64(old)
	case n.has(t):
		return int64(firstID + t.place)
	}
	return 0
}

// appendDefinitions writes a message for each of the types. With shallow set,
// structs are written as if they had no fields.
func (n *numbering) appendDefinitions(b []byte, shallow bool) []byte {
	for i, t := range n.order {
		start := len(b)
		b = appendInt(b, -int64(firstID+i))
		b = appendUint(b, uint64(t.kind-arrayKind)+1)
		// In what follows, 2 steps over the common part, which stays empty.
		switch t.kind {
		case arrayKind:
			b = appendInt(append(b, 2), n.newID(t.elem))
			if t.len > 0 {
				b = appendInt(append(b, 1), int64(t.len))
			}
		case sliceKind:
			b = appendInt(append(b, 2), n.newID(t.elem))
		case mapKind:
			b = appendInt(append(b, 2), n.newID(t.key))
			b = appendInt(append(b, 1), n.newID(t.elem))
		case structKind:
			if shallow || len(t.fields) == 0 {
				break
			}
			b = appendUint(append(b, 2), uint64(len(t.fields)))
			for _, f := range t.fields {
				b = appendBytes(append(b, 1), f.name)
				b = appendInt(append(b, 1), n.newID(f.id))
				b = append(b, 0)
			}
		}
		b = append(b, 0, 0)
		b = appendLen(b, start)
	}
	return b
}
