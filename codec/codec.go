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
	// returns the extended buffer. It returns an error for what Decode would
	// refuse, such as a value nested too deep; the buffer is then of no use.
	// Append keeps neither dst nor anything v points to, and copies what methods
	// of v's types return.
	//
	// Append should be canonical: equal values give equal bytes, in every process.
	// If it is not, each request has to decode the stored session once more to see
	// that it is unchanged.
	Append(dst []byte, v any) ([]byte, error)

	// Decode decodes data into v, a pointer to a zero struct. Hostile data
	// gives an error, never a panic. The depth of nesting is bounded, and no
	// memory is allocated for a length that data announces but does not have.
	// If a field has another type than what is stored, the error names the field,
	// as in Cart.Items[3].Price. No error quotes what is stored, since it may get
	// into a log.
	//
	// Decode never writes to data and keeps no reference to it, and v does not
	// alias it afterwards. Methods of v's types, such as UnmarshalText, are given
	// copies, which they may keep and change.
	Decode(data []byte, v any) error
}

// Checker is a [Codec] that can tell in advance which types it cannot carry.
type Checker interface {
	// Check returns an error naming the first field, nested ones included,
	// that values of type t could not be encoded and decoded with: a channel,
	// a function, a struct that has only unexported fields. It is called once,
	// when a session manager is made.
	Check(t reflect.Type) error
}

// SharedDecoder is a [Codec] that can decode without copying data first, and can
// tell whether data is what it would write itself.
type SharedDecoder interface {
	// DecodeShared is Decode for a caller that never changes data again:
	// strings in v may alias data. Slices, and what methods of v's types are
	// given, are copies as with Decode.
	DecodeShared(data []byte, v any) (Found, error)
}

// Found is what a [SharedDecoder] has noticed about data.
type Found struct {
	// Exact reports whether data is exactly what Append writes for the decoded
	// value, so that any other encoding is that of another value. It is false if
	// the codec cannot tell.
	Exact bool

	// Unknown reports whether data has fields, at any depth, that v's type does
	// not have. Such data is never Exact.
	Unknown bool
}

// Carrier is a [SharedDecoder] that can preserve stored fields that the session
// type does not have, such as those that a newer program has added. A session
// manager carries them over whenever it saves the session.
type Carrier interface {
	SharedDecoder

	// Carry returns written, the encoding of a value of the struct type t,
	// extended by the fields of stored that t does not have, with their bytes
	// unchanged. It finds them by their path, in t and in structs nested in it by
	// value or by pointer. Fields within a slice or a map are carried over only if
	// that has not changed; lost has the paths of the others, each once. Carry is
	// canonical if Append is. It changes neither written nor stored.
	Carry(t reflect.Type, written, stored []byte) (extended []byte, lost []string)
}

// LikeAppender is a [Codec] that encodes faster if it is given an earlier
// encoding. Most sessions are encoded to see whether they have changed, and most
// have not, so that the keys of a large map need not be sorted again. A session
// manager gives such a codec the encoding that it has loaded.
type LikeAppender interface {
	// AppendLike returns exactly what Append would, errors included. The earlier
	// encoding like is a hint: it may be damaged, empty, or of another value or
	// type, and costs time at most in proportion to its length. It must not share
	// memory with dst. AppendLike never writes to it and keeps no reference to it.
	AppendLike(dst []byte, v any, like []byte) ([]byte, error)
}
