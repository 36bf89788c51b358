package codectest

import (
	"flag"
	"testing"

	"github.com/sesame-go/sesame/codec"
)

func TestBenchTellsCanonicalCodecs(t *testing.T) {
	session := everything(inOrder())
	for _, c := range []struct {
		codec codec.Codec
		want  bool
	}{
		{codec.MsgPack, true},
		{codec.JSON, true},
		{plainGob{}, false},  // encodes maps in random order
		{shifty{}, true},     // differs in other processes only
		{forgetful{}, false}, // loses a field on the way
	} {
		data, err := encode(c.codec, session)
		if err != nil {
			t.Fatal(err)
		}
		if got := isCanonical(c.codec, session, data); got != c.want {
			t.Errorf("%T: canonical is %v", c.codec, got)
		}
	}
}

// TestBenchMeasures runs the same benchmarks as a user's BenchmarkCodec.
func TestBenchMeasures(t *testing.T) {
	times := flag.Lookup("test.benchtime").Value
	defer times.Set(times.String())
	if err := times.Set("1000x"); err != nil {
		t.Fatal(err)
	}
	for _, sample := range []any{Item{SKU: "a"}, &Item{SKU: "b"}} {
		ran := 0
		testing.Benchmark(func(b *testing.B) {
			Bench(b, sample, counting{good{}, &ran})
		})
		if ran < 1000 {
			t.Errorf("a %T was decoded %d times only", sample, ran)
		}
	}
}

type counting struct {
	good
	ran *int
}

func (c counting) Decode(data []byte, v any) error {
	*c.ran++
	return c.good.Decode(data, v)
}
