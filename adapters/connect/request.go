package sesameconnect

import (
	"crypto/tls"
	"net/http"
	"net/url"

	"connectrpc.com/connect"
)

// request is what the session sees of a call.
type request struct {
	method    string
	procedure string
	header    http.Header
	peer      connect.Peer
}

// Header implements [adapter.Request].
func (r request) Header(field string) []string { return r.header[field] }

// HTTP implements [adapter.Request].
func (r request) HTTP() *http.Request {
	return &http.Request{
		Method:     r.method,
		URL:        &url.URL{Path: r.procedure, RawQuery: r.peer.Query.Encode()},
		Host:       r.header.Get("Host"),
		Header:     r.header.Clone(),
		Body:       http.NoBody,
		TLS:        new(tls.ConnectionState), // connect does not tell; a warning of plain HTTP could be wrong
		RequestURI: r.procedure,
		RemoteAddr: r.peer.Addr,
	}
}
