package sesame_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
)

// TestObserverThatCallsBack: an observer that asks for the session is told that
// it cannot; the request does not hang.
func TestObserverThatCallsBack(t *testing.T) {
	var m *sesame.Manager[counter]
	w := newWitness()
	m = sesame.New[counter](w.logger(), sesame.WithObserver(func(ctx context.Context, _ sesame.Event) { m.Info(ctx) }))
	res := inTime(t, func() *http.Response { return within(m, "", func(_ context.Context, c *counter) { c.N++ }) })
	require.Equal(t, 200, res.StatusCode)
	require.NotEmpty(t, tokenOf(res))
	require.Contains(t, w.log.String(), "panic in the observer")
	require.Contains(t, w.log.String(), "no session in this context")
}

// TestLoggerThatCallsBack: nor does it if a logger wants to add who is logged in.
func TestLoggerThatCallsBack(t *testing.T) {
	var m *sesame.Manager[counter]
	var said []any
	st := newFake()
	m = sesame.New[counter](sesame.WithStore(st), sesame.WithLogger(slog.New(hook(func(ctx context.Context) {
		defer func() { said = append(said, recover()) }()
		m.Info(ctx)
	}))))
	st.down("save")
	res := inTime(t, func() *http.Response { return within(m, "", func(_ context.Context, c *counter) { c.N++ }) })
	require.Equal(t, 503, res.StatusCode)
	require.Len(t, said, 1)
	require.Contains(t, said[0], "no session in this context")
}

// inTime returns what f does, unless that hangs.
func inTime[T any](t *testing.T, f func() T) (result T) {
	done := make(chan T, 1)
	go func() { done <- f() }()
	select {
	case result = <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it hangs")
	}
	return result
}

// hook is a handler of logs that is called with their context.
type hook func(context.Context)

func (h hook) Enabled(context.Context, slog.Level) bool        { return true }
func (h hook) Handle(ctx context.Context, _ slog.Record) error { h(ctx); return nil }
func (h hook) WithAttrs([]slog.Attr) slog.Handler              { return h }
func (h hook) WithGroup(string) slog.Handler                   { return h }
