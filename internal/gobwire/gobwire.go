// Package gobwire makes encoding/gob fit for stored sessions, on both ways.
//
// [Canon] brings what a gob.Encoder has written into a canonical form. An
// encoder writes maps in random order, numbers types in the order in which
// the process happened to meet them, names them after the place where it met
// them first, and puts the definitions of types in interface values between
// the values. The canonical form is still a gob stream that any gob.Decoder
// reads:
//
//   - map entries are sorted by the bytes of their keys, then of their values;
//   - all type definitions come first, numbered from 65 upwards: those that
//     the top-level type leads to, then those that the types of interface
//     values lead to, these in the order of their registered names;
//   - definitions carry no names, as a decoder needs none, and unused ones
//     are left out.
//
// [Decode] reads a stream, canonical or not, into a Go value. The decoder of
// encoding/gob is, as its documentation says, not hardened against hostile
// input: it panics, and allocates gigabytes for a handful of bytes. Decode
// pays for each allocation from a budget that is a multiple of the input.
package gobwire

// The limits that keep hostile streams from costing more than they weigh.
const (
	// budgetPerByte and budgetFixed give the memory that Decode may allocate
	// for a stream. The fixed part lets small streams with many small parts
	// pass; what it leaves to 64 KiB is for what is not accounted for, such
	// as error texts.
	budgetPerByte = 16
	budgetFixed   = 60 << 10

	// maxDepth is how deep values may nest: every pointer, container and
	// field on the way to a value takes a stack frame or two.
	maxDepth = 1000

	// maxName is encoding/gob's own limit for registered names.
	maxName = 1024
)
