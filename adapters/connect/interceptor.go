// Package sesameconnect gives the procedures of connect their sessions:
//
//	path, handler := pingv1connect.NewPingServiceHandler(&pingServer{},
//		connect.WithInterceptors(sesameconnect.Sessions(sessions)))
//
//	func (s *pingServer) Ping(ctx context.Context, req *connect.Request[pingv1.PingRequest]) (*connect.Response[pingv1.PingResponse], error) {
//		v := sessions.Get(ctx)
//		v.Times++
//		return connect.NewResponse(&pingv1.PingResponse{Times: v.Times}), nil
//	}
package sesameconnect

import (
	"context"
	"net/http"

	"connectrpc.com/connect"

	"github.com/sesame-go/sesame/adapter"
)

// Sessions returns an interceptor that gives procedures the sessions of m, and
// saves them. The manager's methods take the procedure's context. Clients ignore
// it.
//
// The token travels in the headers of the request and the response: by cookie, as
// browsers have it, or in the field of the manager's WithHeader. That of an error
// too: connect's clients find it in the error's metadata.
//
// A session that cannot be loaded or saved is an error of connect: unavailable if
// the store failed or the session was too busy, aborted if a log-in was overtaken
// by another one, else internal. It wraps the manager's error, but its message says
// nothing of it. The manager's WithErrorHandler is not called. A procedure that
// returns an error which connect answers with an HTTP status of 500 or more, such as
// unknown, internal or unavailable, has failed: what it changed is dropped.
//
// A stream's response begins with its first message, and the goroutine that sends
// it saves the session: no other may be changing it. What is changed afterwards is
// saved when the stream ends, and by the manager's Save and Update. If that fails,
// so does the stream.
//
// Put it before interceptors that use the session, and after those that recover.
// Sessions panics if m is nil or has WithDeviceBinding.
func Sessions(m adapter.Manager) connect.Interceptor {
	if m == nil {
		panic("sesameconnect: Sessions(nil): give it the manager, sesame.New[T]()")
	}
	if adapter.Binds(m) {
		panic("sesameconnect: WithDeviceBinding needs the manager's Handler, which answers the browser: leave it out, or serve these users by net/http")
	}
	return interceptor{m}
}

type interceptor struct{ manager adapter.Manager }

// WrapUnary implements [connect.Interceptor].
func (i interceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (resp connect.AnyResponse, err error) {
		if req.Spec().IsClient || adapter.Within(ctx, i.manager) {
			return next(ctx, req)
		}
		call, ok := connect.CallInfoForHandlerContext(ctx)
		if !ok {
			panic("sesameconnect: this context is not the procedure's: an interceptor in front has put another one in its place; derive it from the one that it was given")
		}
		x := newExchange(call.ResponseHeader())
		x.session.Open(ctx, i.manager, request{req.HTTPMethod(), req.Spec().Procedure, req.Header(), req.Peer()})
		err = x.serve(func() (err error) {
			resp, err = next(&x.session, req)
			return err
		}, func() http.Header { return resp.Header() })
		if err != nil {
			return nil, err
		}
		return resp, nil
	}
}

// WrapStreamingClient implements [connect.Interceptor].
func (i interceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements [connect.Interceptor].
func (i interceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if adapter.Within(ctx, i.manager) {
			return next(ctx, conn)
		}
		x := newExchange(conn.ResponseHeader())
		x.session.Open(ctx, i.manager, request{http.MethodPost, conn.Spec().Procedure, conn.RequestHeader(), conn.Peer()})
		return x.serve(func() error {
			return next(&x.session, &stream{conn, x})
		}, func() http.Header { return nil })
	}
}

// stream begins the response with the first message.
type stream struct {
	connect.StreamingHandlerConn
	exchange *exchange
}

// Send implements [connect.StreamingHandlerConn].
func (s *stream) Send(message any) error {
	if err := s.exchange.send(); err != nil {
		return err
	}
	return s.StreamingHandlerConn.Send(message)
}
