package merge

// Equal is for tests.
var Equal = equal
