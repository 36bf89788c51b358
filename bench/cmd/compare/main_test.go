package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
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

	var usage bytes.Buffer
	require.NoError(t, run([]string{"-h"}, io.Discard, &usage))
	require.Contains(t, usage.String(), "-stores")

	err := run([]string{"-libs", "nope"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "sesame-cached")
	require.Equal(t, 1, strings.Count(err.Error(), "scs-msgpack"), "on two stores, listed once: %v", err)

	err = run([]string{"-from", "results.txt", "-sizes", "small", "-o", "new.txt"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "-o, -sizes: ")
}

// A server that is missing is told of before anything is measured, and with the
// cure.
func TestNoServer(t *testing.T) {
	old := filepath.Join(t.TempDir(), "results.txt")
	for _, c := range []struct{ store, redis, postgres, reason string }{
		{"redis", "", "", "there is no server"},
		{"redis", "127.0.0.1:1", "", "connection refused"},
		{"postgres", "", "", "there is no server"},
		{"postgres", "", "postgres://127.0.0.1:1/none", "connection refused"},
	} {
		t.Setenv("SESAME_TEST_REDIS", c.redis)
		t.Setenv("SESAME_TEST_POSTGRES", c.postgres)
		var progress bytes.Buffer
		err := run([]string{"-stores", "memory," + c.store, "-o", old}, io.Discard, &progress)
		require.ErrorContains(t, err, c.store+": ")
		require.ErrorContains(t, err, c.reason)
		require.ErrorContains(t, err, "scripts/services run redis postgres -- COMMAND")
		require.ErrorContains(t, err, "-stores memory,file,sqlite")
		require.Empty(t, progress.String(), "nothing was measured")
		require.NoFileExists(t, old, "nor were older results overwritten")
	}
}
