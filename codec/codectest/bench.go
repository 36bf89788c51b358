package codectest

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/sesame-go/sesame/codec"
)

// Bench compares codecs on a session of yours: sample is a struct, or a pointer
// to one, filled as it would be in production. Without codecs it compares those
// of package codec. This is a whole test file:
//
//	package shop
//
//	import ("testing"; "github.com/sesame-go/sesame/codec/codectest")
//
//	func BenchmarkCodec(b *testing.B) { codectest.Bench(b, Session{User: "ada"}) }
//
// For each codec there are the benchmarks op=encode and op=decode, named so that
// benchstat can put the codecs into columns:
//
//	go test -run '^$' -bench Codec -count 6 | benchstat -col /codec -
//
// Besides time and allocations they report, as bytes, the encoded size, and, as
// canonical, 1 if a hundred encodings of the sample and of what it is decoded
// as were the same bytes, else 0: each read of such a session would look like a
// change. A codec that cannot carry the sample is an error; the others are
// measured all the same.
//
// Encoding is to a buffer that is large enough, as a manager's is. Decoding
// includes the allocation of the struct, as each request needs one.
func Bench(b *testing.B, sample any, codecs ...codec.Codec) {
	if len(codecs) == 0 {
		codecs = bundled
	}
	session := pointerTo(sample)
	for _, c := range codecs {
		data, err := encode(c, session)
		if err == nil {
			err = decode(c, data, fresh(session))
		}
		if err != nil {
			b.Errorf("%s: %v", name(c), err)
			continue
		}
		canonical := 0.0
		if isCanonical(c, session, data) {
			canonical = 1
		}
		b.Run("codec="+name(c)+"/op=encode", func(b *testing.B) {
			b.ReportAllocs()
			buf := make([]byte, 0, 2*len(data))
			for b.Loop() {
				if _, err := c.Append(buf, session); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(data)), "bytes")
			b.ReportMetric(canonical, "canonical")
		})
		b.Run("codec="+name(c)+"/op=decode", func(b *testing.B) {
			b.ReportAllocs()
			t := reflect.TypeOf(session).Elem()
			for b.Loop() {
				if err := c.Decode(data, reflect.New(t).Interface()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(data)), "bytes")
			b.ReportMetric(canonical, "canonical")
		})
	}
}

// isCanonical reports whether session, which data is an encoding of, always has
// the same bytes.
func isCanonical(c codec.Codec, session any, data []byte) bool {
	for range 100 {
		if again, err := encode(c, session); err != nil || !bytes.Equal(again, data) {
			return false
		}
	}
	_, again, err := transcode(c, data, session)
	return err == nil && bytes.Equal(again, data)
}

// bundled are the codecs of package codec.
var bundled = []codec.Codec{codec.MsgPack, codec.JSON}

func pointerTo(sample any) any {
	v := reflect.ValueOf(sample)
	if v.Kind() == reflect.Pointer {
		return sample
	}
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return p.Interface()
}

// name is what a codec calls itself, or else the name of its type.
func name(c codec.Codec) string {
	if s, ok := c.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", c)
}
