// Package cookie makes, checks and reads the cookie that carries a session's
// token.
package cookie

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"
)

// BaseName is the cookie's default name; where the rules of the __Host- prefix
// hold (RFC 6265bis, section 4.1.3.2) it is prefixed.
const (
	BaseName   = "session_id"
	hostPrefix = "__Host-Http-"
)

// Template is what all cookies of a manager have in common.
type Template struct{ cookie http.Cookie }

// NewTemplate completes c with the defaults and checks it. Its errors say what
// to change.
func NewTemplate(c http.Cookie, insecure bool) (Template, error) {
	switch {
	case c.Value != "" || c.Quoted:
		return Template{}, errors.New("the cookie template has a Value; sesame sets the value, leave it empty")
	case c.MaxAge != 0 || !c.Expires.IsZero() || c.RawExpires != "":
		return Template{}, errors.New("the cookie template has a MaxAge or Expires; a cookie lasts as long as its session: call Remember on those that are to outlive the browser")
	case c.Raw != "" || len(c.Unparsed) > 0:
		return Template{}, errors.New("the cookie template has Raw or Unparsed, which net/http does not send; use its other fields")
	case insecure && c.Secure:
		return Template{}, errors.New("the cookie template says Secure, WithInsecureCookie says not; drop one of the two")
	}
	c.Secure = !insecure
	c.HttpOnly = true
	if c.Path == "" {
		c.Path = "/"
	}
	if c.SameSite == 0 || c.SameSite == http.SameSiteDefaultMode {
		c.SameSite = http.SameSiteLaxMode
	}
	if c.Name == "" {
		c.Name = BaseName
		if c.Secure && c.Path == "/" && c.Domain == "" {
			c.Name = hostPrefix + BaseName
		}
	}
	if err := check(c); err != nil {
		return Template{}, err
	}
	return Template{c}, nil
}

// check refuses what a browser, or http.SetCookie, would drop silently.
func check(c http.Cookie) error {
	name := strings.ToLower(c.Name)
	switch {
	case strings.HasPrefix(name, "__host-") && (!c.Secure || c.Path != "/" || c.Domain != ""):
		return fmt.Errorf("browsers refuse the cookie name %q unless the cookie is Secure, has the path / and no domain; rename it or drop what is in the way", c.Name)
	case !c.Secure && (strings.HasPrefix(name, "__secure-") || strings.HasPrefix(name, "__http-")):
		return fmt.Errorf("browsers refuse the cookie name %q unless the cookie is Secure; rename it or drop WithInsecureCookie", c.Name)
	case c.SameSite == http.SameSiteNoneMode && !c.Secure:
		return errors.New("browsers refuse a SameSite=None cookie that is not Secure; drop WithInsecureCookie or use SameSiteLaxMode")
	case c.Partitioned && !c.Secure:
		return errors.New("browsers refuse a Partitioned cookie that is not Secure; drop WithInsecureCookie or Partitioned")
	case c.SameSite < http.SameSiteDefaultMode || c.SameSite > http.SameSiteNoneMode:
		return fmt.Errorf("the cookie template has the unknown SameSite mode %d", c.SameSite)
	case !strings.HasPrefix(c.Path, "/"):
		return fmt.Errorf("the cookie path %q must begin with a slash, or browsers replace it", c.Path)
	}
	if err := c.Valid(); err != nil {
		return fmt.Errorf("the cookie template is invalid: %w", err)
	}
	return nil
}

// Name returns the cookie's name.
func (t Template) Name() string { return t.cookie.Name }

// Secure reports whether browsers send the cookie over HTTPS only.
func (t Template) Secure() bool { return t.cookie.Secure }

// Cookie returns what all cookies of the template have in common.
func (t Template) Cookie() http.Cookie { return t.cookie }

// Device returns the template of the cookie with a device's proof: it goes
// wherever the session's goes. Chromium refuses to bind a cookie whose prefix says
// that only HTTP may set it, so that has the prefix of before. The proof can be
// planted and overwritten, but not made up.
func (t Template) Device() Template {
	name := t.cookie.Name + "_device"
	for http, plain := range map[string]string{hostPrefix: "__Host-", "__Http-": "__Secure-"} {
		if n := len(http); len(name) > n && strings.EqualFold(name[:n], http) {
			name = plain + name[n:]
		}
	}
	t.cookie.Name = name
	return t
}

// Attributes returns what Set writes behind the value, but for the cookie's age.
func (t Template) Attributes() string {
	_, attributes, _ := strings.Cut(t.Set("", 0), "; ")
	return attributes
}

// forever is as long as a Max-Age can be where int has 32 bits. Browsers keep no
// cookie for longer than 400 days.
const forever = (math.MaxInt32 - 1) * time.Second

// Set returns the Set-Cookie header that gives the client the token: for as
// long as the browser runs if life is zero, else for life, in whole seconds.
func (t Template) Set(token string, life time.Duration) string {
	c := t.cookie
	c.Value = token
	if life > 0 {
		c.MaxAge = int((min(life, forever) + time.Second - 1) / time.Second)
	}
	return c.String()
}

// Delete returns the Set-Cookie headers that make the client forget its token.
// They have all the attributes the cookie was set with, since to a browser one
// with another path, domain or partition is another cookie. A template with
// Partitioned also deletes the cookie without it, which it may have set before.
func (t Template) Delete() []string {
	c := t.cookie
	c.MaxAge = -1
	lines := []string{c.String()}
	if c.Partitioned {
		c.Partitioned = false
		lines = append(lines, c.String())
	}
	return lines
}
