//go:build !race

package evolving_test

var buildFlags []string
