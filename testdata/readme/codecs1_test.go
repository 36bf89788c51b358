package documented

import (
	"flag"
	"testing"

	"github.com/sesame-go/sesame/codec/codectest"
)

type Session struct{ User string }

// The block.

func Test(t *testing.T) {
	if err := flag.Set("test.benchtime", "1x"); err != nil {
		t.Fatal(err)
	}
	if r := testing.Benchmark(BenchmarkCodec); r.N == 0 {
		t.Error("the benchmark failed")
	}
}
