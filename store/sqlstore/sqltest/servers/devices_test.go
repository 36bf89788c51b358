package servers

import (
	"testing"

	"github.com/sesame-go/sesame/internal/testtools/devicestest"
)

// TestDevices has two stores on one table, each with a pool of its own.
func TestDevices(t *testing.T) {
	for _, e := range []engine{pgx, maria} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			s, _, name := e.store(t)
			devicestest.Run(t, s, e.on(t, e.open(t, e.source(t)), name))
		})
	}
}

func BenchmarkDevices(b *testing.B) {
	for _, e := range []engine{pgx, maria} {
		b.Run(e.name, func(b *testing.B) {
			s, _, p := e.proxied(b)
			devicestest.Benchmark(b, s, func() int { return p.Traffic().RoundTrips })
		})
	}
}
