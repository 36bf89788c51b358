//go:build !race

package codectest

const (
	stride    = 1       // of the hostile inputs one in so many is tried
	runLength = 0x2000  // of the elements in one
	levels    = 100_000 // of a value nested without end
)
