//go:build race

package codec_test

const guidePairs = 2_000 // which takes as long as all of them without the detector
