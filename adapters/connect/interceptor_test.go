package sesameconnect_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/adapter"
	"github.com/sesame-go/sesame/adapter/adaptertest"
	sesameconnect "github.com/sesame-go/sesame/adapters/connect"
)

type (
	text   = wrapperspb.StringValue
	number = wrapperspb.Int64Value
)

const procedure = "/test.v1.Test/Do"

// recovers is connect's own recovery.
var recovers = connect.WithRecover(func(context.Context, connect.Spec, http.Header, any) error {
	return connect.NewError(connect.CodeInternal, errors.New("recovered"))
})

// TestAdapter runs the suite by unary calls of connect's own protocol.
func TestAdapter(t *testing.T) {
	adaptertest.Run(t, adaptertest.Framework{
		Serve: func(t *testing.T, h adaptertest.Handler, managers ...adapter.Manager) string {
			var sessions []connect.Interceptor
			for _, m := range managers {
				sessions = append(sessions, sesameconnect.Sessions(m))
			}
			return serve(t, connect.NewUnaryHandler(procedure, func(ctx context.Context, req *connect.Request[text]) (*connect.Response[text], error) {
				a := h(ctx, req.Msg.GetValue())
				switch {
				case a.Status >= 500:
					return nil, connect.NewError(connect.CodeInternal, errors.New(a.Body))
				case a.Status == http.StatusNotFound:
					return nil, connect.NewError(connect.CodeNotFound, errors.New(a.Body))
				}
				resp := connect.NewResponse(wrapperspb.String(a.Body))
				maps.Copy(resp.Header(), a.Header)
				return resp, nil
			}, recovers, connect.WithInterceptors(sessions...)))
		},
		Request: func(t *testing.T, url, path string) *http.Request {
			body, err := proto.Marshal(wrapperspb.String(path))
			require.NoError(t, err)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+procedure, bytes.NewReader(body))
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/proto")
			return r
		},
	})
}

func serve(t *testing.T, h http.Handler) string {
	mux := http.NewServeMux()
	mux.Handle(procedure, h)
	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = true
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

type visit struct{ Times int64 }

var protocols = map[string][]connect.ClientOption{
	"connect": nil, "gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()},
}

func h2c() *http.Client {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: p}}
}

// TestStreams has a stream change its session before and after its first
// message.
func TestStreams(t *testing.T) {
	for name, options := range protocols {
		t.Run(name, func(t *testing.T) {
			sessions := sesame.New[visit](sesame.WithHeader("X-Session"))
			url := serve(t, connect.NewServerStreamHandler(procedure, func(ctx context.Context, req *connect.Request[number], stream *connect.ServerStream[number]) error {
				v := sessions.Get(ctx)
				for range req.Msg.GetValue() {
					v.Times++
					if err := stream.Send(wrapperspb.Int64(v.Times)); err != nil {
						return err
					}
				}
				if req.Msg.GetValue() == 0 {
					v.Times += 100
					return connect.NewError(connect.CodePermissionDenied, errors.New("no"))
				}
				return nil
			}, connect.WithInterceptors(sesameconnect.Sessions(sessions))))
			client := connect.NewClient[number, number](h2c(), url+procedure, options...)

			token := ""
			call := func(n int64) (got []int64, err error) {
				req := connect.NewRequest(wrapperspb.Int64(n))
				req.Header().Set("X-Session", token)
				stream, err := client.CallServerStream(t.Context(), req)
				require.NoError(t, err)
				for stream.Receive() {
					got = append(got, stream.Msg().GetValue())
				}
				if given := stream.ResponseHeader().Get("X-Session"); given != "" {
					token = given
				}
				return got, errors.Join(stream.Err(), stream.Close())
			}
			got, err := call(1)
			require.NoError(t, err)
			require.Equal(t, []int64{1}, got)
			require.NotEmpty(t, token)
			got, err = call(3)
			require.NoError(t, err)
			require.Equal(t, []int64{2, 3, 4}, got)
			_, err = call(0)
			require.Equal(t, connect.CodePermissionDenied, connect.CodeOf(err))
			got, err = call(1)
			require.NoError(t, err)
			require.Equal(t, []int64{105}, got, "the stream's later changes are saved, and those of a call that was refused")
		})
	}
}

