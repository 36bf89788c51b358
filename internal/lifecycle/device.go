package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/sesame-go/sesame/internal/cookie"
	"github.com/sesame-go/sesame/internal/dbsc"
	"github.com/sesame-go/sesame/internal/envelope"
)

// Device is what an engine needs to bind sessions to devices. A session is
// offered to its browser's device by a log-in, and bound when the browser has
// registered a key. From then on a token alone does not admit a request: it also
// needs the proof that the browser gets, and renews, by signing a challenge.
type Device struct {
	dbsc.Terms
	Algorithms        []string // of the signatures
	ProofCookie       cookie.Template
	Register, Refresh string // the paths at which the browser is answered
}

// Binding says whether a session is bound to a device.
type Binding int

// The states of a binding.
const (
	NotOffered Binding = iota
	Offered
	BoundToDevice
)

func bindingOf(h *envelope.Header) Binding {
	switch {
	case h.Bound:
		return BoundToDevice
	case len(h.Device) > 0:
		return Offered
	}
	return NotOffered
}

// ErrProveFirst says that a request was not looked at, because its browser can
// prove the device's key, and has had no occasion to.
var ErrProveFirst = errors.New("sesame: the browser has to prove its device's key first; Handler asks it to")

var errBound = errors.New("the session is bound to a device; this program has no WithDeviceBinding")

// proved completes what a right token has found by what the device's proof says.
// A thief has the token too: without the proof it may not end the session either.
func (e *Engine) proved(why *verdict, st *stored, cookies []string) *verdict {
	if why != nil && !why.named {
		return why
	}
	unproven := e.unproven(st, cookies)
	if unproven == nil || why == nil || why.kind == Superseded {
		return cmp.Or(unproven, why)
	}
	return &verdict{kind: why.kind, err: why.err}
}

// unproven returns why a token alone does not do for a session, nil if it does.
func (e *Engine) unproven(st *stored, cookies []string) *verdict {
	if !st.header.Bound {
		return nil
	}
	if e.Device == nil {
		return &verdict{kind: Newer, err: errBound}
	}
	b, err := dbsc.Parse(st.header.Device)
	if err != nil || b.Key == nil {
		return &verdict{kind: Corrupt, err: dbsc.ErrDamaged}
	}
	if _, ok := e.proof(b, st, cookies); !ok {
		return stale
	}
	return nil
}

// proof returns how old the youngest good proof among the cookies is.
func (e *Engine) proof(b dbsc.Binding, st *stored, cookies []string) (age time.Duration, ok bool) {
	now, tried := dbsc.Now(), 0
	for value := range cookie.Values(cookies, e.Device.ProofCookie.Name()) {
		if at, genuine := b.Read(dbsc.Proof, st.key, value); genuine && e.Device.Proven(now.Sub(at)) && (!ok || now.Sub(at) < age) {
			age, ok = now.Sub(at), true
		}
		if tried++; tried == cookie.MaxTokens {
			break
		}
	}
	if since := now.Sub(b.Since); !ok && e.Device.Begun(since) {
		return since, true
	}
	return age, ok
}

// Bind offers the session to the browser's device with the next save.
func (s *Session) Bind(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.use(ctx); err != nil {
		return err
	}
	switch bindingOf(&s.latest.header) {
	case NotOffered:
		s.bind = s.engine.Device != nil
	case Offered:
		s.bind = s.engine.Device != nil
		s.offerDevice(&s.latest)
		s.bind = false
	}
	return nil
}

// offers reports whether a save makes an offer, by a log-in or because Bind was
// called.
func (s *Session) offers(h *envelope.Header, owner string) bool {
	return s.engine.Device != nil && !h.Bound && (s.bind || s.renew && owner != "")
}

// prepareOffer gives a record that is about to be saved the secret that an offer
// needs.
func (s *Session) prepareOffer(h *envelope.Header, owner string) {
	if s.offers(h, owner) && len(h.Device) == 0 {
		h.Device = dbsc.Offer().Bytes()
	}
}

// offerDevice notes the offer that the response makes for a record that is
// stored.
func (s *Session) offerDevice(st *stored) {
	if !s.offers(&st.header, st.owner) {
		return
	}
	if b, err := dbsc.Parse(st.header.Device); err == nil {
		s.offer = b.Stamp(dbsc.Registration, st.key, dbsc.Now())
	}
}

// Proved reports whether the device has proved its key just now, or the session
// is not bound to one.
func (s *Session) Proved(ctx context.Context) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.read(ctx); err != nil || !s.latest.header.Bound {
		return true, err
	}
	b, err := dbsc.Parse(s.latest.header.Device)
	if err != nil {
		return false, nil
	}
	age, ok := s.engine.proof(b, &s.latest, s.lines)
	return ok && s.engine.Device.Fresh(age), nil
}
