package devicestest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sesame-go/sesame"
)

// Soon is how long a stream may go on after its session's end when the store
// watches, and Poll how long when it does not, on a machine that is busy with other
// tests.
const (
	Soon = 100 * time.Millisecond
	Poll = 2*time.Second + 500*time.Millisecond
)

// Handle runs f as the handler of a request with the cookie.
func Handle[T any](m *sesame.Manager[T], c *http.Cookie, f func(ctx context.Context)) {
	r := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	r.AddCookie(c)
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(r.Context()) })).ServeHTTP(httptest.NewRecorder(), r)
}

// OpenStream opens a stream that goes on until the test ends, and returns its Live
// context.
func OpenStream[T any](t *testing.T, m *sesame.Manager[T], c *http.Cookie) (live context.Context) {
	opened, over, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		Handle(m, c, func(ctx context.Context) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel() // as net/http does
			live = m.Live(ctx)
			close(opened)
			<-over
		})
	}()
	<-opened
	t.Cleanup(func() { close(over); <-done })
	return live
}

// StreamEnds waits for a stream to end with its session. It fails the test if that
// takes longer than within.
func StreamEnds(t *testing.T, live context.Context, within time.Duration) { //nolint:revive // t is first in tests
	t.Helper()
	began := time.Now()
	select {
	case <-live.Done():
	case <-time.After(time.Minute):
		t.Fatal("the stream has not ended")
	}
	took := time.Since(began)
	t.Logf("ended after %v", took)
	if cause := context.Cause(live); !errors.Is(cause, sesame.ErrNotFound) {
		t.Fatalf("the cause of the stream's end is %v, want ErrNotFound", cause)
	}
	if took > within {
		t.Fatalf("the stream ended after %v, want %v at most", took, within)
	}
}
