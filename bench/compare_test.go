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

// BenchmarkCompare is what cmd/compare runs, for other tools:
// one client, one after the other instead of in turns.
func BenchmarkCompare(b *testing.B) {
	for _, e := range Entries {
		for _, op := range Ops {
			for _, s := range Sessions {
				if !e.Does(op, s) {
					continue
				}
				b.Run(fmt.Sprintf("lib=%s/store=%s/op=%s/size=%s", e.Lib, e.Store, op, s.Name()), func(b *testing.B) {
					site, err := e.Open(s, PlaceFromEnv(b.TempDir()))
					if err != nil {
						b.Fatal(err)
					}
					load := NewLoad(site, op, 1)
					b.ReportAllocs()
					for b.Loop() {
						if op == Together {
							b.StopTimer()
							load.Prepare(1)
							b.StartTimer()
						}
						load.Run(1)
					}
					if err := site.Close(); err != nil {
						b.Fatal(err)
					}
				})
			}
		}
	}
}

func TestCompare(t *testing.T) {
	var out bytes.Buffer
	p := Plan{
		Libs: []string{"scs"}, Stores: []string{"memory", "file"}, Ops: []Op{Read, Together},
		Rounds: 2, Slice: time.Millisecond, Clients: 3, Place: Place{Dir: t.TempDir()}, Progress: io.Discard,
	}
	require.NoError(t, p.Compare(&out))

	got, err := results.Parse(&out)
	require.NoError(t, err)
	require.Equal(t, []string{Base, "scs"}, got.LabelValues("Compare", "lib"), "the base is always there")
	require.Equal(t, []string{"read", "parallel"}, got.LabelValues("Compare", "op"))
	for _, b := range got.Benchmarks {
		for _, unit := range []string{"ns/op", "cpu-ns/op", "B/op", "allocs/op"} {
			require.Len(t, b.Values[unit], 2, "%s of %s", unit, b.Labels)
		}
	}
	survived, ok := got.Median("Compare", "survived", "lib=scs", "size=medium", "store=memory")
	require.True(t, ok)
	require.Equal(t, 1., survived)
}
