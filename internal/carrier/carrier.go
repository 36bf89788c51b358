// Package carrier is how a token travels between client and server: in a
// cookie, or in a header field of its own.
package carrier

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sesame-go/sesame/internal/cookie"
)

// Carrier carries the tokens of one manager.
type Carrier struct {
	cookie cookie.Template // without a field
	field  string
	scheme string // in front of the token, "" for none
}

// InCookie carries tokens in cookies made from the template.
func InCookie(t cookie.Template) Carrier { return Carrier{cookie: t} }

// Field returns the header field of a request that has the token.
func (c *Carrier) Field() string {
	if c.field == "" {
		return "Cookie"
	}
	return c.field
}

// Name says which cookie or field has the token: two managers in one request
// must not share it.
func (c *Carrier) Name() string {
	if c.field == "" {
		return "the cookie " + c.cookie.Name()
	}
	return "the header " + c.field
}

// Option is what gives the carrier another name.
func (c *Carrier) Option() string {
	if c.field == "" {
		return "sesame.WithCookie(http.Cookie{Name: ...})"
	}
	return "sesame.WithHeader(...)"
}

// Cookie returns the cookie's template, false if a header field has the token.
func (c *Carrier) Cookie() (*cookie.Template, bool) { return &c.cookie, c.field == "" }

// Ages reports whether the client is told how long to keep its token.
func (c *Carrier) Ages() bool { return c.field == "" }

// Read finds the tokens in the lines of a request's [Carrier.Field].
func (c *Carrier) Read(lines []string) cookie.Tokens {
	if c.field == "" {
		return cookie.Read(lines, c.cookie.Name())
	}
	return c.readField(lines)
}

// Give puts the token into a response's header. The cookie lives for life, or
// until the browser closes if that is 0. It replaces what an earlier call said.
func (c *Carrier) Give(h http.Header, token string, life time.Duration) {
	if c.field != "" {
		h[c.field] = []string{c.scheme + token}
		return
	}
	c.addCookies(h, c.cookie.Set(token, life))
}

// Take makes the client forget its token, as Give does.
func (c *Carrier) Take(h http.Header) {
	if c.field != "" {
		h[c.field] = []string{""}
		return
	}
	c.addCookies(h, c.cookie.Delete()...)
}

func (c *Carrier) addCookies(h http.Header, lines ...string) {
	prefix := c.cookie.Name() + "="
	if said := h["Set-Cookie"]; len(said) > 0 {
		said = slices.DeleteFunc(slices.Clone(said), func(line string) bool { return strings.HasPrefix(line, prefix) })
		h["Set-Cookie"] = append(said, lines...)
		return
	}
	h["Set-Cookie"] = lines
}
