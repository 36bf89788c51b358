package bench

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/bench/internal/results"
)

// BenchmarkEmbedded measures durable saves: compare-and-swap of 300 bytes, on
// the disk before it is answered, by one writer and by 64 at once.
func BenchmarkEmbedded(b *testing.B) {
	const sessions = 10_000
	for _, engine := range embedded {
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("engine=%s/sessions=%d/writers=%d", engine.name, sessions, writers), func(b *testing.B) {
				e, err := engine.open(Place{Dir: b.TempDir()}, sessions)
				if err != nil {
					b.Fatal(err)
				}
				if err := fill(e, sessions, inAnHour); err != nil {
					b.Fatal(err)
				}
				s := &saver{e, make([]int, writers), sessions / writers}
				b.ReportAllocs()
				b.ResetTimer()
				s.run(b.N)
				if err := e.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// TestEngines has each engine do what it is measured with.
func TestEngines(t *testing.T) {
	p := Place{Dir: t.TempDir()}
	for _, engine := range embedded {
		t.Run(engine.name, func(t *testing.T) {
			e, err := engine.open(p, 130)
			require.NoError(t, err)
			require.Error(t, e.load(7), "not there yet")
			require.NoError(t, fill(e, 130, inAnHour))
			require.NoError(t, e.load(7))
			s := &saver{e, make([]int, 64), 2}
			s.run(200)
			done := 0
			for _, turns := range s.turns {
				done += turns
			}
			require.Equal(t, 200, done)
			require.NoError(t, e.Close())
		})
	}
}

func TestGrowth(t *testing.T) {
	var out bytes.Buffer
	p := Plan{Rounds: 1, Slice: time.Millisecond, Place: Place{Dir: t.TempDir()}, Progress: io.Discard}
	require.NoError(t, p.Growth(&out, 100, 200))
	require.NoError(t, p.Held(&out, 500))
	require.NoError(t, p.Durable(&out, 640))
	require.NoError(t, p.Scaling(&out))
	p.Libs = []string{Base} // scs would take seconds, since its sweep has a clock
	require.NoError(t, p.Wait(&out, 1000))

	got, err := results.Parse(&out)
	require.NoError(t, err)
	for _, engine := range engines {
		for _, op := range []string{"load", "save", "list", "sweep"} {
			ns, measured := got.Median("Growth", "ns/op", "lib="+engine.lib, "store="+engine.store, "op="+op, "sessions=200")
			require.Equal(t, engine.lib == Base || op != "sweep", measured, "%s of %s in %s", op, engine.lib, engine.store)
			require.Equal(t, measured, ns > 0)
		}
	}
	for _, lib := range []string{Base, "scs", "fiber", "gin"} {
		held, ok := got.Median("Held", "B/session", "lib="+lib, "size=small")
		require.True(t, ok)
		require.Greater(t, held, 50., "a session of %s takes some memory", lib)
	}
	_, ok := got.Median("Durable", "ns/op", "engine=bbolt", "writers=64")
	require.True(t, ok)
	require.Equal(t, []string{"1", "2"}, got.LabelValues("Scaling", "cores"))
	require.Equal(t, []string{"arithmetic", "sweep"}, got.LabelValues("Wait", "during"))
}
