package codectest

import (
	"bytes"
	"math/rand/v2"

	"github.com/sesame-go/sesame/codec"
)

// checkLike compares AppendLike with Append, given an earlier encoding of the
// same value, of another value, and damaged ones.
func checkLike(r *report, c codec.Codec) {
	like, ok := c.(codec.LikeAppender)
	if !ok {
		return
	}
	rnd := rand.New(rand.NewPCG(5, 6))
	var others [][]byte
	for _, s := range samples {
		v := s.make(inOrder())
		data, ok, _ := s.encode(c, v)
		if !ok {
			continue
		}
		others = append(others, data)
		for _, other := range append(others, nil, []byte("what is no encoding at all")) {
			compareLike(r, like, s.name, v, data, other)
		}
		if len(data) == 0 {
			continue // there is nothing to damage
		}
		for range 2000 / stride {
			damaged := bytes.Clone(data)
			damaged[rnd.IntN(len(data))] = byte(rnd.Uint32())
			compareLike(r, like, s.name+", damaged", v, data, damaged[:len(data)-rnd.IntN(2)*rnd.IntN(len(data))])
		}
	}
}

// compareLike encodes v with a hint and compares the result with data, which
// Append wrote for v.
func compareLike(r *report, c codec.LikeAppender, what string, v any, data, hint []byte) {
	kept := bytes.Clone(hint)
	got, err := appendLike(c, v, hint)
	switch {
	case !bytes.Equal(kept, hint):
		r.errorf("%s: AppendLike changes the earlier encoding", what)
	case err != nil:
		r.errorf("%s: Append succeeds, AppendLike returns: %v", what, err)
	case !bytes.Equal(data, got):
		r.errorf("%s: given %q, AppendLike writes %q, Append %q", what, hint, got, data)
	}
}

// appendLike is AppendLike to nil, with a panic turned into an error.
func appendLike(c codec.LikeAppender, v any, like []byte) (data []byte, err error) {
	defer recoverInto(&err)
	return c.AppendLike(nil, v, like)
}
