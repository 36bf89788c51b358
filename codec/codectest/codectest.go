// Package codectest tests a [codec.Codec] against its contract and measures how
// fast it encodes a session of yours. It needs only the standard library.
//
// The test of a codec is one line:
//
//	func TestConformance(t *testing.T) { codectest.Run(t, mycodec.Codec) }
package codectest

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/sesame-go/sesame/codec"
)

// Run checks c. Every rule of [codec.Codec] is a subtest, and a failure states
// the rule that was broken.
//
// A codec need not support every type: if Append returns an error for one of the
// rarer types, such as a map with struct keys, the checks of that type are
// skipped. The types that it does support must pass. A codec need not promise
// every rule either: an [Option] says which ones it does not.
//
// One subtest runs the test binary again, twice, with a filter that selects only
// that subtest. So Run must not be called from a test that cannot be repeated.
func Run(t *testing.T, c codec.Codec, opts ...Option) {
	promised := report{canonical: true, hardened: true, fields: true}
	for _, o := range opts {
		o.apply(&promised)
	}
	for _, tc := range cases {
		if tc.canonical && !promised.canonical || tc.hardened && !promised.hardened || tc.fields && !promised.fields {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			r := &report{test: t.Name(), canonical: promised.canonical, hardened: promised.hardened}
			tc.check(r, c)
			for _, failure := range r.failures {
				t.Error(failure)
			}
			if len(r.failures) > 0 {
				t.Logf("the rule: %s", tc.rule)
			}
		})
	}
}

// An Option tells [Run] what a codec does not promise.
type Option interface{ apply(*report) }

type option func(*report)

func (o option) apply(r *report) { o(r) }

// NotCanonical is for a codec that may encode equal values as different bytes,
// as encoding/gob does. Run then compares the decoded values, not the bytes.
func NotCanonical() Option { return option(func(r *report) { r.canonical = false }) }

// NotHardened is for a codec that allocates memory for the lengths that a record
// declares. Run then does not measure how much memory decoding allocates.
func NotHardened() Option { return option(func(r *report) { r.hardened = false }) }

// NotNamingFields is for a codec whose errors do not say which field of a
// session could not be decoded.
func NotNamingFields() Option { return option(func(r *report) { r.fields = false }) }

// testCase is a rule and the function that checks it.
type testCase struct {
	name      string
	rule      string
	check     func(*report, codec.Codec)
	canonical bool // only codecs that are canonical promise it
	hardened  bool // only those that are hardened do
	fields    bool // only those whose errors name fields do
}

var cases = []testCase{
	{
		name:  "id",
		rule:  "ID is not zero and never changes: a stored record is decoded by the codec whose ID it has",
		check: checkID,
	},
	{
		name:  "check",
		rule:  "Check returns an error that names the field that cannot be encoded, so that it is found when the program starts",
		check: checkChecker,
	},
	{
		name:  "refuse",
		rule:  "Append returns an error for a channel, a function or a cycle; it neither panics nor omits it",
		check: checkRefuse,
	},
	{
		name:  "round-trip",
		rule:  "Decode reads what Append wrote; the decoded value is equal, except that nil may become empty or empty nil, and it encodes to the same bytes",
		check: checkRoundTrip,
	},
	{
		name:  "canonical",
		rule:  "equal values encode to equal bytes, every time and in any order of filling their maps; otherwise a session that was only read looks changed",
		check: checkCanonical, canonical: true,
	},
	{
		name:  "processes",
		rule:  "equal values encode to equal bytes in every process, independent of what it has encoded before; otherwise two servers behind one address rewrite each other's sessions",
		check: checkProcesses, canonical: true,
	},
	{
		name:  "append",
		rule:  "Append appends to dst: it keeps the bytes of dst, uses its spare capacity, and does not retain it",
		check: checkAppend,
	},
	{
		name:  "alias",
		rule:  "Decode never writes to data and keeps no reference to it: the caller may overwrite data as soon as Decode returns",
		check: checkAlias,
	},
	{
		name:  "shared",
		rule:  "DecodeShared reads what Decode reads, never writes to data, and reports Exact only if Append would write the same bytes",
		check: checkShared,
	},
	{
		name:  "like",
		rule:  "AppendLike writes what Append writes, whatever the earlier encoding is, and does not change the earlier encoding",
		check: checkLike,
	},
	{
		name:  "methods",
		rule:  "an UnmarshalText or similar method may keep the bytes it is given and change them in place, which changes neither data nor another value; the bytes that a MarshalText or similar method returns are copied",
		check: checkMethods,
	},
	{
		name:  "fresh",
		rule:  "the result of Decode depends on data alone, not on what was decoded before",
		check: checkFresh,
	},
	{
		name:  "evolution",
		rule:  "a stored field that the struct no longer has is skipped, and a field that is not stored stays zero: sessions outlive deployments",
		check: checkEvolution,
	},
	{
		name:  "carry",
		rule:  "DecodeShared reports a field that the struct does not have, and Carry keeps it byte for byte; otherwise an older program removes what a newer one has stored",
		check: checkCarry,
	},
	{
		name:  "fields",
		rule:  "if a field cannot be decoded, the error names the field and the type it has in the struct, and quotes nothing of the stored value: the operator must learn why a deployment lost sessions, and no log may contain their data",
		check: checkFields, fields: true,
	},
	{
		name:  "concurrent",
		rule:  "a codec is safe for concurrent use",
		check: checkConcurrent,
	},
	{
		name:  "corrupt",
		rule:  "Decode of damaged data returns an error or a wrong value, and does not panic",
		check: checkCorrupt,
	},
	{
		name:  "lengths",
		rule:  "a declared length is not trusted: data that declares more than it contains gives an error, and Decode allocates no memory for it",
		check: checkLengths, hardened: true,
	},
	{
		name:  "deep",
		rule:  "data and values that are nested too deeply give an error before the stack overflows",
		check: checkDeep,
	},
	{
		name:  "trailing",
		rule:  "bytes after the value are an error and are not ignored",
		check: checkTrailing,
	},
}

// report collects the failures of one case.
type report struct {
	test      string // the running test
	canonical bool   // what the codec promises
	hardened  bool
	fields    bool
	failures  []string
}

// errorf records a failure, until there are enough.
func (r *report) errorf(format string, args ...any) {
	if !r.enough() {
		r.failures = append(r.failures, fmt.Sprintf(format, args...))
	}
}

// enough reports whether there are so many failures that more would not help.
func (r *report) enough() bool { return len(r.failures) >= 5 }

// alike reports whether a and b are encodings of the same value, of v's type:
// the same bytes or, if the codec is not canonical, bytes that decode to equal
// values.
func (r *report) alike(c codec.Codec, a, b []byte, v any) bool {
	if r.canonical || bytes.Equal(a, b) {
		return bytes.Equal(a, b)
	}
	x, y := fresh(v), fresh(v)
	return decode(c, a, x) == nil && decode(c, b, y) == nil && same(reflect.ValueOf(x), reflect.ValueOf(y))
}

// encode is Append to nil, with a panic turned into an error.
func encode(c codec.Codec, v any) (data []byte, err error) {
	defer recoverInto(&err)
	return c.Append(nil, v)
}

// decode is Decode, with a panic turned into an error that is a panicError.
func decode(c codec.Codec, data []byte, v any) (err error) {
	defer recoverInto(&err)
	return c.Decode(data, v)
}

type panicError struct{ value any }

func (e panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func recoverInto(err *error) {
	if p := recover(); p != nil {
		*err = panicError{p}
	}
}
