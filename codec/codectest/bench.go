package codectest

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/sesame-go/sesame/codec"
)

// Bench benchmarks codecs on a session of yours: sample is a struct, or a pointer
// to one, filled as it would be in production. Without codecs it benchmarks
// codec.MsgPack and codec.JSON. This is a whole test file:
//
//	package shop
//
//	import ("testing"; "github.com/sesame-go/sesame/codec/codectest")
//
//	func BenchmarkCodec(b *testing.B) { codectest.Bench(b, Session{User: "ada"}) }
//
// Each codec gets the benchmarks op=encode and op=decode, named so that benchstat
// can put the codecs into columns:
//
//	go test -run '^$' -bench Codec -count 6 | benchstat -col /codec -
//
// Besides time and allocations they report two metrics. "bytes" is the encoded
// size. "canonical" is 1 if a hundred encodings of the sample, and one of the
// sample decoded and encoded again, were the same bytes; otherwise it is 0, and a
// session that was only read would look changed. A codec that cannot encode or
// decode the sample fails the benchmark; the others are still measured.
//
// Encoding writes to a buffer that is large enough, as a manager's is. Decoding
// includes the allocation of the struct, because each request needs one.
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

// isCanonical reports whether session always encodes to data.
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

// name returns what the codec's String method returns, or the name of its type.
func name(c codec.Codec) string {
	if s, ok := c.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", c)
}
