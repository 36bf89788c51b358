package bench

import (
	"context"
	"net/http"
	"strings"
)

// handlers has a handler for each op.
type handlers func(Op) http.Handler

var ok = []byte("ok")

// httpSite is a library for net/http.
type httpSite struct {
	handlers handlers
	close    func() error
}

func (s httpSite) Client(op Op) Client { return newHTTPClient(s.handlers(op)) }

func (s httpSite) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close()
}

// httpClient calls a handler as a server would, without a network: a request
// of its own for each call, since some libraries keep the session in it, and a
// response writer that only takes.
type httpClient struct {
	handler  http.Handler
	template *http.Request
	request  http.Request
	cookie   [1]string
	header   http.Header
	status   int
	body     []byte
}

func newHTTPClient(h http.Handler) *httpClient {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://localhost/", nil)
	if err != nil {
		panic(err)
	}
	r.RequestURI = "/"
	return &httpClient{handler: h, template: r, header: make(http.Header)}
}

func (c *httpClient) Do(cookie string) {
	clear(c.header)
	c.status, c.body = http.StatusOK, c.body[:0]
	c.request = *c.template
	if cookie == "" {
		delete(c.request.Header, "Cookie")
	} else {
		c.cookie[0] = cookie
		c.request.Header["Cookie"] = c.cookie[:]
	}
	c.handler.ServeHTTP(c, &c.request)
}

// Cookie returns the last cookie that was set: that is the one a browser keeps.
func (c *httpClient) Cookie() string {
	set := c.header["Set-Cookie"]
	if len(set) == 0 {
		return ""
	}
	pair, _, _ := strings.Cut(set[len(set)-1], ";")
	return pair
}

func (c *httpClient) Status() int  { return c.status }
func (c *httpClient) Body() []byte { return c.body }

// The methods of http.ResponseWriter.

func (c *httpClient) Header() http.Header    { return c.header }
func (c *httpClient) WriteHeader(status int) { c.status = status }

func (c *httpClient) Write(p []byte) (int, error) {
	c.body = append(c.body, p...)
	return len(p), nil
}

// openBare answers without a session.
func openBare(Session, Place) (Site, error) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(ok) })
	return httpSite{handlers: func(Op) http.Handler { return h }}, nil
}
