package sesame

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sesame-go/sesame/internal/dbsc"
	"github.com/sesame-go/sesame/internal/lifecycle"
)

// WithDeviceBinding binds sessions to the device that the user logged in with,
// where the browser can do that (Device Bound Session Credentials, W3C; Chrome
// and Edge). A cookie that is stolen from such a browser is worth nothing after
// ten minutes. Other browsers notice nothing.
//
// [Manager.Renew] of a session with an owner, and [Manager.Bind], offer it: the
// browser makes a key pair whose private key does not leave the device, and
// registers the public one. From then on its requests need the session's cookie
// and a second one, which the browser renews every few minutes by a signature.
// It does so by itself, before the request that needs it. Handler answers these
// registrations and refreshes under one path. A refresh reads the session and
// writes nothing. [Info] says whether a session is bound.
//
// A request without the second cookie is stale: it is anonymous, what it writes
// is not stored, and an [EventStale] tells of it. If it logs in, it starts with
// the zero T under a fresh ID. If it logs out, its browser's cookies are deleted,
// and the session stays. A browser that arrives by a link from another site or
// host could not refresh its cookie before, so Handler answers such a GET or HEAD
// of a page by one that loads it once more.
//
// All programs on one store need the option: to a program without it a bound
// session is an [EventNewer]. Browsers bind sessions over HTTPS only. docs/DEVICES.md
// says what binding protects from, and what users see. The default is no binding.
// New panics if the cookie has a Domain, is Partitioned or is not Secure: browsers
// would refuse it, or renew it for one host only.
func WithDeviceBinding(opts ...DeviceOption) Option {
	return option(func(c *config) {
		c.device = &deviceConfig{lifetime: 10 * time.Minute, algorithms: []string{dbsc.ES256, dbsc.RS256}}
		for _, o := range opts {
			if o == nil {
				c.device.err = errors.New("WithDeviceBinding: an option is nil; leave it out")
				return
			}
			o.applyDevice(c.device)
		}
	})
}

// DeviceOption changes a default of [WithDeviceBinding].
type DeviceOption interface{ applyDevice(*deviceConfig) }

type deviceOption func(*deviceConfig)

func (o deviceOption) applyDevice(c *deviceConfig) { o(c) }

type deviceConfig struct {
	lifetime   time.Duration
	path       *string // nil: the default
	algorithms []string
	err        error
}

// WithProofLifetime sets how long a proof of the device is good for, and with it
// a stolen cookie. The default is 10 minutes. Less than 3 are refused, because
// browsers would refresh the proof all the time. They may refuse more than six
// signatures in nine minutes.
func WithProofLifetime(d time.Duration) DeviceOption {
	return deviceOption(func(c *deviceConfig) { c.lifetime = d })
}

// WithProofPath sets the path below which Handler answers the browser: a
// registration at path/register, a refresh at path/refresh. Handler must get
// these requests, with the path that the browser asked for. The default is
// /session-device, below the path of the cookie. Each manager of a site needs a
// path of its own.
func WithProofPath(path string) DeviceOption {
	return deviceOption(func(c *deviceConfig) { c.path = &path })
}

// WithProofAlgorithms sets which signatures a browser is offered, in this order:
// "ES256", "RS256" or both. The default is both. A key that was registered before
// stays good.
func WithProofAlgorithms(algorithms ...string) DeviceOption {
	return deviceOption(func(c *deviceConfig) { c.algorithms = algorithms })
}

// Device says whether a session is bound to a device.
type Device int

// The values of [Device].
const (
	DeviceNone    = Device(lifecycle.NotOffered)    // not bound, and not offered
	DeviceOffered = Device(lifecycle.Offered)       // offered; the browser cannot do it, or has not answered yet
	DeviceBound   = Device(lifecycle.BoundToDevice) // the browser proves every few minutes that it has the device's key
)

// String returns none, offered or bound.
func (d Device) String() string {
	switch d {
	case DeviceOffered:
		return "offered"
	case DeviceBound:
		return "bound"
	}
	return "none"
}

func infoOf(i lifecycle.Info) Info {
	return Info{
		ID: i.ID, New: i.New, Created: i.Created, Renewed: i.Renewed, Used: i.Used, Expires: i.Expires,
		Owner: i.Owner, Remembered: i.Remembered, Device: Device(i.Device),
	}
}

// Bind offers the request's session to the browser's device, as [Manager.Renew]
// does for one with an owner: for sessions from before [WithDeviceBinding], and
// those without an owner. The response has the offer if Bind is called before it
// begins. The first browser that accepts an offer has the session from then on,
// so call Bind only where the user has just proved who they are. Nothing happens
// for a session that stays the zero T, one that is bound already, or without
// [WithDeviceBinding]. Bind loads, and fails, as Get does.
func (m *Manager[T]) Bind(ctx context.Context) {
	s := m.find(ctx)
	s.Must(s.Bind(ctx))
}

// Prove reports whether the device that the session is bound to has proved its
// key just now, within a minute. If it has not, Prove asks for it by a 307 to the
// same address and returns false, and the handler returns too. The browser then
// signs, and sends the request again, with its body:
//
//	if !sessions.Prove(w, r) {
//		return
//	}
//
// It is for changes of a password and the like, before the response begins. A
// session that is not bound has nothing to prove: Prove returns true, as it does
// for an anonymous request. So a handler still looks at who the user is, and, if it
// wants no others, whether [Info] says [DeviceBound]. Prove loads, and fails, as
// Get does.
func (m *Manager[T]) Prove(w http.ResponseWriter, r *http.Request) bool {
	s := m.find(r.Context())
	if m.device == nil {
		return true
	}
	proved, err := s.Proved(r.Context())
	s.Must(err)
	if !proved {
		m.device.askAgain(w, r)
	}
	return proved
}
