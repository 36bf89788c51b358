// Command renamed is the program with a field of another name, and a step to it.
package main

import (
	"strconv"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/evolving/program"
)

// Session calls the Theme its Look.
type Session struct {
	User   string
	Visits int `sesame:"sum"`
	Look   string
	Budget float64
	Place  Place
}

// Place is nested in a Session.
type Place struct{ City string }

// session1 is the version before.
type session1 struct {
	User   string
	Visits int
	Theme  string
	Budget float64
	Place  Place
}

func upgrade(old session1) Session {
	return Session{User: old.User, Visits: old.Visits, Look: old.Theme, Budget: old.Budget, Place: old.Place}
}

// Owner is for sesame.
func (s Session) Owner() string { return s.User }

func main() {
	program.Run(program.Changes[Session]{
		"login":  func(s *Session, v string) { s.User = v },
		"visit":  func(s *Session, _ string) { s.Visits++ },
		"theme":  func(s *Session, v string) { s.Look = v },
		"city":   func(s *Session, v string) { s.Place.City = v },
		"budget": func(s *Session, v string) { s.Budget, _ = strconv.ParseFloat(v, 64) },
	}, sesame.WithUpgrade(2, upgrade))
}
