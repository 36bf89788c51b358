//go:build race

package evolving_test

// buildFlags build the programs with the same flags as the test, so that their
// imports are already compiled.
var buildFlags = []string{"-race"}
