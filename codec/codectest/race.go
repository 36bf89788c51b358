//go:build race

package codectest

// The race detector makes everything slower and lets pools forget, so that
// there is more to allocate and less time to try it in.
const (
	stride    = 7
	runLength = 0x800
	levels    = 20_000
)
