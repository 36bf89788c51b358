package sesameconnect_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/sesame-go/sesame"
	sesameconnect "github.com/sesame-go/sesame/adapters/connect"
)

// post calls the procedure as a browser does, without a message.
func post(t *testing.T, url, contentType, token string) http.Header {
	var message []byte
	if contentType != "application/proto" {
		message = make([]byte, 5)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+procedure, bytes.NewReader(message))
	require.NoError(t, err)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Session", token)
	return send(t, r)
}

func send(t *testing.T, r *http.Request) http.Header {
	resp, err := h2c().Transport.RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.Header
}

// TestCookieOfError gives a browser its cookie with an error, in the header: it
// takes none from a trailer.
func TestCookieOfError(t *testing.T) {
	for _, contentType := range []string{"application/proto", "application/grpc+proto", "application/grpc-web+proto"} {
		t.Run(contentType, func(t *testing.T) {
			sessions := sesame.New[visit](sesame.WithInsecureCookie())
			url := serve(t, connect.NewUnaryHandler(procedure, func(ctx context.Context, _ *connect.Request[text]) (*connect.Response[text], error) {
				sessions.Get(ctx).Times++
				return nil, connect.NewError(connect.CodePermissionDenied, errors.New("no"))
			}, connect.WithInterceptors(sesameconnect.Sessions(sessions))))
			header := post(t, url, contentType, "")
			require.Len(t, header.Values("Set-Cookie"), 1)
			require.Equal(t, []string{"no-store"}, header.Values("Cache-Control"))
		})
	}
}

// TestCacheControl has procedures allow what a new token forbids, wherever connect
// takes a response's header from.
func TestCacheControl(t *testing.T) {
	cacheable := http.Header{"Cache-Control": {"public, max-age=60"}, "Cdn-Cache-Control": {"public"}, "Vary": {"Accept-Language"}}
	for name, do := range map[string]func(context.Context) (*connect.Response[text], error){
		"response": func(context.Context) (*connect.Response[text], error) {
			resp := connect.NewResponse(wrapperspb.String(""))
			for field, values := range cacheable {
				resp.Header()[field] = values
			}
			return resp, nil
		},
		"call": func(ctx context.Context) (*connect.Response[text], error) {
			call, _ := connect.CallInfoForHandlerContext(ctx)
			for field, values := range cacheable {
				call.ResponseHeader()[field] = values
			}
			return connect.NewResponse(wrapperspb.String("")), nil
		},
		"error": func(context.Context) (*connect.Response[text], error) {
			err := connect.NewError(connect.CodeNotFound, errors.New("no"))
			for field, values := range cacheable {
				err.Meta()[field] = values
			}
			return nil, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			sessions := sesame.New[visit](sesame.WithHeader("X-Session"))
			url := serve(t, connect.NewUnaryHandler(procedure, func(ctx context.Context, _ *connect.Request[text]) (*connect.Response[text], error) {
				sessions.Get(ctx).Times++
				return do(ctx)
			}, connect.WithInterceptors(sesameconnect.Sessions(sessions))))
			first := post(t, url, "application/proto", "")
			require.NotEmpty(t, first.Get("X-Session"))
			require.Equal(t, []string{"no-store"}, first.Values("Cache-Control"))
			require.Empty(t, first.Values("Cdn-Cache-Control"))
			require.ElementsMatch(t, []string{"Accept-Language", "X-Session"}, first.Values("Vary"))
			second := post(t, url, "application/proto", first.Get("X-Session"))
			require.Equal(t, []string{"public, max-age=60"}, second.Values("Cache-Control"), "there is no token in it")
		})
	}
}

// TestHeaderOfFailure takes back what a procedure has put into the header, when its
// session cannot be saved.
func TestHeaderOfFailure(t *testing.T) {
	sessions := sesame.New[visit](sesame.WithHeader("X-Session"))
	url := serve(t, connect.NewUnaryHandler(procedure, func(ctx context.Context, _ *connect.Request[text]) (*connect.Response[text], error) {
		sessions.Get(ctx).Times++
		if sessions.Info(ctx).New {
			return connect.NewResponse(wrapperspb.String("")), nil
		}
		call, _ := connect.CallInfoForHandlerContext(ctx)
		call.ResponseHeader().Set("X-Own", "1")
		sessions.Renew(ctx)
		return connect.NewResponse(wrapperspb.String("")), sessions.Revoke(ctx, sessions.Info(ctx).ID)
	}, connect.WithInterceptors(sesameconnect.Sessions(sessions))))
	token := post(t, url, "application/proto", "").Get("X-Session")
	require.NotEmpty(t, token)
	require.Empty(t, post(t, url, "application/proto", token).Get("X-Own"))
}

