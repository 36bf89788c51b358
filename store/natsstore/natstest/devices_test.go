package natstest

import (
	"testing"

	"github.com/sesame-go/sesame/internal/testtools/devicestest"
	"github.com/sesame-go/sesame/store/natsstore"
)

// TestDevices has two stores on one bucket, each with a connection of its own.
func TestDevices(t *testing.T) {
	t.Parallel()
	srv, name := start(t, options(t.TempDir())), natsstore.WithBucket(bucket())
	devicestest.Run(t, open(t, connect(t, srv.ClientURL()), name), open(t, connect(t, srv.ClientURL()), name))
}

func BenchmarkDevices(b *testing.B) {
	b.Run("engine=nats", func(b *testing.B) {
		devicestest.Benchmark(b, open(b, connect(b, start(b, options(b.TempDir())).ClientURL())), nil)
	})
}
