// Command retyped is the program with a field of another type, and a step to it.
package main

import (
	"math"
	"strconv"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/evolving/program"
)

// Session has its Budget in cents.
type Session struct {
	User   string
	Visits int `sesame:"sum"`
	Theme  string
	Budget int
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
	return Session{User: old.User, Visits: old.Visits, Theme: old.Theme, Budget: int(math.Round(old.Budget * 100)), Place: old.Place}
}

// Owner is for sesame.
func (s Session) Owner() string { return s.User }

func main() {
	program.Run(program.Changes[Session]{
		"login":  func(s *Session, v string) { s.User = v },
		"visit":  func(s *Session, _ string) { s.Visits++ },
		"theme":  func(s *Session, v string) { s.Theme = v },
		"city":   func(s *Session, v string) { s.Place.City = v },
		"budget": func(s *Session, v string) { s.Budget, _ = strconv.Atoi(v) },
	}, sesame.WithUpgrade(2, upgrade))
}
