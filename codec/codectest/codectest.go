// Package codectest tells whether a [codec.Codec] keeps its promises, and how
// fast it is on a session of yours. It needs nothing but the standard library.
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
// A codec need not carry everything: where it returns an error from Append for
// one of the rarer types, such as a map with structs for keys, those checks are
// passed over. What it does carry it has to carry well. Nor need it keep every
// rule: an [Option] says which it does not promise.
//
// One subtest runs the test binary a second time, with a filter that selects
// that subtest only. Run must therefore not be called from a test that cannot be
// repeated.
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
// as encoding/gob does. Run then compares what the bytes are decoded as.
func NotCanonical() Option { return option(func(r *report) { r.canonical = false }) }

// NotHardened is for a codec that believes the lengths that a record announces.
// Run then does not measure how much memory decoding takes.
func NotHardened() Option { return option(func(r *report) { r.hardened = false }) }

// NotNamingFields is for a codec whose errors do not say which field of a
// session could not be decoded.
func NotNamingFields() Option { return option(func(r *report) { r.fields = false }) }

// testCase is a rule and what checks it.
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
		rule:  "ID is not zero and always the same, since stored records are decoded by it",
		check: checkID,
	},
	{
		name:  "check",
		rule:  "a Checker names the field that cannot be carried, so that it is found when the program starts",
		check: checkChecker,
	},
	{
		name:  "refuse",
		rule:  "Append returns an error for a channel, a function, a cycle; it neither panics nor leaves them out",
		check: checkRefuse,
	},
	{
		name:  "round-trip",
		rule:  "what Append writes Decode reads; the decoded value is the same, nil and empty aside, and is written as the same bytes",
		check: checkRoundTrip,
	},
	{
		name:  "canonical",
		rule:  "equal values have equal bytes, however often they are encoded and in whatever order their maps were filled: else each read of a session looks like a change",
		check: checkCanonical, canonical: true,
	},
	{
		name:  "processes",
		rule:  "equal values have equal bytes in all processes, whatever each has encoded before: else two servers behind one address rewrite each other's sessions",
		check: checkProcesses, canonical: true,
	},
	{
		name:  "append",
		rule:  "Append appends to dst: it keeps what is there, uses the room behind it, and keeps no hold of it",
		check: checkAppend,
	},
	{
		name:  "alias",
		rule:  "Decode never writes to data, and keeps no reference to it: it may be overwritten as soon as Decode returns",
		check: checkAlias,
	},
	{
		name:  "shared",
		rule:  "DecodeShared reads what Decode reads, never writes to data, and calls exact only what Append would write: else an unchanged session is saved",
		check: checkShared,
	},
	{
		name:  "like",
		rule:  "AppendLike writes what Append writes, whatever the earlier encoding is, and does not write to that: else a session is saved for what another one was",
		check: checkLike,
	},
	{
		name:  "methods",
		rule:  "a method of a type may keep what it is given and change it in place: that reaches neither data nor another value; what a method returns is copied",
		check: checkMethods,
	},
	{
		name:  "fresh",
		rule:  "the result of Decode depends on data alone, not on what was decoded before",
		check: checkFresh,
	},
	{
		name:  "evolution",
		rule:  "a field that the struct has lost is passed over, one that it has gained is zero: sessions outlive deployments",
		check: checkEvolution,
	},
	{
		name:  "carry",
		rule:  "DecodeShared notices a field that the struct does not have, and Carry keeps it, byte for byte: else an older program takes away what a newer one has put there",
		check: checkCarry,
	},
	{
		name:  "fields",
		rule:  "the error for a field of another type than is stored names it and the type that was wanted, and has nothing of what is stored: else a deployment that logs users out does not tell why, or tells what they have stored",
		check: checkFields, fields: true,
	},
	{
		name:  "concurrent",
		rule:  "a codec is safe for concurrent use",
		check: checkConcurrent,
	},
	{
		name:  "corrupt",
		rule:  "damaged data gives an error, or a wrong value, but no panic",
		check: checkCorrupt,
	},
	{
		name:  "lengths",
		rule:  "a declared length is not believed: data that announces more than it has gives an error, and no memory is allocated for it",
		check: checkLengths, hardened: true,
	},
	{
		name:  "deep",
		rule:  "data and values nested without end give an error before the stack is exhausted",
		check: checkDeep,
	},
	{
		name:  "trailing",
		rule:  "bytes after the value are an error, not a value with something ignored",
		check: checkTrailing,
	},
}

// report collects what a codec does wrong.
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

// enough reports whether there is nothing new to learn from more failures.
func (r *report) enough() bool { return len(r.failures) >= 5 }

// alike reports whether a and b are encodings of the same value, which is like
// v: the same bytes, or, if the codec is not canonical, decoded as the same.
func (r *report) alike(c codec.Codec, a, b []byte, v any) bool {
	if r.canonical || bytes.Equal(a, b) {
		return bytes.Equal(a, b)
	}
	x, y := fresh(v), fresh(v)
	return decode(c, a, x) == nil && decode(c, b, y) == nil && same(reflect.ValueOf(x), reflect.ValueOf(y))
}

// encode is Append to nothing, with a panic turned into an error.
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
