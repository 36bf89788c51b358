package carrier

import (
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	"github.com/sesame-go/sesame/internal/cookie"
)

// bearer is the scheme of RFC 6750, without which Authorization means nothing.
const bearer = "Bearer "

// InField carries tokens in a header field of their own, and in Authorization as
// bearer tokens. Its error says which fields cannot be used.
func InField(name string) (Carrier, error) {
	c := Carrier{field: textproto.CanonicalMIMEHeaderKey(name)}
	switch {
	case !isToken(name):
		return Carrier{}, fmt.Errorf("%q is not the name of a header field (RFC 9110, section 5.1)", name)
	case reserved(c.field):
		return Carrier{}, fmt.Errorf("the header field %s has another meaning: use one of your own, such as X-Session, or Authorization", c.field)
	case c.field == "Authorization":
		c.scheme = bearer
	}
	return c, nil
}

// reserved reports whether a field means something to clients, servers, caches,
// proxies or sesame itself.
func reserved(field string) bool {
	for _, family := range families {
		if strings.HasPrefix(field, family) {
			return true
		}
	}
	return slices.Contains(fields, field) || strings.HasSuffix(field, "-Cache-Control")
}

var fields = []string{
	"Accept", "Age", "Allow", "Alt-Svc", "Authentication-Info", "Clear-Site-Data", "Connection", "Cookie", "Cookie2", "Date", "Dnt", "Etag", "Expect", "Expires",
	"Forwarded", "From", "Host", "Http2-Settings", "Keep-Alive", "Last-Modified", "Link", "Location", "Max-Forwards", "Origin", "Pragma", "Range", "Referer",
	"Refresh", "Retry-After", "Server", "Set-Cookie", "Set-Cookie2", "Strict-Transport-Security", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
	"Vary", "Via", "Warning", "Www-Authenticate", "X-Real-Ip",
}

var families = []string{
	"Accept-", "Access-Control-", "Cache-Control", "Content-", "If-", "Proxy-", "Sec-", "Secure-Session-", "Surrogate-", "X-Accel-", "X-Forwarded-",
}

// isToken reports whether name is a token of RFC 9110, section 5.6.2.
func isToken(name string) bool {
	const special = "!#$%&'*+-.^_`|~"
	for _, c := range []byte(name) {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && strings.IndexByte(special, c) < 0 {
			return false
		}
	}
	return name != ""
}

// readField finds the tokens in the field's lines, which a proxy may have joined
// by commas. Credentials of another scheme are not sesame's.
func (c *Carrier) readField(lines []string) (t cookie.Tokens) {
	for _, line := range lines {
		for value := range strings.SplitSeq(line, ",") {
			value = strings.Trim(value, " \t")
			if n := len(c.scheme); n > 0 {
				if len(value) < n || !strings.EqualFold(value[:n], c.scheme) {
					continue
				}
				value = strings.TrimLeft(value[n:], " ")
			}
			if value != "" {
				t.Add(value)
			}
		}
	}
	return t
}
