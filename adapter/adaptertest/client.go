package adaptertest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// client is a browser or an app: it keeps the tokens that it is given, and
// follows no redirect by itself.
type client struct {
	*site
	url    string
	tokens map[string]string // by the name of the cookie or field
	first  string            // the line in front of the one with the token
	old    string            // another library's token
	sent   *http.Request     // the latest
}

// answer is a response as a client sees it.
type answer struct {
	*http.Response
	body  string
	given []string // the names of cookies and fields that brought a token
	taken []string // and of those that were deleted
}

func (a *answer) String() string {
	if a == nil {
		return "a cut connection"
	}
	return fmt.Sprintf("%d %q", a.StatusCode, a.body)
}

const plainField = "X-Session"

// get asks for a path. The answer is nil if the connection was cut.
func (c *client) get(path string) *answer {
	c.Helper()
	return c.send(c.framework.Request(c.T, c.url, path))
}

// send sends a request with the client's tokens.
func (c *client) send(r *http.Request) *answer {
	c.Helper()
	c.sent = r
	for name, token := range c.tokens {
		line := token
		if !strings.HasPrefix(name, plainField) {
			name, line = "Cookie", name+"="+token
		}
		if c.first != "" {
			r.Header.Add(name, c.first)
		}
		r.Header.Add(name, line)
	}
	if c.old != "" {
		r.Header.Set("X-Old", c.old)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil
	}
	a := &answer{Response: resp, body: string(body)}
	for _, set := range resp.Cookies() {
		c.keep(a, set.Name, set.Value)
	}
	for name, values := range resp.Header {
		if strings.HasPrefix(name, plainField) {
			c.keep(a, name, values[0])
		}
	}
	return a
}

func (c *client) keep(a *answer, name, token string) {
	if token == "" {
		delete(c.tokens, name)
		a.taken = append(a.taken, name)
		return
	}
	c.tokens[name] = token
	a.given = append(a.given, name)
}

// fetch is get for a request that must be answered with 200 and the given body.
func (c *client) fetch(path, body string) *answer {
	c.Helper()
	a := c.get(path)
	switch {
	case a == nil:
		c.Fatalf("%s: the connection was cut", path)
	case a.StatusCode != http.StatusOK && a.StatusCode != http.StatusSeeOther:
		c.Fatalf("%s: the status is %d, want 200 (body: %q)", path, a.StatusCode, a.body)
	case !strings.Contains(a.body, body):
		c.Errorf("%s: the body is %q, want %q", path, a.body, body)
	}
	return a
}

// copied returns a client with the tokens that c has now.
func (c *client) copied() *client {
	other := *c
	other.tokens = map[string]string{}
	for name, token := range c.tokens {
		other.tokens[name] = token
	}
	return &other
}

// same demands that the response says nothing of a token.
func (a *answer) same(c *client, why string) {
	c.Helper()
	if len(a.given)+len(a.taken) > 0 {
		c.Errorf("the response sets or deletes %v: %s", slices.Concat(a.given, a.taken), why)
	}
}

// gives demands a new token in a response that no cache may keep.
func (a *answer) gives(c *client) {
	c.Helper()
	if len(a.given) != 1 {
		c.Errorf("the response gives %d tokens, want 1: a session that is new or renewed is lost to its client without", len(a.given))
	}
	a.private(c)
}

// takes demands that the client forgets its token.
func (a *answer) takes(c *client) {
	c.Helper()
	if len(a.taken) != 1 {
		c.Errorf("the response deletes %d tokens, want 1", len(a.taken))
	}
	a.private(c)
}

func (a *answer) private(c *client) {
	c.Helper()
	if got := a.Header.Values("Cache-Control"); !slices.Equal(got, []string{"no-store"}) {
		c.Errorf("Cache-Control is %q, want no-store alone: a cache would serve one client's token to others", got)
	}
}

// varies demands that caches tell the session's clients apart.
func (a *answer) varies(c *client) {
	c.Helper()
	vary := strings.Join(a.Header.Values("Vary"), ",")
	for name := range strings.SplitSeq(vary, ",") {
		if name = strings.TrimSpace(name); name == "Cookie" || name == plainField {
			return
		}
	}
	c.Errorf("Vary is %q: a cache would serve one client's page to others", vary)
}

// failed demands an error with the given status and nothing of the handler's.
func (a *answer) failed(c *client, status int) {
	c.Helper()
	switch {
	case a == nil:
		c.Errorf("the connection was cut, want the status %d", status)
		return
	case a.StatusCode != status:
		c.Errorf("the status is %d, want %d", a.StatusCode, status)
	}
	if strings.Contains(a.body, handlers) {
		c.Errorf("the body is %q: an error must have nothing that the handler wrote", a.body)
	}
	for _, name := range []string{"Location", "X-Own"} {
		if value := a.Header.Get(name); value != "" {
			c.Errorf("an error must have no header field of the handler's, but %s is %q", name, value)
		}
	}
	a.same(c, "a request that failed earns no token")
}
