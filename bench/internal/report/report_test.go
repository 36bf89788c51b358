package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden file")

func read(t *testing.T) *Report {
	f, err := os.Open(filepath.Join("testdata", "results.txt"))
	require.NoError(t, err)
	defer f.Close()
	r, err := Read(f)
	require.NoError(t, err)
	return r
}

// TestGolden compares everything that is printed with what it should be.
func TestGolden(t *testing.T) {
	var b bytes.Buffer
	for _, s := range read(t).Sections() {
		if s.Name != "libraries" { // which is of no results
			b.WriteString("## " + s.Name + "\n\n" + s.Text + "\n")
		}
	}
	golden := filepath.Join("testdata", "report.md")
	if *update {
		require.NoError(t, os.WriteFile(golden, b.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}

func TestRatios(t *testing.T) {
	r := read(t)
	require.Contains(t, r.store("memory"), "| 7.5 µs<br>", "processor time in memory, not the 87 µs of the clock")
	require.Contains(t, r.store("memory"), "10× ±0%", "6000 to 600, in each round")
	require.Contains(t, r.store("redis"), "4× ±0%", "the clock elsewhere: 32 to 8 µs")
	require.Contains(t, r.losses(), "memory, small, nocookie: scs")
	require.NotContains(t, r.losses(), "cached", "of sesame's own is no loss")
	require.NotContains(t, r.losses(), "net/http", "no sessions is no library")
	require.Contains(t, r.scaling(), "1.90 times")
}

func TestFill(t *testing.T) {
	const document = "before\n<!-- compare: held -->\nold\n<!-- end -->\nbetween\n<!-- compare: sqlite -->\nkept\n<!-- end -->\nafter\n"
	r := read(t)
	filled, err := r.Fill(document)
	require.NoError(t, err)
	require.NotContains(t, filled, "old")
	require.Contains(t, filled, "| scs | small | 421 | 2.0 | 2.4 million |")
	require.Contains(t, filled, "kept", "nothing was measured there")
	for _, own := range []string{"before\n", "between\n", "after\n"} {
		require.Contains(t, filled, own)
	}
	again, err := r.Fill(filled)
	require.NoError(t, err)
	require.Equal(t, filled, again)

	_, err = r.Fill("<!-- compare: held -->\nno end\n")
	require.ErrorContains(t, err, "held")
}

func TestPlots(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, read(t).Plots(dir))
	for _, name := range []string{"perf-memory", "perf-stores", "perf-held"} {
		for _, theme := range []string{"light", "dark"} {
			svg, err := os.ReadFile(filepath.Join(dir, name+"-"+theme+".svg"))
			require.NoError(t, err)
			require.Contains(t, string(svg), "sesame")
			require.Contains(t, string(svg), "A processor")
		}
	}
}

func TestNothingMeasured(t *testing.T) {
	r, err := Read(strings.NewReader("goos: linux\n"))
	require.NoError(t, err)
	for _, s := range r.Sections() {
		if s.Name != "machine" && s.Name != "libraries" {
			require.Empty(t, s.Text, s.Name)
		}
	}
	require.NoError(t, r.Plots(t.TempDir()))
}

func TestUnits(t *testing.T) {
	for ns, want := range map[float64]string{61.24: "61.2 ns", 2712: "2.71 µs", 1.5e6: "1.5 ms", 2.5e9: "2.5s"} {
		require.Equal(t, want, duration(ns))
	}
	for ns, want := range map[float64]string{250: "4 M/s", 32_000: "31.2 k/s", 5e6: "200/s"} {
		require.Equal(t, want, perSecond(ns))
	}
}
