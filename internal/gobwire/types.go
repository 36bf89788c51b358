package gobwire

import "math"

// kind says how the values of a type are encoded. The kinds of predefined
// types are the ids of these types.
type kind uint8

const (
	_ kind = iota
	boolKind
	intKind
	uintKind
	floatKind
	bytesKind
	stringKind
	complexKind
	interfaceKind

	// The others are in the order of the fields of gob's wireType.
	arrayKind
	sliceKind
	structKind
	mapKind
	gobKind    // bytes that a GobEncoder made
	binaryKind // bytes that an encoding.BinaryMarshaler made
	textKind   // bytes that an encoding.TextMarshaler made
)

var predefined = func() (types [interfaceKind + 1]wireType) {
	for k := range types {
		types[k].kind = kind(k)
	}
	return types
}()

// firstID is the first id that a gob.Encoder gives to a type that is not
// predefined. Decoders refuse definitions below minID.
const (
	firstID = 65
	minID   = 64
)

// wireType is a type as the stream defines it.
type wireType struct {
	kind   kind
	key    int32   // of a map
	elem   int32   // of a map, a slice or an array
	len    int     // of an array
	fields []field // of a struct

	place int // in a numbering
}

type field struct {
	name []byte // aliases the stream
	id   int32
}

// typ returns the type that id stands for. It is never nil.
func (r *reader) typ(id int32) *wireType {
	if 0 < id && int(id) < len(predefined) {
		return &predefined[id]
	}
	if t := r.types[id]; t != nil {
		return t
	}
	r.fail("undefined type %d", id)
	return &predefined[0]
}

// definition reads the definition of the type id. It is encoded as a struct
// with a field for each kind of type, of which one is set.
func (r *reader) definition(id int64) {
	r.defined++
	if id < minID || id > math.MaxInt32 || r.types[int32(id)] != nil && !r.reread {
		r.fail("type %d defined twice", id)
		return
	}
	r.charge(160) // the type and its place in the map
	t := new(wireType)
	const kinds = int(textKind-arrayKind) + 1
	f := r.nextField(-1, kinds)
	if f < 0 {
		r.fail("empty type definition")
		return
	}
	t.kind = arrayKind + kind(f)
	switch t.kind {
	case arrayKind:
		r.members(&t.elem, nil, &t.len)
	case sliceKind:
		r.members(&t.elem, nil, nil)
	case mapKind:
		r.members(&t.key, &t.elem, nil)
	case structKind:
		r.structMembers(t)
	default:
		r.members(nil, nil, nil)
	}
	if r.nextField(f, kinds) >= 0 {
		r.fail("ambiguous type definition")
	}
	if t.len < 0 {
		r.fail("array of negative length")
	}
	if r.err == nil && !r.reread {
		r.types[int32(id)] = t
	}
}

// members reads the encoding of gob's arrayType, sliceType, mapType and
// gobEncoderType: the common part, one or two ids and a length.
func (r *reader) members(id0, id1 *int32, length *int) {
	for f := r.nextField(-1, 3); f >= 0; f = r.nextField(f, 3) {
		switch {
		case f == 0:
			r.common()
		case f == 1 && id0 != nil:
			*id0 = r.typeID()
		case f == 2 && id1 != nil:
			*id1 = r.typeID()
		case f == 2 && length != nil:
			n := r.int()
			if n > math.MaxInt32 {
				r.fail("array of %d elements", n)
			}
			*length = int(n)
		default:
			r.fail("field out of range")
		}
	}
}

func (r *reader) structMembers(t *wireType) {
	for f := r.nextField(-1, 2); f >= 0; f = r.nextField(f, 2) {
		if f == 0 {
			r.common()
			continue
		}
		n := r.count()
		r.charge(n * 32)
		if r.err != nil {
			return
		}
		t.fields = make([]field, n)
		for i := range t.fields {
			r.field(&t.fields[i])
		}
	}
}

func (r *reader) field(to *field) {
	for f := r.nextField(-1, 2); f >= 0; f = r.nextField(f, 2) {
		if f == 0 {
			to.name = r.bytes()
		} else {
			to.id = r.typeID()
		}
	}
	if len(to.name) == 0 {
		r.fail("field without a name")
	}
}

// common reads past the name and the id of a type, which repeat what is known
// or does not matter.
func (r *reader) common() {
	for f := r.nextField(-1, 2); f >= 0; f = r.nextField(f, 2) {
		if f == 0 {
			r.bytes()
		} else {
			r.int()
		}
	}
}

func (r *reader) typeID() int32 {
	id := r.int()
	if id <= 0 || id > math.MaxInt32 {
		r.fail("type id out of range")
		return 0
	}
	return int32(id)
}
