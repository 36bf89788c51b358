//go:build race

package sesame_test

// poolsForget is how many more allocations a request may take because the race
// detector makes every sync.Pool lose things at random.
const poolsForget = 12
