package dbsc

import (
	"encoding/json"
	"net/http"
	"strings"
)

// The header fields, in the form of http.Header's keys.
const (
	HeaderRegistration = "Secure-Session-Registration"
	HeaderChallenge    = "Secure-Session-Challenge"
	HeaderResponse     = "Secure-Session-Response"
	HeaderSkipped      = "Secure-Session-Skipped"
	HeaderID           = "Sec-Secure-Session-Id"
)

// Item returns the value of a header field that is a string (RFC 9651, section
// 3.3.3). The draft has the browser quote it, and Chromium does not. A field
// that is missing is "". Ok is false if there are several, or it is malformed.
func Item(h http.Header, name string) (value string, ok bool) {
	lines := h[name]
	switch {
	case len(lines) == 0:
		return "", true
	case len(lines) > 1:
		return "", false
	}
	value, quoted := strings.CutPrefix(strings.Trim(lines[0], " "), `"`)
	if !quoted {
		value, _, _ = strings.Cut(value, ";")
		return value, plain(value)
	}
	value, rest, closed := strings.Cut(value, `"`)
	return value, closed && plain(value) && (rest == "" || rest[0] == ';')
}

// plain reports whether s is made of the characters of a JWT. The values that
// are read here have no others, so there is nothing to unescape.
func plain(s string) bool {
	for _, c := range []byte(s) {
		if c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != ""
}

// Offering returns the header field that offers a registration.
func Offering(algorithms []string, path, challenge string) string {
	return "(" + strings.Join(algorithms, " ") + `);path="` + path + `";challenge="` + challenge + `"`
}

// Challenging returns the header field that asks for a proof.
func Challenging(challenge, id string) string { return `"` + challenge + `";id="` + id + `"` }

// Instructions returns what tells the browser about its session: where to
// refresh it, and which cookie must be there before a request leaves. The
// attributes must be those of the cookie, or the browser refreshes it for every
// request.
func Instructions(id, refreshPath, cookie, attributes string) []byte {
	type credential struct {
		Type       string `json:"type"`
		Name       string `json:"name"`
		Attributes string `json:"attributes"`
	}
	type scope struct {
		IncludeSite bool `json:"include_site"`
	}
	data, _ := json.Marshal(struct {
		ID          string       `json:"session_identifier"`
		Refresh     string       `json:"refresh_url"`
		Scope       scope        `json:"scope"`
		Credentials []credential `json:"credentials"`
	}{id, refreshPath, scope{}, []credential{{"cookie", cookie, attributes}}})
	return data
}
