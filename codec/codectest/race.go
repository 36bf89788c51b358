//go:build race

package codectest

// The race detector slows everything down and makes sync.Pool drop items at
// random, so fewer and smaller inputs are tried.
const (
	stride    = 7
	runLength = 0x800
	levels    = 20_000
)
