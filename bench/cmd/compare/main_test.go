package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "img"), 0o755))
	page := filepath.Join(dir, "PERFORMANCE.md")
	require.NoError(t, os.WriteFile(page, []byte("<!-- compare: memory -->\n<!-- end -->\n"), 0o644))
	results := filepath.Join(dir, "results.txt")

	var out bytes.Buffer
	args := []string{
		"-only", "requests", "-stores", "memory", "-libs", "scs", "-ops", "read", "-sizes", "small",
		"-rounds", "2", "-slice", "1ms", "-o", results, "-docs", dir,
	}
	require.NoError(t, run(args, &out, io.Discard))
	require.Contains(t, out.String(), "github.com/alexedwards/scs/v2")
	require.Contains(t, out.String(), "| scs |")

	document, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(document), "| scs |")
	require.FileExists(t, filepath.Join(dir, "img", "perf-memory-dark.svg"))

	var again bytes.Buffer
	require.NoError(t, run([]string{"-from", results}, &again, io.Discard))
	require.Equal(t, out.String(), again.String(), "the tables are made of the results alone")
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"-stores", "memroy"},
		{"-libs", "scs,"},
		{"-ops", "reed"},
		{"-only", "all"},
		{"-rounds", "0"},
		{"memory"},
		{"-from", filepath.Join(t.TempDir(), "missing")},
	} {
		require.Error(t, run(args, io.Discard, io.Discard), "%q", args)
	}
}
