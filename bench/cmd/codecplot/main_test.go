package main

import (
	"bytes"
	"encoding/xml"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// printed is the output of a benchmark that ran three times, with round figures.
func printed(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "bench.txt"))
	require.NoError(t, err)
	return string(data)
}

const wantTable = `| | small: bytes | encode | decode | medium: bytes | encode | decode | canonical |
|---|---|---|---|---|---|---|---|
| MsgPack | 38 | 120 ns, 0 allocs | 288 ns, 2 allocs | 959 | 2.96 µs, 0 allocs | 8.80 µs, 53 allocs | yes |
| msgpack/v5 itself | 38 | 344 ns, 2 allocs | 1.54 µs, 1 alloc | 959 | 3.76 µs, 15 allocs | 12.0 µs, 64 allocs | no |

Some CPU, linux/amd64, GOVERSION, shared. The best of 3 runs each; the slowest took up to 1.5 times as long.
` + "`the command`\n"

func TestTableAndPlots(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "img")
	var table bytes.Buffer
	require.NoError(t, run(strings.NewReader(printed(t)), &table, dir, "the command", "shared"))
	require.Equal(t, strings.ReplaceAll(wantTable, "GOVERSION", runtime.Version()), table.String())

	for _, theme := range []string{"light", "dark"} {
		data, err := os.ReadFile(filepath.Join(dir, "codecs-"+theme+".svg"))
		require.NoError(t, err)
		require.NoError(t, xml.Unmarshal(data, new(struct{ XMLName xml.Name })))
		for _, says := range []string{
			"<title>MsgPack, encode: 0.120</title>", "<title>msgpack/v5 itself, decode: 12.0</title>",
			"<title>MsgPack, medium session: 959</title>", "<title>MsgPack, decode: 53</title>",
			"the command", "Some CPU", runtime.Version(), "µs per operation, logarithmic",
		} {
			require.Contains(t, string(data), says)
		}
	}
}

func TestIncompleteInput(t *testing.T) {
	for says, input := range map[string]string{
		"no results":                 "PASS\n",
		"the benchmarks failed":      printed(t) + "FAIL\n",
		"there is no ":               strings.SplitAfterN(printed(t), "\n", 8)[4],
		"there is no canonical for ": strings.ReplaceAll(printed(t), "canonical", "x"),
	} {
		dir := t.TempDir()
		require.ErrorContains(t, run(strings.NewReader(input), new(bytes.Buffer), dir, "", ""), says)
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, files)
	}
}
