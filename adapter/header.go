package adapter

import (
	"log/slog"
	"maps"
	"net/http"
	"strings"

	"github.com/sesame-go/sesame/internal/cookie"
	"github.com/sesame-go/sesame/internal/lifecycle"
)

// Begin tells that the response begins, and puts into its header what the client
// and caches must be told: the new token, or that it is gone, then with
// Cache-Control: no-store and without the fields that some caches obey in its
// place; and Vary if the session was read. It replaces what an earlier Begin has
// put there. The header of an error gets the token alone. From here on a new or renewed session is too late.
//
// Cacheable says whether a shared cache may keep the response although Vary has
// no session in it, see [Cacheable]: reading the session afterwards is then
// reported. It is false for a response that begins when its handler has returned.
func (x *Exchange) Begin(h http.Header, cacheable bool) {
	read, reply := x.session.Sent(cacheable)
	x.begun = true
	if read && !x.failed && x.Failure() == nil { // an error page says nothing of the session
		x.addVary(h)
	}
	carrier := &x.engine.Carrier
	switch reply.Action {
	case lifecycle.SetToken:
		carrier.Give(h, reply.Token, reply.Life)
		x.warnPlain()
	case lifecycle.DeleteToken:
		carrier.Take(h)
		x.session.TakeProof(h)
	default:
		if reply.Offer == "" {
			return
		}
	}
	if reply.Offer != "" {
		x.engine.Device.Offer(h, reply.Offer)
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

// Settles reports whether Begin decides about a header field, named in its
// canonical form.
func (x *Exchange) Settles(name string) bool {
	return name == "Set-Cookie" || name == "Cache-Control" || name == "Vary" || name == x.engine.Carrier.Field() || forSomeCaches(name)
}

func (x *Exchange) addVary(h http.Header) {
	field := x.engine.Carrier.Field()
	values := h["Vary"]
	switch {
	case len(values) == 0:
		x.vary[0] = field
		h["Vary"] = x.vary[:]
	case !listed(values, field, "*"):
		h.Add("Vary", field)
	}
}

// Cacheable reports whether a shared cache may keep a response and serve it to
// others, going by the request's method and the response's status and header.
func (x *Exchange) Cacheable(method string, status int, h http.Header) bool {
	if method != http.MethodGet && method != http.MethodHead || status >= 300 {
		return false
	}
	return !listed(h["Cache-Control"], "no-store", "private", "no-cache") && !listed(h["Vary"], x.engine.Carrier.Field(), "*")
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

// warnPlain tells once of a cookie that browsers are going to drop. Whether the
// cookie is Secure never depends on the request; only this warning does.
func (x *Exchange) warnPlain() {
	template, ok := x.engine.Carrier.Cookie()
	if !ok || !template.Secure() || x.engine.Warned.Load() {
		return
	}
	r := x.request.HTTP()
	if cookie.ReachesSecure(r) || !x.engine.Warned.CompareAndSwap(false, true) {
		return
	}
	x.engine.Log(x, slog.LevelWarn, "sesame: a Secure session cookie was set over plain HTTP, where browsers drop it; serve HTTPS, or use WithInsecureCookie if this site has none (if a proxy speaks HTTPS for it, let that set X-Forwarded-Proto)", "host", r.Host)
}
