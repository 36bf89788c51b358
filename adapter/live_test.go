package adapter_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/adapter"
)

// reused is a framework's context, which it uses again for another request.
type reused struct{ context.Context }

// TestLiveOutlivesTheRequest keeps the context of a stream whose framework serves
// another request with its parent by then.
func TestLiveOutlivesTheRequest(t *testing.T) {
	sessions := sesame.New[Session](sesame.WithHeader("X-Session"))
	open := func(h http.Header) *adapter.Exchange {
		x := new(adapter.Exchange)
		x.Open(t.Context(), sessions, request{&Message{Header: h}})
		return x
	}
	visit := func(times int) http.Header {
		x := open(nil)
		sessions.Get(x).Times = times
		h := make(http.Header)
		require.NoError(t, x.Commit(false))
		x.Begin(h, false)
		x.Close(true, false)
		return http.Header{"X-Session": h["X-Session"]}
	}
	ann, bob := visit(1), visit(2)

	c := &reused{open(ann)}
	live := sessions.Live(c)
	c.Context = open(bob)
	seen := 0
	require.NoError(t, sessions.Update(live, func(s *Session) error { seen = s.Times; return nil }))
	require.Equal(t, 1, seen)
}
