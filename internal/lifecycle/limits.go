package lifecycle

import (
	"time"

	"github.com/sesame-go/sesame/internal/envelope"
)

// expiry is when a session used at now ends by disuse. It may be later than
// the header's Deadline, so that the last use can be told from it.
func expiry(h *envelope.Header, now time.Time) time.Time {
	if h.Idle > 0 {
		return now.Add(h.Idle)
	}
	return h.Deadline
}

// begin sets the limits of a session that starts its lifetime at now, for the
// first time or by a renewal.
func (e *Engine) begin(h *envelope.Header, now time.Time) {
	switch {
	case !h.Remembered:
		h.Idle, h.Deadline = e.Idle, now.Add(e.Lifetime)
	case !h.Deadline.IsZero():
		h.Deadline = now.Add(h.Deadline.Sub(h.Renewed))
	}
	h.Renewed = now
}

// apply sets the limits that Remember asked for. A session that becomes an ordinary
// one again does not live longer by that.
func (r remember) apply(h *envelope.Header, e *Engine, now time.Time) {
	if h.Remembered = r.idle > 0 || r.lifetime > 0; h.Remembered {
		h.Idle, h.Deadline = r.idle, time.Time{}
		if r.lifetime > 0 {
			h.Deadline = now.Add(r.lifetime)
		}
		return
	}
	h.Idle = e.Idle
	if end := now.Add(e.Lifetime); h.Deadline.IsZero() || end.Before(h.Deadline) {
		h.Deadline = end
	}
}
