package lifecycle

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/sesame-go/sesame/internal/cookie"
	"github.com/sesame-go/sesame/internal/dbsc"
)

// Offer writes the offer of a registration, beside that of another manager.
func (d *Device) Offer(h http.Header, challenge string) {
	line := dbsc.Offering(d.Algorithms, d.Register, challenge)
	if !slices.Contains(h[dbsc.HeaderRegistration], line) {
		h.Add(dbsc.HeaderRegistration, line)
	}
}

// TakeProof has the browser drop the proof, along with its session's token.
func (s *Session) TakeProof(h http.Header) {
	d := s.engine.Device
	if d == nil {
		return
	}
	for range cookie.Values(s.lines, d.ProofCookie.Name()) {
		for _, line := range d.ProofCookie.Delete() {
			if !slices.Contains(h["Set-Cookie"], line) {
				h.Add("Set-Cookie", line)
			}
		}
		return
	}
}

// devicePath is the key under which a context has the engine that answers the
// browser at a path.
type devicePath string

// SamePath reports whether another engine around this one answers the browser at
// the same path: this one would never see a registration.
func (e *Engine) SamePath(ctx context.Context) bool {
	return e.Device != nil && ctx.Value(e.devicePath) != nil
}

// mayProveFirst reports whether a browser that comes without its proof could
// not get it before, and will get it when it loads the page once more. Browsers
// refresh nothing for a link on another origin, be it of the same site. The page
// that asks is of this origin, so a browser is asked once.
func mayProveFirst(r *http.Request) bool {
	h := r.Header
	from := h.Get("Sec-Fetch-Site")
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		(from == "cross-site" || from == "same-site") && h.Get("Sec-Fetch-Mode") == "navigate" &&
		h.Get(dbsc.HeaderSkipped) == "" && strings.Contains(h.Get("Accept"), "text/html")
}
