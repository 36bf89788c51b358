// Command restricted is the program with a restriction.
package main

import (
	"strconv"

	"github.com/sesame-go/sesame/internal/evolving/program"
)

// Session has the new field ReadOnly: what it forbids must stay forbidden.
type Session struct {
	ReadOnly bool
	User     string
	Visits   int `sesame:"sum"`
	Theme    string
	Budget   float64
	Place    Place
}

// Place is nested in a Session.
type Place struct{ City string }

// Owner is for sesame.
func (s Session) Owner() string { return s.User }

func main() {
	program.Run(program.Changes[Session]{
		"login":    func(s *Session, v string) { s.User = v },
		"visit":    func(s *Session, _ string) { s.Visits++ },
		"theme":    func(s *Session, v string) { s.Theme = v },
		"city":     func(s *Session, v string) { s.Place.City = v },
		"budget":   func(s *Session, v string) { s.Budget, _ = strconv.ParseFloat(v, 64) },
		"restrict": func(s *Session, v string) { s.ReadOnly, _ = strconv.ParseBool(v) },
	})
}
