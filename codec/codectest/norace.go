//go:build !race

package codectest

const (
	stride    = 1       // one in stride hostile inputs is tried
	runLength = 0x2000  // the number of elements in a hostile input
	levels    = 100_000 // the depth of nested values
)
