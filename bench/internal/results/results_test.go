package results_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/bench/internal/results"
)

const printed = `goos: linux
goarch: amd64
pkg: example.com/bench
cpu: Some CPU @ 2.5GHz
BenchmarkRead/lib=sesame/size=small-2     100   300 ns/op   38.00 bytes   8 B/op   1 allocs/op
BenchmarkRead/lib=sesame/size=small-2     100   100.5 ns/op   38.00 bytes   8 B/op   1 allocs/op
BenchmarkRead/lib=sesame/size=small-2     100   200 ns/op   38.00 bytes   8 B/op   1 allocs/op
BenchmarkRead/lib=a-b/size=small-2        100   1e+06 ns/op
    bench_test.go:7: a remark
PASS
ok   example.com/bench  1.0s
`

func TestParse(t *testing.T) {
	s, err := results.Parse(strings.NewReader(printed))
	require.NoError(t, err)
	require.Equal(t, "Some CPU @ 2.5GHz", s.CPU)
	require.Equal(t, "linux/amd64", s.GOOS+"/"+s.GOARCH)
	require.Len(t, s.Benchmarks, 2)
	require.Equal(t, []string{"sesame", "a-b"}, s.LabelValues("Read", "lib"))
	require.Equal(t, 1, s.Count())

	for _, c := range []struct {
		want   float64
		unit   string
		labels []string
	}{
		{200, "ns/op", []string{"lib=sesame"}},
		{38, "bytes", []string{"lib=sesame", "size=small"}},
		{1e6, "ns/op", []string{"lib=a-b"}},
		{(200. + 300) / 2, "ns/op", nil},
	} {
		got, ok := s.Median("Read", c.unit, c.labels...)
		require.True(t, ok)
		require.Equal(t, c.want, got)
	}
	least, ok := s.Least("Read", "ns/op", "lib=sesame")
	require.True(t, ok)
	require.Equal(t, 100.5, least)
	_, ok = s.Least("Write", "ns/op")
	require.False(t, ok)
	require.InDelta(t, 300/100.5-1, s.Spread("Read", "ns/op", "lib=sesame"), 1e-9)
	for _, labels := range [][]string{{"lib=c"}, {"cpu=1"}} {
		_, ok := s.Median("Read", "ns/op", labels...)
		require.False(t, ok)
	}
	_, ok = s.Median("Write", "ns/op")
	require.False(t, ok)
}

func TestParseRefusesAFailedRun(t *testing.T) {
	_, err := results.Parse(strings.NewReader(printed + "FAIL\n"))
	require.ErrorContains(t, err, "failed")
	_, err = results.Parse(strings.NewReader("BenchmarkX 10 fast ns/op\n"))
	require.ErrorContains(t, err, `"fast"`)
}
