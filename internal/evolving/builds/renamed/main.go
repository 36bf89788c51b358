// Command renamed is the program with a renamed field, and an upgrade step.
package main

import (
	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/evolving/program"
)

// Session calls the Theme its Look.
type Session struct {
	User   string
	Visits int `sesame:"sum"`
	Look   string
	Budget float64
	Place  program.Place
}

func upgrade(old program.Session) Session {
	return Session{User: old.User, Visits: old.Visits, Look: old.Theme, Budget: old.Budget, Place: old.Place}
}

// Owner returns the user, by whom sesame finds the session.
func (s Session) Owner() string { return s.User }

func main() {
	program.Run(program.Changes[Session]{
		"theme": func(s *Session, v string) { s.Look = v },
	}, sesame.WithUpgrade(2, upgrade))
}
