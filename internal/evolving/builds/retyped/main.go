// Command retyped is the program with a new type for a field, and an upgrade step.
package main

import (
	"math"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/evolving/program"
)

// Session has its Budget in cents.
type Session struct {
	User   string
	Visits int `sesame:"sum"`
	Theme  string
	Budget int
	Place  program.Place
}

func upgrade(old program.Session) Session {
	return Session{User: old.User, Visits: old.Visits, Theme: old.Theme, Budget: int(math.Round(old.Budget * 100)), Place: old.Place}
}

// Owner returns the user, by whom sesame finds the session.
func (s Session) Owner() string { return s.User }

func main() {
	program.Run(program.Changes[Session]{}, sesame.WithUpgrade(2, upgrade))
}
