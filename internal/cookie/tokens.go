package cookie

import (
	"iter"
	"strings"

	"github.com/sesame-go/sesame/internal/token"
)

// MaxTokens is how many different tokens of one request are looked at. Honest
// browsers send one, or two if a cookie of the same name was set for another path or
// domain. More would let a client cause that many store calls.
const MaxTokens = 4

// Tokens are the well-formed tokens that a request carries.
type Tokens struct {
	list      [MaxTokens]string
	n         int
	Malformed bool // a cookie of the name had something else for a value
}

// All returns the different tokens in the order of the request. They share
// memory with the header lines.
func (t *Tokens) All() []string { return t.list[:t.n] }

// Add adds a value that a request has in a token's place.
func (t *Tokens) Add(value string) {
	if !token.Valid(value) {
		t.Malformed = true
		return
	}
	for _, seen := range t.All() {
		if seen == value {
			return
		}
	}
	if t.n < MaxTokens {
		t.list[t.n] = value
		t.n++
	}
}

// Read finds the tokens in the Cookie header lines of a request. Unlike
// http.Request.Cookies it allocates nothing, whatever the client sends.
func Read(lines []string, name string) (t Tokens) {
	for value := range Values(lines, name) {
		t.Add(value)
	}
	return t
}

// Values yields the values of the cookies of a name.
func Values(lines []string, name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for line != "" {
				var pair string
				pair, line, _ = strings.Cut(line, ";")
				key, value, ok := strings.Cut(trim(pair), "=")
				if ok && trim(key) == name && !yield(trim(value)) {
					return
				}
			}
		}
	}
}

// trim drops the blanks around s, of which there is at most one as a rule.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}
