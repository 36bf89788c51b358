package sesame

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sesame-go/sesame/internal/carrier"
	"github.com/sesame-go/sesame/internal/dbsc"
	"github.com/sesame-go/sesame/internal/lifecycle"
)

// device is a manager's part in the protocol.
type device struct {
	lifecycle.Device
	engine *lifecycle.Engine
}

// newDevice returns nil without WithDeviceBinding.
func newDevice(c *deviceConfig, in carrier.Carrier) (*device, error) {
	if c == nil {
		return nil, nil
	}
	session, ok := in.Cookie()
	if !ok {
		return nil, errors.New("WithDeviceBinding needs a cookie, which browsers bind; drop one of WithHeader and WithDeviceBinding")
	}
	template := session.Cookie()
	at := path.Join(template.Path, "session-device")
	if c.path != nil {
		at = *c.path
	}
	below := strings.TrimSuffix(template.Path, "/") + "/"
	known := []string{dbsc.ES256, dbsc.RS256}
	unknown := slices.ContainsFunc(c.algorithms, func(a string) bool { return !slices.Contains(known, a) })
	switch {
	case c.err != nil:
		return nil, c.err
	case !session.Secure():
		return nil, errors.New("WithDeviceBinding needs a Secure cookie, browsers bind sessions over HTTPS only; drop WithInsecureCookie")
	case template.Partitioned:
		return nil, errors.New("WithDeviceBinding: browsers refuse to bind a Partitioned cookie; drop one of the two")
	case template.Domain != "":
		return nil, fmt.Errorf("WithDeviceBinding: the cookie is for all hosts of %s, and browsers renew a proof for one; drop the Domain, or leave sessions unbound", template.Domain)
	case c.lifetime < dbsc.MinLifetime:
		return nil, fmt.Errorf("WithProofLifetime(%s): use %s or more, or browsers refresh the proof all the time", c.lifetime, dbsc.MinLifetime)
	case !strings.HasPrefix(at, below) || at == "/" || path.Clean(at) != at || strings.Trim(at, pathCharacters) != "":
		return nil, fmt.Errorf("WithProofPath(%q): use a path below that of the cookie, %s, of letters, digits and /-_.~, without a slash at its end, such as %q", at, template.Path, path.Join(template.Path, "session-device"))
	case len(c.algorithms) == 0 || unknown:
		return nil, fmt.Errorf("WithProofAlgorithms(%q): use %q, or one of the two", c.algorithms, known)
	}
	return &device{Device: lifecycle.Device{
		Terms: dbsc.Terms{Lifetime: c.lifetime}, Algorithms: c.algorithms, ProofCookie: session.Device(),
		Register: at + "/register", Refresh: at + "/refresh",
	}}, nil
}

const pathCharacters = "/-_.~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (d *device) forEngine() *lifecycle.Device {
	if d == nil {
		return nil
	}
	return &d.Device
}

// serves reports whether a request is for the browser's key, not for the
// program.
func (d *device) serves(r *http.Request) bool {
	return d != nil && (r.URL.Path == d.Register || r.URL.Path == d.Refresh)
}

// serve answers a registration or a refresh.
func (d *device) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		h.Set("Allow", http.MethodPost)
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	a := d.ask(r)
	if a.Challenge != "" {
		h.Set(dbsc.HeaderChallenge, dbsc.Challenging(a.Challenge, a.ID))
	}
	if a.Status != http.StatusOK {
		http.Error(w, http.StatusText(a.Status), a.Status)
		return
	}
	h.Add("Set-Cookie", d.ProofCookie.Set(a.Proof, a.Life.Truncate(time.Second)))
	h.Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK) // a framework may have another in mind, such as 404
	_, _ = w.Write(dbsc.Instructions(a.ID, d.Refresh, d.ProofCookie.Name(), d.ProofCookie.Attributes()))
}

func (d *device) ask(r *http.Request) lifecycle.Answer {
	jwt, ok := dbsc.Item(r.Header, dbsc.HeaderResponse)
	id, named := dbsc.Item(r.Header, dbsc.HeaderID)
	switch {
	case !ok || !named:
		return lifecycle.Answer{Status: http.StatusBadRequest}
	case r.URL.Path == d.Register:
		return d.engine.Register(r.Context(), r.Header["Cookie"], jwt)
	}
	return d.engine.Refresh(r.Context(), r.Header["Cookie"], id, jwt)
}

// askAgain expires the browser's proof and sends it to where it is: it signs
// before it follows.
func (d *device) askAgain(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for _, line := range d.ProofCookie.Delete() {
		h.Add("Set-Cookie", line)
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Location", address(r))
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// address returns the path and the query that the client has asked for, before
// any http.StripPrefix. It never names another host.
func address(r *http.Request) string {
	at := r.RequestURI
	if !strings.HasPrefix(at, "/") {
		at = r.URL.RequestURI()
	}
	if strings.HasPrefix(at, "//") || strings.HasPrefix(at, `/\`) {
		at = "/." + at
	}
	return at
}

// answerProveFirst has the browser load the page once more. The address is
// needed: without one a browser that wants a fragment of the page stays where it
// is. The fragment is lost.
func answerProveFirst(w http.ResponseWriter, r *http.Request, _ error) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Refresh", "0;url="+address(r))
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, `<!DOCTYPE html><html lang="en"><title>One moment</title><p>One moment. <a href="">Continue</a></p></html>`)
}
