package codec_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec"
)

type (
	// Cart keeps its content from the codecs.
	Cart     struct{ items map[string]int }
	WithCart struct {
		Cart
		Total int
	}
)

// TestWhatWouldVanishIsRefused has a cart whose content no codec can see,
// embedded or not, at several levels.
func TestWhatWouldVanishIsRefused(t *testing.T) {
	for _, v := range []any{
		Cart{}, WithCart{}, struct{ *Cart }{},
		struct{ C Cart }{},
		struct{ C []map[string]*Cart }{},
		struct{ W WithCart }{},
		struct{ W map[string][]WithCart }{},
		struct{ WithCart }{},
		struct {
			*WithCart
			N int
		}{},
	} {
		for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
			err := c.(codec.Checker).Check(reflect.TypeOf(v))
			require.ErrorContains(t, err, "Cart, which has only unexported fields", "%s of %T", c, v)
		}
	}
}
