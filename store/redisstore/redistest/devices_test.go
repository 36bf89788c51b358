package redistest

import (
	"testing"

	"github.com/sesame-go/sesame/internal/testtools/devicestest"
	"github.com/sesame-go/sesame/store/redisstore"
)

// TestDevices has two stores on one server, each with a client of its own.
func TestDevices(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at, prefix := shared(t, "single"), redisstore.WithPrefix(newPrefix())
		devicestest.Run(t, redisstore.New(a.connect(t, at, nil), prefix), redisstore.New(a.connect(t, at, nil), prefix))
	})
}

func BenchmarkDevices(b *testing.B) {
	for _, a := range adapters {
		b.Run("engine=redis/client="+a.name, func(b *testing.B) {
			s, p := through(b, a, shared(b, "single"))
			devicestest.Benchmark(b, s, func() int { return p.Traffic().RoundTrips })
		})
	}
}
