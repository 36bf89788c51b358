package frameworks_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
)

// gorilla/websocket takes over the connection and writes the header itself: it sends a
// cookie only if the handler passes the response header to it.
func TestGorillaWebsocket(t *testing.T) {
	for name, test := range map[string]struct {
		header func(w http.ResponseWriter) http.Header
		sets   bool
	}{
		"without the header": {func(http.ResponseWriter) http.Header { return nil }, false},
		"with the header":    {http.ResponseWriter.Header, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite()
			var upgrader websocket.Upgrader
			server := quietServer(s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				session := s.m.Get(r.Context())
				session.N++
				c, err := upgrader.Upgrade(w, r, test.header(w))
				if err != nil {
					return
				}
				defer c.Close()
				_ = c.WriteMessage(websocket.TextMessage, []byte(fmt.Sprint(session.N)))
			})))
			defer server.Close()
			c, res, err := websocket.DefaultDialer.Dial(strings.Replace(server.URL, "http", "ws", 1), nil)
			require.NoError(t, err)
			defer c.Close()
			_, message, err := c.ReadMessage()
			require.NoError(t, err)
			require.Equal(t, "1", string(message))
			require.Equal(t, test.sets, len(res.Cookies()) == 1)
			require.Equal(t, []int{1}, s.stored(t), "it is stored in either case")

			op := "save"
			s.store.down.Store(&op)
			_, res, err = websocket.DefaultDialer.Dial(strings.Replace(server.URL, "http", "ws", 1), nil)
			require.Error(t, err)
			require.Equal(t, 503, res.StatusCode)
		})
	}
}

// coder/websocket lets net/http write the header, which includes the cookie.
func TestCoderWebsocket(t *testing.T) {
	s := newSite()
	server := quietServer(s.m.Handler(s.pages()["/ws"]))
	defer server.Close()
	c, res, err := coder.Dial(t.Context(), server.URL, nil)
	require.NoError(t, err)
	defer c.CloseNow()
	require.Len(t, res.Cookies(), 1)
}
