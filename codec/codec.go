// Package codec turns session structs into bytes and back.
//
// [MsgPack] is sesame's default; [JSON] is for sites that want to read their
// sessions with the database's own shell, [Gob] for those that come from
// gorilla/sessions or scs with Go types in interfaces. All three write
// canonical bytes, so that an unchanged session is recognised by its
// encoding alone. A codec of your own implements [Codec] and is checked by package
// codectest, which also compares codecs on a struct of yours:
//
//	func BenchmarkCodec(b *testing.B) { codectest.Bench(b, sampleSession) }
//
// As everywhere in Go, types with marshaling methods of their own are encoded
// by those. A struct that embeds such a type, time.Time for instance, inherits
// them and is encoded as that type alone, without its other fields: give the
// field a name.
package codec

import "reflect"

// Codec encodes and decodes session structs. It is safe for concurrent use.
type Codec interface {
	// ID is stored with every record and decides which codec decodes it. The
	// IDs 1 to 31 are sesame's, the others are free to use. A codec's ID never
	// changes, and no other codec has it.
	ID() byte

	// Append appends the encoding of v, a pointer to a struct, to dst and
	// returns the extended buffer. It is canonical: equal values give equal
	// bytes, however often and in whichever process. What Decode would refuse,
	// such as a value nested too deep or far larger in memory than encoded, is
	// an error. On an error the returned buffer is of no use. Append keeps
	// neither dst nor anything v points to, and copies what methods of v's
	// types return.
	Append(dst []byte, v any) ([]byte, error)

	// Decode decodes data into v, a pointer to a zero struct. Hostile data
	// gives an error, never a panic, and never allocates more than a small
	// multiple of len(data), apart from what methods of v's own types allocate.
	// It never writes to data and keeps no reference to it, and what it leaves
	// in v does not alias it. What it gives to a method of v's types, such as
	// UnmarshalText, is a copy that belongs to that value alone: the method may
	// keep and change it.
	Decode(data []byte, v any) error
}

// Checker is a [Codec] that can tell beforehand what it cannot carry.
type Checker interface {
	// Check returns an error naming the first field, nested ones included,
	// that values of type t could not be encoded and decoded with: a channel,
	// a function, a struct that has only unexported fields. It is asked once,
	// when a session manager is made.
	Check(t reflect.Type) error
}

// SharedDecoder is a [Codec] that can save a copy of data that stays as it is,
// and knows which data it would write again.
type SharedDecoder interface {
	// DecodeShared is Decode for a caller that never changes data again:
	// strings in v may be parts of it. What can be changed is a copy all the
	// same: slices, and what methods of v's types are given. DecodeShared also
	// reports whether data is exactly what Append would write for v as it is
	// now, if it writes it at all: then whatever Append writes otherwise is
	// another value. In doubt it is false.
	DecodeShared(data []byte, v any) (exact bool, err error)
}