// TestErrors gives a client its token in the metadata of an error, in every
// protocol. The program's own error stays as it is.
func TestErrors(t *testing.T) {
	for name, options := range protocols {
		t.Run(name, func(t *testing.T) {
			sessions := sesame.New[visit](sesame.WithHeader("X-Session"))
			refused := connect.NewError(connect.CodePermissionDenied, errors.New("no"))
			refused.Meta().Set("X-Own", "1")
			url := serve(t, connect.NewUnaryHandler(procedure, func(ctx context.Context, _ *connect.Request[text]) (*connect.Response[text], error) {
				v := sessions.Get(ctx)
				if v.Times++; v.Times > 2 {
					sessions.Destroy(ctx)
				}
				return nil, fmt.Errorf("wrapped: %w", refused)
			}, connect.WithInterceptors(sesameconnect.Sessions(sessions))))
			client := connect.NewClient[text, text](h2c(), url+procedure, options...)
			token := ""
			for i := range 3 {
				req := connect.NewRequest(wrapperspb.String(""))
				req.Header().Set("X-Session", token)
				_, err := client.CallUnary(t.Context(), req)
				var e *connect.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, connect.CodePermissionDenied, e.Code())
				require.Equal(t, "1", e.Meta().Get("X-Own"))
				given, said := e.Meta()["X-Session"]
				require.Equal(t, i != 1, said, "call %d", i)
				if said {
					token = given[0]
					require.Equal(t, i == 2, token == "", "the third call ends the session")
				}
			}
			require.Empty(t, refused.Meta()["X-Session"], "a token in a shared error reaches other clients")
		})
	}
}

// TestFailure tells a client no more than the code.
func TestFailure(t *testing.T) {
	sessions := sesame.New[visit](sesame.WithHeader("X-Session"), sesame.WithImport(func(r *http.Request) (sesame.Import[visit], bool) {
		if r.URL.Path != procedure || r.Header.Get("X-Old") != "1" {
			t.Errorf("the request is %+v", r)
		}
		return sesame.Import[visit]{Err: errors.New("down at 10.0.0.7")}, false
	}))
	var seen error
	outer := connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, req connect.AnyRequest) (resp connect.AnyResponse, err error) {
			resp, err = next(ctx, req)
			seen = err
			return resp, err
		}
	})
	url := serve(t, connect.NewUnaryHandler(procedure, func(ctx context.Context, _ *connect.Request[text]) (*connect.Response[text], error) {
		sessions.Get(ctx)
		return connect.NewResponse(wrapperspb.String("")), nil
	}, connect.WithInterceptors(outer, sesameconnect.Sessions(sessions))))
	req := connect.NewRequest(wrapperspb.String(""))
	req.Header().Set("X-Old", "1")
	_, err := connect.NewClient[text, text](h2c(), url+procedure).CallUnary(t.Context(), req)
	require.EqualError(t, err, "unavailable: the session is not available")
	require.ErrorIs(t, seen, sesame.ErrStore)
}

// TestClient has a client use the interceptor, which does nothing there.
func TestClient(t *testing.T) {
	sessions := sesame.New[visit]()
	url := serve(t, connect.NewUnaryHandler(procedure, func(_ context.Context, req *connect.Request[text]) (*connect.Response[text], error) {
		return connect.NewResponse(req.Msg), nil
	}))
	resp, err := connect.NewClient[text, text](h2c(), url+procedure, connect.WithInterceptors(sesameconnect.Sessions(sessions))).
		CallUnary(t.Context(), connect.NewRequest(wrapperspb.String("x")))
	require.NoError(t, err)
	require.Equal(t, "x", resp.Msg.GetValue())
}

func TestNil(t *testing.T) {
	require.PanicsWithValue(t, "sesameconnect: Sessions(nil): give it the manager, sesame.New[T]()", func() { sesameconnect.Sessions(nil) })
}

func TestDeviceBinding(t *testing.T) {
	require.PanicsWithValue(t, "sesameconnect: WithDeviceBinding needs the manager's Handler, which answers the browser: leave it out, or serve these users by net/http",
		func() { sesameconnect.Sessions(sesame.New[visit](sesame.WithDeviceBinding())) })
}
