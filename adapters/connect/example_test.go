package sesameconnect_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/sesame-go/sesame"
	sesameconnect "github.com/sesame-go/sesame/adapters/connect"
)

type Session struct {
	Times int64 `sesame:"sum"`
}

// A procedure that counts its calls by one client.
func Example() {
	sessions := sesame.New[Session](sesame.WithHeader("X-Session"))

	handler := connect.NewUnaryHandler("/shop.v1.Shop/Visit",
		func(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.Int64Value], error) {
			s := sessions.Get(ctx)
			s.Times++
			return connect.NewResponse(wrapperspb.Int64(s.Times)), nil
		},
		connect.WithInterceptors(sesameconnect.Sessions(sessions)))

	server := httptest.NewServer(handler)
	defer server.Close()
	client := connect.NewClient[emptypb.Empty, wrapperspb.Int64Value](http.DefaultClient, server.URL+"/shop.v1.Shop/Visit")
	request := connect.NewRequest(&emptypb.Empty{})
	for range 2 { // as an app that keeps its token
		response, err := client.CallUnary(context.Background(), request)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(response.Msg.GetValue())
		if token := response.Header().Get("X-Session"); token != "" {
			request = connect.NewRequest(&emptypb.Empty{})
			request.Header().Set("X-Session", token)
		}
	}
	// Output:
	// 1
	// 2
}
