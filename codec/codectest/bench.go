package codectest

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/sesame-go/sesame/codec"
)

// Bench compares codecs on a session of yours: sample is a struct, or a pointer
// to one, filled as it would be in production. Without codecs it compares those
// of package codec.
//
// For each codec there are the benchmarks op=encode and op=decode, named so that
// benchstat can put the codecs side by side:
//
//	go test -bench Codec | benchstat -col /codec -
//
// Besides time and allocations they report the encoded size, in bytes/session.
func Bench(b *testing.B, sample any, codecs ...codec.Codec) {
	if len(codecs) == 0 {
		codecs = bundled
	}
	session := pointerTo(sample)
	for _, c := range codecs {
		data, err := c.Append(nil, session)
		if err != nil {
			b.Errorf("%s: %v", name(c), err)
			continue
		}
		b.Run("codec="+name(c)+"/op=encode", func(b *testing.B) {
			b.ReportAllocs()
			buf := make([]byte, 0, 2*len(data))
			for b.Loop() {
				if _, err := c.Append(buf, session); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(data)), "bytes/session")
		})
		b.Run("codec="+name(c)+"/op=decode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				// A fresh value each time, as a request gets one.
				if err := c.Decode(data, reflect.New(reflect.TypeOf(session).Elem()).Interface()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(data)), "bytes/session")
		})
	}
}

// bundled are the codecs of package codec.
var bundled = []codec.Codec{codec.MsgPack, codec.JSON, codec.Gob}

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
