package documented

import "testing"

// The block.

func Test(t *testing.T) {
	base, mine, theirs := Score(1), Score(5), Score(9)
	mine.Merge(&base, &theirs)
	if mine != 9 {
		t.Errorf("got %d, want 9", mine)
	}
}
