// Package codec turns session structs into bytes and back.
//
// [MsgPack] is sesame's default; [JSON] is for sites that want to read their
// sessions with the database's own shell. Package gobcodec has encoding/gob, for
// programs that come from another library, and cborcodec, a module of its own,
// has CBOR. A codec of your own implements [Codec] and is checked by package
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
	// returns the extended buffer. What Decode would refuse, such as a value
	// nested too deep, is an error. On an error the returned buffer is of no use.
	// Append keeps neither dst nor anything v points to, and copies what methods
	// of v's types return.
	//
	// It should be canonical: equal values give equal bytes, however often and
	// in whichever process. If it is not, an unchanged session is recognised
	// only by decoding the stored one again, in each request.
	Append(dst []byte, v any) ([]byte, error)

	// Decode decodes data into v, a pointer to a zero struct. Hostile data
	// gives an error, never a panic. It nests to a bounded depth only, and no
	// memory is allocated for a length that data announces but does not have.
	// The error for a field of another type than is stored names the field, as in
	// Cart.Items[3].Price. No error has anything of what is stored in its text:
	// it may get into a log.
	//
	// Decode never writes to data and keeps no reference to it, and what it
	// leaves in v does not alias it. Methods of v's types, such as UnmarshalText,
	// may keep what they are given and change it in place: that reaches neither
	// data nor another value.
	Decode(data []byte, v any) error
}

// Checker is a [Codec] that can tell beforehand what it cannot carry.
type Checker interface {
	// Check returns an error naming the first field, nested ones included,
	// that values of type t could not be encoded and decoded with: a channel,
	// a function, a struct that has only unexported fields. It is called once,
	// when a session manager is made.
	Check(t reflect.Type) error
}

// SharedDecoder is a [Codec] that can save a copy of data that stays as it is,
// and knows which data it would write again.
type SharedDecoder interface {
	// DecodeShared is Decode for a caller that never changes data again:
	// strings in v may be parts of it. What can be changed is a copy all the
	// same: slices, and what methods of v's types are given.
	DecodeShared(data []byte, v any) (Found, error)
}

// Found is what a [SharedDecoder] has noticed about data.
type Found struct {
	// Exact says that data is exactly what Append would write for v as it is
	// now, if it writes it at all: then whatever Append writes otherwise is
	// another value. In doubt it is false.
	Exact bool

	// Unknown says that data has fields that v's type does not have, at
	// whatever depth. Data that has is never Exact.
	Unknown bool
}

// Carrier is a [SharedDecoder] that keeps the fields that it finds and v's type
// does not have, such as those of a newer program: a session manager carries
// them over when it saves a session.
type Carrier interface {
	SharedDecoder

	// Carry returns written, the encoding of a value of the struct type t, with
	// the fields of stored that t does not have: those of t itself, of structs
	// nested in it by value or by pointer, by their path, and those within
	// slices and maps that are as they were. Their bytes are as they were. Lost
	// has the paths of the fields that it cannot carry, each once: those within
	// slices and maps that have changed. Carry is canonical, as Append is. It
	// changes neither written nor stored.
	Carry(t reflect.Type, written, stored []byte) (extended []byte, lost []string)
}

// LikeAppender is a [Codec] that encodes faster with an earlier encoding at
// hand. Most sessions are encoded to see whether they have changed, and most
// have not: the order of a large map's keys, for one, is then that of before,
// and need not be found by sorting them again. A session manager gives such a
// codec the encoding that it has loaded.
type LikeAppender interface {
	// AppendLike is Append, and returns what Append would, byte for byte and
	// error for error. The earlier encoding like is a hint: it may be of
	// another value or type, damaged or empty, and costs time at most in
	// proportion to its length. It shares no memory with dst; AppendLike never
	// writes to it and keeps no reference to it.
	AppendLike(dst []byte, v any, like []byte) ([]byte, error)
}
