package sesamefiber

import (
	"crypto/tls"
	"net/http"
	"net/url"

	"github.com/gofiber/fiber/v3"
)

// request is what the session sees of a request. All of it is copied, since
// fasthttp uses a request's memory again for the next one.
type request struct{ ctx fiber.Ctx }

// Header implements [adapter.Request].
func (r request) Header(field string) []string {
	lines := r.ctx.Request().Header.PeekAll(field)
	if len(lines) == 0 {
		return nil
	}
	copied := make([]string, len(lines))
	for i, line := range lines {
		copied[i] = string(line)
	}
	return copied
}

// HTTP implements [adapter.Request].
func (r request) HTTP() *http.Request {
	from := r.ctx.Request()
	h := &http.Request{
		Method: string(from.Header.Method()),
		Host:   string(from.Host()),
		Proto:  string(from.Header.Protocol()),
		Header: make(http.Header),
		Body:   http.NoBody,

		RequestURI: string(from.RequestURI()),
		RemoteAddr: r.ctx.RequestCtx().RemoteAddr().String(),
	}
	h.ProtoMajor, h.ProtoMinor, _ = http.ParseHTTPVersion(h.Proto)
	var err error
	if h.URL, err = url.ParseRequestURI(h.RequestURI); err != nil {
		h.URL = new(url.URL)
	}
	for name, value := range from.Header.All() {
		h.Header.Add(string(name), string(value))
	}
	h.Header.Del("Host")
	if r.ctx.RequestCtx().IsTLS() {
		h.TLS = new(tls.ConnectionState)
		if state := r.ctx.RequestCtx().TLSConnectionState(); state != nil {
			*h.TLS = *state
		}
	}
	return h
}
