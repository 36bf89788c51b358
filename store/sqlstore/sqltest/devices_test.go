package sqltest

import (
	"path/filepath"
	"testing"

	"github.com/sesame-go/sesame/internal/testtools/devicestest"
)

// TestDevices has two stores on one file, each with a pool of its own.
func TestDevices(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions.sqlite")
	devicestest.Run(t, newStore(t, openDB(t, dsn(file))), newStore(t, openDB(t, dsn(file))))
}

func BenchmarkDevices(b *testing.B) {
	b.Run("engine=sqlite", func(b *testing.B) { devicestest.Benchmark(b, newFile(b), nil) })
}
