package documented

import (
	"testing"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/codectest"
	"github.com/sesame-go/sesame/codec/gobcodec"
)

type Session struct {
	User   string
	Visits int
	Cart   []string
}

// The block.

// TestBenchmark runs it, which tests alone do not.
func TestBenchmark(t *testing.T) {
	if r := testing.Benchmark(BenchmarkCodec); r.N == 0 {
		t.Error("the benchmark failed")
	}
}
