//go:build !race

package sesame_test

const poolsForget = 0