// TestSharedResponse returns one response to all clients: none gets the token of
// another.
func TestSharedResponse(t *testing.T) {
	sessions := sesame.New[visit](sesame.WithHeader("X-Session"))
	shared := connect.NewResponse(wrapperspb.String(""))
	url := serve(t, connect.NewUnaryHandler(procedure, func(ctx context.Context, _ *connect.Request[text]) (*connect.Response[text], error) {
		sessions.Get(ctx).Times++
		return shared, nil
	}, connect.WithInterceptors(sesameconnect.Sessions(sessions))))
	ann := post(t, url, "application/proto", "").Get("X-Session")
	require.NotEmpty(t, ann)
	require.Empty(t, post(t, url, "application/proto", ann).Values("X-Session"))
	require.Len(t, post(t, url, "application/proto", "").Values("X-Session"), 1)
	require.Empty(t, shared.Header())
}

// TestNotModified saves what a procedure changed that answers 304: for connect
// that is an error with the code unknown.
func TestNotModified(t *testing.T) {
	sessions := sesame.New[visit](sesame.WithHeader("X-Session"))
	url := serve(t, connect.NewUnaryHandler(procedure, func(ctx context.Context, _ *connect.Request[text]) (*connect.Response[text], error) {
		sessions.Get(ctx).Times++
		return nil, connect.NewNotModifiedError(http.Header{"Etag": {`"1"`}})
	}, connect.WithInterceptors(sesameconnect.Sessions(sessions)), connect.WithIdempotency(connect.IdempotencyNoSideEffects)))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+procedure+"?connect=v1&encoding=proto&message=", nil)
	require.NoError(t, err)
	header := send(t, r)
	require.Equal(t, `"1"`, header.Get("Etag"))
	require.NotEmpty(t, header.Get("X-Session"))
}

// TestNoWarning serves HTTPS, of which connect tells interceptors nothing.
func TestNoWarning(t *testing.T) {
	var logged bytes.Buffer
	sessions := sesame.New[visit](sesame.WithLogger(slog.New(slog.NewTextHandler(&logged, nil))))
	server := httptest.NewTLSServer(connect.NewUnaryHandler(procedure, func(ctx context.Context, _ *connect.Request[text]) (*connect.Response[text], error) {
		sessions.Get(ctx).Times++
		return connect.NewResponse(wrapperspb.String("")), nil
	}, connect.WithInterceptors(sesameconnect.Sessions(sessions))))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+procedure, nil)
	require.NoError(t, err)
	r.Host = "shop.example.com"
	r.Header.Set("Content-Type", "application/proto")
	resp, err := server.Client().Transport.RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Len(t, resp.Cookies(), 1)
	require.Empty(t, logged.String())
}

// TestRecover has connect's own recovery on either side of a bidirectional stream
// that panics before or after its first message.
func TestRecover(t *testing.T) {
	for _, outside := range []bool{true, false} {
		sessions := sesame.New[visit](sesame.WithHeader("X-Session"))
		options := []connect.HandlerOption{connect.WithInterceptors(sesameconnect.Sessions(sessions)), recovers}
		if outside {
			options[0], options[1] = options[1], options[0]
		}
		url := serve(t, connect.NewBidiStreamHandler(procedure, func(ctx context.Context, s *connect.BidiStream[number, number]) error {
			sent, err := s.Receive() // the session is read after the first message
			if err != nil {
				return err
			}
			v := sessions.Get(ctx)
			v.Times++
			if sent.GetValue() == 1 {
				panic("before")
			}
			if err := s.Send(wrapperspb.Int64(v.Times)); err != nil {
				return err
			}
			if sent.GetValue() == 2 {
				v.Times += 100
				panic("after")
			}
			return nil
		}, options...))
		client := connect.NewClient[number, number](h2c(), url+procedure)
		token := ""
		call := func(n int64) (got int64, err error) {
			stream := client.CallBidiStream(t.Context())
			stream.RequestHeader().Set("X-Session", token)
			require.NoError(t, stream.Send(wrapperspb.Int64(n)))
			require.NoError(t, stream.CloseRequest())
			received, err := stream.Receive()
			if err == nil {
				got = received.GetValue()
				_, err = stream.Receive()
			}
			if given := stream.ResponseHeader().Get("X-Session"); given != "" {
				token = given
			}
			require.NoError(t, stream.CloseResponse())
			return got, err
		}
		_, err := call(1)
		require.Equal(t, connect.CodeInternal, connect.CodeOf(err))
		require.Empty(t, token)
		got, err := call(2)
		require.Equal(t, connect.CodeInternal, connect.CodeOf(err))
		require.EqualValues(t, 1, got)
		require.NotEmpty(t, token)
		got, _ = call(3)
		require.EqualValues(t, 2, got, "what was changed before the message is saved, what was changed before the panic is not")
	}
}
