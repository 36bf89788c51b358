package sesametest

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Client is an HTTP client that keeps cookies and follows redirects, as a browser
// does. Its methods fail the test if a request gets no response. A Client is safe
// for concurrent use. Make one with [NewClient].
type Client struct {
	// HTTP makes the requests. Set its CheckRedirect to see redirects instead of
	// following them.
	HTTP *http.Client

	t      testing.TB
	server *httptest.Server
}

const site = "https://example.com"

// NewClient serves h over HTTPS until the test ends, and returns a client of that
// server without cookies. The client reaches the server as https://example.com and
// as every subdomain of example.com.
func NewClient(t testing.TB, h http.Handler) *Client {
	t.Helper()
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	return newClient(t, server)
}

// Another returns a second client of the same server, without cookies, which
// stands for another user or another device.
func (c *Client) Another() *Client {
	c.t.Helper()
	return newClient(c.t, c.server)
}

func newClient(t testing.TB, server *httptest.Server) *Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Client{&http.Client{Transport: server.Client().Transport, Jar: jar}, t, server}
}

// Get requests a path such as "/cart?page=2". It returns the response, whose body
// has been read and closed, and the body.
func (c *Client) Get(path string) (*http.Response, string) {
	c.t.Helper()
	return c.Do(c.request(http.MethodGet, path, nil))
}

// Post posts a form to a path, and returns the response and the body as Get does.
func (c *Client) Post(path string, form url.Values) (*http.Response, string) {
	c.t.Helper()
	r := c.request(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.Do(r)
}

// Do sends r with the client's cookies, and returns the response and the body as
// Get does. The URL of r must begin with https://example.com.
func (c *Client) Do(r *http.Request) (*http.Response, string) {
	c.t.Helper()
	resp, err := c.HTTP.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp, string(body)
}

// Cookies returns the cookies that the client would send to a path. They have only
// names and values.
func (c *Client) Cookies(path string) []*http.Cookie {
	c.t.Helper()
	return c.HTTP.Jar.Cookies(c.request(http.MethodGet, path, nil).URL)
}

func (c *Client) request(method, path string, body io.Reader) *http.Request {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, site+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}
