package merge

// Equal is for tests.
var Equal = equal

var Found = found
