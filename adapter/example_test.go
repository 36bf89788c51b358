package adapter_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/adapter"
)

// Message is a request or a response of a framework that is not built on
// net/http.
type Message struct {
	Header http.Header
	Status int
	Body   string
}

// Handler is a handler of that framework.
type Handler func(ctx context.Context, request *Message) *Message

// Sessions is the framework's adapter.
func Sessions(m adapter.Manager, next Handler) Handler {
	return func(ctx context.Context, r *Message) (response *Message) {
		if adapter.Within(ctx, m) {
			return next(ctx, r)
		}
		var x adapter.Exchange
		x.Open(ctx, m, request{r})
		x.Call(func() { response = next(&x, r) })
		err := x.Commit(response != nil && response.Status >= 500)
		if err != nil {
			response = &Message{Header: make(http.Header), Status: adapter.Status(err)}
		}
		x.Begin(response.Header, false)
		x.Close(true, err != nil)
		return response
	}
}

type request struct{ *Message }

func (r request) Header(field string) []string { return r.Message.Header.Values(field) }

func (r request) HTTP() *http.Request { return &http.Request{Method: "GET", Header: r.Message.Header} }

type Session struct{ Times int }

func Example() {
	sessions := sesame.New[Session](sesame.WithHeader("X-Session"))

	handler := Sessions(sessions, func(ctx context.Context, _ *Message) *Message {
		s := sessions.Get(ctx)
		s.Times++
		return &Message{Header: make(http.Header), Status: 200, Body: fmt.Sprintf("%d times!", s.Times)}
	})

	first := handler(context.Background(), &Message{Header: make(http.Header)})
	fmt.Println(first.Status, first.Body)
	second := handler(context.Background(), &Message{Header: http.Header{"X-Session": first.Header["X-Session"]}})
	fmt.Println(second.Status, second.Body)
	// Output:
	// 200 1 times!
	// 200 2 times!
}
