package lifecycle

import (
	"log/slog"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/internal/carrier"
	"github.com/sesame-go/sesame/store/memstore"
)

// bare is a request without a header.
type bare struct{}

func (bare) Header(string) []string { return nil }
func (bare) HTTP() *http.Request    { return nil }

// TestDestroyedBeforeSent destroys a session that has just been created, as
// another goroutine may between the commit and the response's header.
func TestDestroyedBeforeSent(t *testing.T) {
	type visit struct{ N int }
	in, err := carrier.InField("X-Session")
	require.NoError(t, err)
	e, err := New(Config{
		Type: reflect.TypeFor[visit](), Store: memstore.New(), Codec: codec.MsgPack, Carrier: in,
		Idle: time.Hour, Lifetime: time.Hour, Timeout: time.Second, MaxSize: 1 << 10, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	var s Session
	s.Init(t.Context(), e, bare{})
	v, err := s.Load(t.Context())
	require.NoError(t, err)
	v.(*visit).N++
	require.NoError(t, s.Commit())
	require.NoError(t, s.Destroy(t.Context()))
	_, c := s.Sent(false)
	require.Equal(t, Reply{}, c, "there is no token to tell")
	require.NoError(t, s.Commit())
	require.Zero(t, e.Store.(*memstore.Store).Len())
}
