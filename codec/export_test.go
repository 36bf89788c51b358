package codec

// GuidedKeys returns how many keys of large maps f compares with those before
// them because a guide has them. Sorting is not counted.
func GuidedKeys(f func()) (n int) {
	strings, ints := stringKeys.compare, signedKeys.compare
	defer func() { stringKeys.compare, signedKeys.compare = strings, ints }()
	stringKeys.compare = func(a, b string) int { n++; return strings(a, b) }
	signedKeys.compare = func(a, b uint64) int { n++; return ints(a, b) }
	f()
	return n
}
