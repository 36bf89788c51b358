package lifecycle

import (
	"time"

	"github.com/sesame-go/sesame/internal/envelope"
)

// expiry is when a session used at now ends if it is not used again.
func expiry(h envelope.Header, now time.Time) time.Time {
	if h.Idle > 0 && now.Add(h.Idle).Before(h.Deadline) {
		return now.Add(h.Idle)
	}
	return h.Deadline
}

// renewed returns the header of a session that starts its life anew: with the
// limits of today, or for as long as it is remembered.
func renewed(h envelope.Header, e *Engine, now time.Time) envelope.Header {
	h.Created = now
	if h.Remembered {
		h.Deadline = now.Add(h.Idle)
		return h
	}
	h.Idle = e.Idle
	h.Deadline = now.Add(e.Lifetime)
	return h
}

// remembered returns the header of a session that is to live d from now, used
// or not; or, if d is not positive, no longer than any other.
func remembered(h envelope.Header, e *Engine, now time.Time, d time.Duration) envelope.Header {
	if d > 0 {
		h.Remembered, h.Idle, h.Deadline = true, d, now.Add(d)
		return h
	}
	h.Remembered, h.Idle = false, e.Idle
	if end := now.Add(e.Lifetime); end.Before(h.Deadline) {
		h.Deadline = end
	}
	return h
}
