package codectest

import (
	"bytes"
	"math/rand/v2"

	"github.com/sesame-go/sesame/codec"
)

// checkShared compares DecodeShared with Decode, on intact and on damaged
// encodings.
func checkShared(r *report, c codec.Codec) {
	shared, ok := c.(codec.SharedDecoder)
	if !ok {
		return
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, s := range samples {
		v := s.make(inOrder())
		data, ok, _ := s.encode(c, v)
		if !ok {
			continue
		}
		compareShared(r, shared, c, s.name, data, v)
		if len(data) == 0 {
			continue // there is nothing to damage
		}
		for range 2000 / stride {
			damaged := bytes.Clone(data)
			damaged[rnd.IntN(len(data))] = byte(rnd.Uint32())
			compareShared(r, shared, c, s.name+", damaged", damaged, v)
		}
	}
}

// compareShared decodes data with both methods, as a value of v's type.
func compareShared(r *report, shared codec.SharedDecoder, c codec.Codec, what string, data []byte, v any) {
	kept, want, got := bytes.Clone(data), fresh(v), fresh(v)
	wantErr := decode(c, data, want)
	found, err := decodeShared(shared, data, got)
	switch {
	case !bytes.Equal(data, kept):
		r.errorf("%s: DecodeShared changes data", what)
	case err != nil && wantErr == nil:
		r.errorf("%s: Decode succeeds, DecodeShared returns: %v", what, err)
	case err != nil && found.Exact:
		r.errorf("%s: DecodeShared reports Exact together with an error: %v", what, err)
	case err != nil:
		return
	}
	again, err := encode(c, got)
	if wantErr == nil {
		wanted, wantErr := encode(c, want)
		if (err == nil) != (wantErr == nil) || err == nil && !r.alike(c, again, wanted, v) {
			r.errorf("%s: Decode reads %+v, DecodeShared %+v", what, want, got)
		}
	}
	if found.Exact && err == nil && !bytes.Equal(again, data) {
		r.errorf("%s: DecodeShared reports Exact for %q, but Append writes %q", what, data, again)
	}
}

// decodeShared is DecodeShared, with a panic turned into an error.
func decodeShared(c codec.SharedDecoder, data []byte, v any) (found codec.Found, err error) {
	defer recoverInto(&err)
	return c.DecodeShared(data, v)
}
