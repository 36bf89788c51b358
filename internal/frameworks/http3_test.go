package frameworks_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
	"github.com/stretchr/testify/require"
)

func TestHTTP3(t *testing.T) {
	s := newSite()
	seen, flushed := make(chan error, 1), make(chan struct{})
	mux := http.NewServeMux()
	for path, f := range s.pages() {
		mux.HandleFunc(path, f)
	}
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, s.m.Get(r.Context()).N)
		seen <- http.NewResponseController(w).Flush()
		<-flushed
		fmt.Fprintln(w, "end")
	})
	mux.HandleFunc("/deadline", func(w http.ResponseWriter, _ *http.Request) {
		rc := http.NewResponseController(w)
		fmt.Fprint(w, rc.SetWriteDeadline(time.Now().Add(time.Hour)), rc.SetReadDeadline(time.Now().Add(time.Hour)))
	})

	certified := httptest.NewTLSServer(nil) // for its certificate
	defer certified.Close()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http3.Server{Handler: s.m.Handler(mux), TLSConfig: http3.ConfigureTLSConfig(&tls.Config{Certificates: certified.TLS.Certificates})}
	go func() { _ = server.Serve(conn) }()
	transport := &http3.Transport{TLSClientConfig: certified.Client().Transport.(*http.Transport).TLSClientConfig.Clone()}
	transport.TLSClientConfig.ServerName = "example.com"
	transport.TLSClientConfig.NextProtos = nil
	t.Cleanup(func() {
		_ = transport.Close()
		_ = server.Close()
		_ = conn.Close()
	})
	c := newClient(t, "https://"+conn.LocalAddr().String())
	c.http.Transport = transport

	c.get("/visit").is(200, "1")
	require.True(t, c.last.sets)
	c.get("/late").is(200, "page 2")
	c.get("/flush").is(200, "ab")
	c.do(http.MethodHead, "/visit").is(200, "")
	c.get("/error")
	require.Equal(t, 500, c.last.status)
	require.Equal(t, []int{4}, s.stored(t))
	for _, op := range []string{"load", "save"} {
		s.store.down.Store(&op)
		c.get("/visit").is(503, "Service Unavailable\n")
		s.store.down.Store(nil)
	}
	c.get("/deadline").is(200, "<nil> <nil>")

	res, err := c.http.Get(c.url + "/stream")
	require.NoError(t, err)
	defer res.Body.Close()
	require.NoError(t, <-seen)
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "4\n", line, "the client has it before the handler ends")
	close(flushed)
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
}
