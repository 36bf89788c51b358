package lifecycle

import (
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestDestroyedBeforeSent destroys a session that has just been created, as
// another goroutine may between the commit and the response's header.
func TestDestroyedBeforeSent(t *testing.T) {
	type visit struct{ N int }
	e, err := New(Config{
		Type: reflect.TypeFor[visit](), Store: memstore.New(), Codec: codec.MsgPack, CookieName: "id",
		Idle: time.Hour, Lifetime: time.Hour, Timeout: time.Second, MaxSize: 1 << 10, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	var s Session
	s.Init(t.Context(), e, nil)
	v, err := s.Load(t.Context())
	require.NoError(t, err)
	v.(*visit).N++
	require.NoError(t, s.Commit())
	require.NoError(t, s.Destroy(t.Context()))
	_, c := s.Sent(false)
	require.Equal(t, Cookie{}, c, "there is no token to tell")
	require.NoError(t, s.Commit())
	require.Zero(t, e.Store.(*memstore.Store).Len())
}
