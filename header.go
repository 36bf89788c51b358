package sesame

import (
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sesame-go/sesame/internal/cookie"
	"github.com/sesame-go/sesame/internal/lifecycle"
)

// setHeader tells the client what a commit has noted, and caches that they must
// not serve the response to others.
func (x *exchange) setHeader(read bool, c lifecycle.Cookie) {
	h := x.w.Header()
	if read {
		x.addVary(h)
	}
	switch c.Action {
	case lifecycle.SetCookie:
		x.setCookie(h, x.manager.cookie.Set(c.Token, c.Life))
		x.warnPlain()
	case lifecycle.DeleteCookie:
		x.setCookie(h, x.manager.cookie.Delete()...)
	default:
		return
	}
	// Not private, not no-cache="Set-Cookie": caches have got both wrong. The
	// others come before Cache-Control where they are known (RFC 9213).
	h.Set("Cache-Control", "no-store")
	maps.DeleteFunc(h, func(name string, _ []string) bool { return forSomeCaches(name) })
}

// forSomeCaches reports whether a header field is Cache-Control for some caches.
func forSomeCaches(name string) bool {
	return name == "Surrogate-Control" || name == "X-Accel-Expires" || strings.HasSuffix(name, "-Cache-Control")
}

// settles reports whether setHeader decides about a header field.
func settles(name string) bool {
	return name == "Set-Cookie" || name == "Cache-Control" || name == "Vary" || forSomeCaches(name)
}

// setCookie replaces what an earlier commit has said.
func (x *exchange) setCookie(h http.Header, lines ...string) {
	if x.over {
		prefix := x.manager.cookie.Name() + "="
		h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool { return strings.HasPrefix(line, prefix) })
	}
	for _, line := range lines {
		h.Add("Set-Cookie", line)
	}
}

// cacheable reports whether a cache may store the response and serve it to
// others, unless it varies by cookie.
func (x *exchange) cacheable(h http.Header) bool {
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead || x.status >= 300 {
		return false
	}
	return !listed(h["Cache-Control"], "no-store", "private", "no-cache") && !listed(h["Vary"], "Cookie", "*")
}

// listed reports whether one of the names is in a comma-separated list.
func listed(values []string, names ...string) bool {
	for _, v := range values {
		for field := range strings.SplitSeq(v, ",") {
			field = strings.TrimSpace(field)
			for _, name := range names {
				if strings.EqualFold(field, name) {
					return true
				}
			}
		}
	}
	return false
}

func (x *exchange) addVary(h http.Header) {
	values := h["Vary"]
	switch {
	case len(values) == 0:
		x.vary[0] = "Cookie"
		h["Vary"] = x.vary[:]
	case !listed(values, "Cookie", "*"):
		h.Add("Vary", "Cookie")
	}
}

// warnPlain tells once of a cookie that browsers are going to drop. Whether the
// cookie is Secure never depends on the request; only this warning does.
func (x *exchange) warnPlain() {
	m := x.manager
	if !m.cookie.Secure() || m.warned.Load() || cookie.ReachesSecure(x.r) || !m.warned.CompareAndSwap(false, true) {
		return
	}
	m.engine.Log(x, slog.LevelWarn, "sesame: a Secure session cookie was set over plain HTTP, where browsers drop it; serve HTTPS, or use WithInsecureCookie if this site has none (if a proxy speaks HTTPS for it, let that set X-Forwarded-Proto)", "host", x.r.Host)
}
