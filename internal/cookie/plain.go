package cookie

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// ReachesSecure reports whether a browser keeps a Secure cookie that the
// response to r sets: over HTTPS, also that of a proxy which says so, and on the
// machine's own host. The answer is good for a warning only, since a client can
// write these headers.
func ReachesSecure(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") || loopback(r.Host)
}

func loopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
