package sesame_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/gobcodec"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestCorruptNamesTheField: a field has got another type without a step. The
// event says which, and the log too, and neither what is stored.
func TestCorruptNamesTheField(t *testing.T) {
	type item struct{ Price string }
	type cart struct{ Items []item }
	type before struct{ Carts map[string]*cart }
	type newItem struct{ Price float64 }
	type newCart struct{ Items []newItem }
	type after struct{ Carts map[string]*newCart }

	for want, c := range map[string]codec.Codec{
		"codec: msgpack: Carts[].Items[0].Price: stored as text, wanted float64; see WithUpgrade": codec.MsgPack,
		"codec: json: Carts[].Items[0].Price: stored as text, wanted float64; see WithUpgrade":    codec.JSON,
		"gobcodec: Carts[].Items[].Price: stored as text, wanted float64; see WithUpgrade":        gobcodec.Gob,
	} {
		st, w := memstore.New(), newWitness()
		token := issue(t, sesame.New[before](sesame.WithStore(st), sesame.WithCodec(c)), func(s *before) {
			s.Carts = map[string]*cart{"ann": {[]item{{"9.99"}}}}
		})
		m := sesame.New[after](sesame.WithStore(st), sesame.WithCodec(c), w.logger(), w.observer())
		within(m, token, func(_ context.Context, s *after) { require.Zero(t, *s) })
		require.Equal(t, []sesame.EventKind{sesame.EventCorrupt}, w.kinds())
		require.EqualError(t, w.all()[0].Err, want)
	}
}
