//go:build race

package evolving_test

// buildFlags build the programs as the test is built: what they import is
// compiled already.
var buildFlags = []string{"-race"}
